"""A second factor: codes of an authenticator app besides the password, and recovery codes for when that is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from wallet_core.ids import FactorId, SessionId, UserId

RECOVERY_CODES: Final = 10
STEPS_BACK: Final = 1
"""How many steps a code may be late: one, for the time that reading and typing take. None may be early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What a person's app and this service share. It counts once it is turned on."""

    id: FactorId
    user_id: UserId
    secret: str = field(repr=False)
    """In base32, as apps take it."""
    last_step: int | None = None
    """The time step of the last code that was accepted; none up to it is accepted again."""
    enabled_at: datetime | None = None
    created_at: datetime

    @property
    def is_on(self) -> bool:
        """Whether codes are asked for."""
        return self.enabled_at is not None


class SecondFactorRepository(Protocol):
    """Where second factors are kept, at most one for each person, and their recovery codes, as hashes.

    Every implementation passes `wallet_core.testing.contracts.SecondFactorRepositoryContract`.
    """

    async def begin(self, factor: SecondFactor, recovery_hashes: Sequence[bytes]) -> bool:
        """Keep one that is not turned on yet, in place of any other such one. Not when the person has one that is on.

        Raises ValueError when there is no such person.
        """
        ...

    async def of(self, user_id: UserId) -> SecondFactor | None:
        """The person's second factor, turned on or not."""
        ...

    async def turn_on(self, factor: SecondFactor, *, step: int, session_id: SessionId, now: datetime) -> bool:
        """Turn it on by a code of that step, unless it is on already, replaced or gone.

        From then on that session counts as proved, at `now`, and no other of the person's sessions does.
        `second_factor_on` is kept with it.
        """
        ...

    async def advance(self, factor: SecondFactor, step: int) -> bool:
        """Accept a code of that step, unless one of it or of a later one was accepted: of many at once, one is."""
        ...

    async def spend(self, factor: SecondFactor, recovery_hash: bytes) -> int | None:
        """Accept a recovery code, once, and keep `recovery_code_used` with it; how many are left.

        Nothing when it is none of them, or was used before.
        """
        ...

    async def recovery_codes_left(self, factor: SecondFactor) -> int:
        """How many recovery codes were not used yet."""
        ...

    async def turn_off(self, factor: SecondFactor) -> bool:
        """Forget it, its secret and its recovery codes, and keep `second_factor_off`; unless that was done already."""
        ...


class OneTimeCodes(Protocol):
    """The codes that an authenticator app shows (RFC 6238: six digits, a new one each 30 seconds).

    Every implementation passes `wallet_core.testing.contracts.OneTimeCodesContract`.
    """

    def new_secret(self) -> str:
        """160 random bits in base32."""
        ...

    def step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """The time step whose code this is: the present one, or one of the STEPS_BACK before it."""
        ...

    def uri(self, secret: str, *, account: str) -> str:
        """What an app is given to show codes for that account, as an `otpauth://` URI."""
        ...


class RecoveryCodes(Protocol):
    """Codes to write down for the day on which the app is lost.

    Every implementation passes `wallet_core.testing.contracts.RecoveryCodesContract`.
    """

    def make(self, number: int) -> tuple[str, ...]:
        """So many new ones, in groups that can be read and typed. None is taken for a code of an app."""
        ...

    def hashed(self, code: str) -> bytes:
        """What is kept of it. Small letters, spaces and hyphens make no difference; anything may be handed in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a person is shown once, to be kept in their app and on paper."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorState:
    """Whether a person's second factor is on, and how many recovery codes they have left."""

    enabled: bool
    recovery_codes_left: int
