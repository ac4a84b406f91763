"""Proving once more who one is, and what asks for it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from wallet_core.identity.entities import Device, normalised_password
from wallet_core.identity.factor_codes import FactorCodes
from wallet_core.identity.ports import Attempts, PasswordHasher, TooManyAttempts, UserRepository
from wallet_core.identity.second_factor import SecondFactorRepository
from wallet_core.identity.session import ActiveSession
from wallet_core.identity.sessions import Sessions


class ProofRefusal(StrEnum):
    """Why nothing is proved."""

    CODE_MISSING = "code_missing"
    PASSWORD_MISSING = "password_missing"  # noqa: S105 - a reason, no password
    WRONG = "invalid_credentials"
    SESSION_OVER = "session_ended"


Refused: TypeAlias = ProofRefusal | TooManyAttempts


class Proofs:
    """Checks what somebody who is logged in gives as proof. Wrong ones are counted, whichever session gives them."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        factors: SecondFactorRepository,
        codes: FactorCodes,
        attempts: Attempts,
        sessions: Sessions,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._factors = factors
        self._codes = codes
        self._attempts = attempts
        self._sessions = sessions

    async def check(
        self, active: ActiveSession, *, password: str | None, code: str | None, device: Device
    ) -> Refused | None:
        """Nothing when all that is given is right, and all that has to be is given: a code where codes are asked for,
        else the password. A code that is right is used up.

        Raises Overloaded when too many passwords are being checked.
        """
        factor = await self._factors.of(active.user_id)
        if factor is not None and not factor.is_on:
            factor = None
        if factor is not None and code is None:
            return ProofRefusal.CODE_MISSING
        if factor is None and password is None:
            return ProofRefusal.PASSWORD_MISSING
        counted_by = (str(active.user_id),)
        wait_seconds = await self._attempts.take(counted_by, device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        if password is not None and not await self._is_password(active, password):
            return ProofRefusal.WRONG
        if factor is not None and not await self._codes.accept(factor, code or ""):
            return ProofRefusal.WRONG
        await self._attempts.give_back(counted_by, device)
        await self._attempts.succeeded(counted_by, device)
        return None

    async def renew(
        self, active: ActiveSession, *, password: str | None, code: str | None, device: Device
    ) -> Refused | None:
        """Keep that the session's person has proved just now who they are, if `check` says so."""
        refused = await self.check(active, password=password, code=code, device=device)
        if refused is None and not await self._sessions.prove(active):
            return ProofRefusal.SESSION_OVER
        return refused

    async def _is_password(self, active: ActiveSession, password: str) -> bool:
        hashed = await self._users.password_hash(active.user_id)
        return await self._hasher.verify(normalised_password(password, new=False), hashed)


class LargeAmounts:
    """What asks for a fresh proof when money moves: more than so much, by somebody with a second factor."""

    def __init__(self, sessions: Sessions, amounts_max: Mapping[str, int]) -> None:
        """`amounts_max` says, by currency and in minor units, how much moves without."""
        self._sessions = sessions
        self._amounts_max = amounts_max

    async def may_move(self, active: ActiveSession, currency: str, amount: int) -> bool:
        """Whether that session may move so much. Nothing is asked of anybody before the answer could be no."""
        if not active.second_factor or amount <= self._amounts_max[currency]:
            return True
        if await self._sessions.is_proved(active):
            return True
        anew = await self._sessions.check_anew(active)
        return isinstance(anew, ActiveSession) and not anew.second_factor
