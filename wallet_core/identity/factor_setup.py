"""Setting a second factor up, turning it on and turning it off."""

from enum import StrEnum

from wallet_core.clock import Clock
from wallet_core.identity.entities import Device
from wallet_core.identity.ports import UserRepository
from wallet_core.identity.proofs import Proofs, Refused
from wallet_core.identity.second_factor import (
    RECOVERY_CODES,
    Enrolment,
    FactorState,
    OneTimeCodes,
    RecoveryCodes,
    SecondFactor,
    SecondFactorRepository,
)
from wallet_core.identity.session import ActiveSession
from wallet_core.identity.sessions import Sessions
from wallet_core.ids import FactorId, IdGenerator, UserId


class SetupRefusal(StrEnum):
    """Why a second factor stays as it is."""

    IS_ON = "second_factor_on"
    IS_OFF = "second_factor_off"
    WRONG_CODE = "invalid_credentials"


class FactorSetup:
    """What people do about their second factor. That they have just proved who they are is for the caller to see to."""

    def __init__(
        self,
        factors: SecondFactorRepository,
        codes: OneTimeCodes,
        recovery_codes: RecoveryCodes,
        users: UserRepository,
        proofs: Proofs,
        sessions: Sessions,
        *,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._recovery_codes = recovery_codes
        self._users = users
        self._proofs = proofs
        self._sessions = sessions
        self._ids = ids
        self._clock = clock

    async def state(self, user_id: UserId) -> FactorState:
        """How the person's second factor stands."""
        factor = await self._factors.of(user_id)
        if factor is None or not factor.is_on:
            return FactorState(enabled=False, recovery_codes_left=0)
        return FactorState(enabled=True, recovery_codes_left=await self._factors.recovery_codes_left(factor))

    async def begin(self, user_id: UserId) -> Enrolment | SetupRefusal | None:
        """A new secret and new recovery codes, shown this once; they count for nothing until `turn_on`.

        Earlier ones that were not turned on are forgotten. Nothing when there is no such person.
        """
        user = await self._users.by_id(user_id)
        if user is None:
            return None
        secret, written_down = self._codes.new_secret(), self._recovery_codes.make(RECOVERY_CODES)
        factor = SecondFactor(id=FactorId(self._ids()), user_id=user_id, secret=secret, created_at=self._clock())
        hashes = [self._recovery_codes.hashed(code) for code in written_down]
        if not await self._factors.begin(factor, hashes):
            return SetupRefusal.IS_ON
        uri = self._codes.uri(secret, account=user.email or user.phone or user.name)
        return Enrolment(secret=secret, uri=uri, recovery_codes=written_down)

    async def turn_on(self, active: ActiveSession, code: str) -> SetupRefusal | None:
        """Ask for codes from now on, by one that shows that the app has the secret.

        The person has proved by it who they are; on their other sessions they have to anew.
        """
        factor = await self._factors.of(active.user_id)
        if factor is None:
            return SetupRefusal.IS_OFF
        if factor.is_on:
            return SetupRefusal.IS_ON
        now = self._clock()
        step = self._codes.step_of(factor.secret, code.replace(" ", ""), now)
        if step is None:
            return SetupRefusal.WRONG_CODE
        if not await self._factors.turn_on(factor, step=step, session_id=active.session_id, now=now):
            return SetupRefusal.IS_ON
        await self._sessions.announce()
        return None

    async def turn_off(
        self, active: ActiveSession, *, password: str, code: str, device: Device
    ) -> SetupRefusal | Refused | None:
        """Ask for no codes any more, and forget the secret: for the password and a last code.

        Raises Overloaded when too many passwords are being checked.
        """
        factor = await self._factors.of(active.user_id)
        if factor is None or not factor.is_on:
            return SetupRefusal.IS_OFF
        refused = await self._proofs.check(active, password=password, code=code, device=device)
        if refused is not None:
            return refused
        if not await self._factors.turn_off(factor):
            return SetupRefusal.IS_OFF
        await self._sessions.announce()
        return None
