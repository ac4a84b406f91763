"""The second step of logging in: a code, for those who want to be asked for one."""

from datetime import timedelta
from typing import Final

from wallet_core.clock import Clock
from wallet_core.identity.challenges import (
    Challenge,
    ChallengeRepository,
    Purpose,
    RandomBytes,
    new_token,
    token_hash,
)
from wallet_core.identity.entities import Device, User
from wallet_core.identity.factor_codes import FactorCodes
from wallet_core.identity.ports import (
    Answered,
    Attempts,
    FactorPassed,
    FactorRefusal,
    SecondFactorRequired,
    TooManyAttempts,
)
from wallet_core.identity.second_factor import SecondFactor, SecondFactorRepository
from wallet_core.ids import ChallengeId, IdGenerator, UserId

CHALLENGE_LASTS: Final = timedelta(minutes=5)


class SecondStep:
    """A SecondFactors of those who have turned one on.

    A challenge takes as many wrong codes as any challenge does; wrong codes on new ones are counted on, by the person.
    """

    def __init__(
        self,
        factors: SecondFactorRepository,
        codes: FactorCodes,
        challenges: ChallengeRepository,
        attempts: Attempts,
        *,
        random_bytes: RandomBytes,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._challenges = challenges
        self._attempts = attempts
        self._random_bytes = random_bytes
        self._ids = ids
        self._clock = clock

    async def demand(
        self, user: User, code: str | None, device: Device, *, proved: str
    ) -> FactorPassed | SecondFactorRequired | FactorRefusal:
        """As SecondFactors.demand. The log-in itself has been counted."""
        del device
        factor = await self._on(user.id)
        if factor is None:
            return FactorPassed(is_on=False)
        if code is None:
            return await self._challenge(user, proved)
        return FactorPassed(is_on=True) if await self._codes.accept(factor, code) else FactorRefusal.WRONG_CODE

    async def answer(self, challenge: str, code: str, device: Device) -> Answered | FactorRefusal | TooManyAttempts:
        """As SecondFactors.answer."""
        now, secret_hash = self._clock(), token_hash(challenge)
        found = await self._challenges.find(Purpose.SECOND_FACTOR, secret_hash, now)
        factor = None if found is None else await self._on(found.user_id)
        if found is None or factor is None:
            return FactorRefusal.CHALLENGE_OVER
        counted_by = (str(found.user_id),)
        wait_seconds = await self._attempts.take(counted_by, device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        # Counted before the code is looked at, so that no crowd of codes at once slips through; and not for whoever
        # has to wait, whose code is not looked at.
        tried = await self._challenges.attempt(Purpose.SECOND_FACTOR, secret_hash, now)
        if tried is None:
            return FactorRefusal.CHALLENGE_OVER
        if not await self._codes.accept(factor, code):
            return FactorRefusal.WRONG_CODE
        if not await self._challenges.use(tried.id, now):
            return FactorRefusal.CHALLENGE_OVER
        await self._attempts.give_back(counted_by, device)
        await self._attempts.succeeded(counted_by, device)
        return Answered(user_id=tried.user_id, proved=tried.subject)

    async def _on(self, user_id: UserId) -> SecondFactor | None:
        factor = await self._factors.of(user_id)
        return factor if factor is not None and factor.is_on else None

    async def _challenge(self, user: User, proved: str) -> SecondFactorRequired:
        token, now = new_token(self._random_bytes), self._clock()
        await self._challenges.open(
            Challenge(
                id=ChallengeId(self._ids()),
                user_id=user.id,
                purpose=Purpose.SECOND_FACTOR,
                secret_hash=token_hash(token),
                subject=proved,
                created_at=now,
                expires_at=now + CHALLENGE_LASTS,
            )
        )
        return SecondFactorRequired(challenge=token)
