"""Whether a code is the one that is asked for: an app's or a recovery code, and each of them once."""

from wallet_core.clock import Clock
from wallet_core.identity.second_factor import OneTimeCodes, RecoveryCodes, SecondFactor, SecondFactorRepository


class FactorCodes:
    """Accepts codes: each once, in whichever process and however often at the same moment it is given."""

    def __init__(
        self,
        factors: SecondFactorRepository,
        codes: OneTimeCodes,
        recovery_codes: RecoveryCodes,
        *,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._recovery_codes = recovery_codes
        self._clock = clock

    async def accept(self, factor: SecondFactor, code: str) -> bool:
        """Whether the code is right, of a second factor that is on. It is used up then.

        Whoever's recovery code was used is told.
        """
        given = code.replace(" ", "")
        step = self._codes.step_of(factor.secret, given, self._clock())
        if step is not None:
            return await self._factors.advance(factor, step)
        return await self._factors.spend(factor, self._recovery_codes.hashed(given)) is not None
