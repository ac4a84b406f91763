"""What identity asks of the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wallet_core.identity.entities import AccessClaims, AccessToken, Device, Role, User
from wallet_core.ids import SessionId, UserId


class Taken(StrEnum):
    """Why a person could not be stored: somebody else is reached by that address."""

    EMAIL = "email_taken"
    PHONE = "phone_taken"


class UserRepository(Protocol):
    """Where people are kept.

    Every implementation passes `wallet_core.testing.contracts.UserRepositoryContract`.
    """

    async def add(self, user: User, password_hash: str) -> Taken | None:
        """Keep a new person, or say which of their addresses is taken."""
        ...

    async def by_id(self, user_id: UserId) -> User | None:
        """The person of that id."""
        ...

    async def by_address(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        """The person reached by that email address (in any case of letters), by that phone number, or by both.

        Given both, nobody unless both are one person's.
        """
        ...

    async def password_hash(self, user_id: UserId) -> str | None:
        """The hash of that person's password."""
        ...

    async def replace_password_hash(self, user_id: UserId, hashed: str, *, instead_of: str) -> bool:
        """Keep that hash in place of the other one; not when the other one is no longer the person's.

        For the same password: nothing else of the person changes.
        """
        ...

    async def change_password(
        self, user_id: UserId, hashed: str, *, instead_of: str | None, spared: SessionId | None, now: datetime
    ) -> bool:
        """Keep the hash of another password and `password_changed`, and end all of the person's sessions but the spared
        one: all of it or nothing.

        Not when `instead_of` is given and no longer the hash of their password, nor when there is no such person.
        """
        ...

    async def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        time_zone: str | None = None,
    ) -> User | Taken | None:
        """Change what is given, in one step, so that two changes at once both count.

        An address that is another one than before is not verified; what `addresses_changed` says of that is kept too.
        The person as changed; or which address is taken; or nothing when there is no such person.
        """
        ...

    async def verify_address(
        self, user_id: UserId, *, email: str | None = None, phone: str | None = None, now: datetime
    ) -> User | None:
        """Note that what is given was shown to be the person's; an address that is no longer theirs changes nothing.

        The person as they are then, or nothing when there is no such person.
        """
        ...

    async def warn(self, user_id: UserId, *, now: datetime, unless_since: datetime) -> bool:
        """Whether to warn the person now: not when they were since that moment. Of many callers one is told to."""
        ...


class PasswordHasher(Protocol):
    """Turns passwords into hashes, slowly and on purpose, off the event loop.

    Every implementation passes `wallet_core.testing.contracts.PasswordHasherContract`.
    """

    async def hash(self, password: str) -> str:
        """The salted hash of a normalised password. Raises Overloaded when too many wait already."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one; no hash takes as long as a wrong password.

        Raises Overloaded when too many wait already.
        """
        ...

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made at a lower cost than hashes are made at now."""
        ...


class AccessTokens(Protocol):
    """Signs and checks access tokens.

    Every implementation passes `wallet_core.testing.contracts.AccessTokensContract`.
    """

    def issue(self, *, user_id: UserId, session_id: SessionId, role: Role) -> AccessToken:
        """A fresh token for that person."""
        ...

    def check(self, token: str) -> AccessClaims | None:
        """What the token says, or nothing when it is forged, expired, meant for another use or malformed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRequired:
    """The password was right, and a code is asked for besides."""

    challenge: str
    """Names this log-in when the code is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPassed:
    """Nothing more is asked for."""

    is_on: bool
    """Whether a code was asked for, and is the right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A challenge was answered rightly."""

    user_id: UserId
    proved: str | None
    """What was proved before it was handed out, as whoever asked for it named that."""


class FactorRefusal(StrEnum):
    """Why a code lets nobody in."""

    WRONG_CODE = "wrong_code"
    CHALLENGE_OVER = "challenge_over"


@dataclass(frozen=True, slots=True)
class TooManyAttempts:
    """Whoever tries has to wait first; nothing was looked at."""

    wait_seconds: int


class SecondFactors(Protocol):
    """Asks for more than a password where a person wants that."""

    async def demand(
        self, user: User, code: str | None, device: Device, *, proved: str
    ) -> FactorPassed | SecondFactorRequired | FactorRefusal:
        """Whether the person needs no code or gave the right one; without a code a challenge to answer.

        `proved` names what they have proved so far, and comes with the answer to the challenge.
        """
        ...

    async def answer(self, challenge: str, code: str, device: Device) -> Answered | FactorRefusal | TooManyAttempts:
        """Whose challenge it is, when it is open and the code is right; it is used up then.

        CHALLENGE_OVER where it was used, has expired, was answered wrongly too often, or never was one.
        """
        ...


class NoSecondFactors:
    """Nobody has a second factor: passwords are enough, and there are no challenges to answer."""

    async def demand(self, user: User, code: str | None, device: Device, *, proved: str) -> FactorPassed:
        """Nothing is asked for."""
        del user, code, device, proved
        return FactorPassed(is_on=False)

    async def answer(self, challenge: str, code: str, device: Device) -> FactorRefusal:
        """There never was one."""
        del challenge, code, device
        return FactorRefusal.CHALLENGE_OVER


class Attempts(Protocol):
    """Counts attempts to prove who one is, and holds up whoever makes too many."""

    async def take(self, addresses: Sequence[str], device: Device) -> int | None:
        """Count one more attempt on whoever these addresses (normalised, maybe nobody's) reach, from that device.

        Nothing when it may go on; else the seconds to wait, and it was not counted.
        """
        ...

    def knows(self, addresses: Sequence[str], device: Device) -> bool:
        """Whether whoever they reach has logged in on that device before, as far as that is kept track of."""
        ...

    async def give_back(self, addresses: Sequence[str], device: Device) -> None:
        """Take the last attempt from the client's count, for it was right: the one that `take` of the same addresses
        and device let go on. To be asked once for each of those.
        """
        ...

    async def succeeded(self, addresses: Sequence[str], device: Device) -> str | None:
        """Forget the failures, for the last attempt was right. A proof for the device to keep, if it is a new one."""
        ...


class UnlimitedAttempts:
    """Counts nothing: everybody may try for ever."""

    async def take(self, addresses: Sequence[str], device: Device) -> None:
        """Go on."""

    def knows(self, addresses: Sequence[str], device: Device) -> bool:
        """No device is told from another."""
        del addresses, device
        return True

    async def give_back(self, addresses: Sequence[str], device: Device) -> None:
        """Nothing was counted."""

    async def succeeded(self, addresses: Sequence[str], device: Device) -> None:
        """Nothing was counted."""
