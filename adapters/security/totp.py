"""Codes of authenticator apps by pyotp."""

from datetime import datetime
from typing import Final

import pyotp

from wallet_core.identity.second_factor import STEPS_BACK

_DIGITS: Final = 6
_STEP_SECONDS: Final = 30


class TotpCodes:
    """TOTP as every app speaks it: SHA-1, six digits, steps of 30 seconds. `issuer` is what apps show above a code."""

    def __init__(self, *, issuer: str) -> None:
        self._issuer = issuer

    def new_secret(self) -> str:
        """As OneTimeCodes.new_secret."""
        return pyotp.random_base32()

    def step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """As OneTimeCodes.step_of."""
        if len(code) != _DIGITS or not code.isascii() or not code.isdigit():
            return None
        totp = _totp(secret)
        present = totp.timecode(now)
        # Not pyotp's own window: that one takes codes from the future too, and does not say whose step it was.
        for step in range(present, present - STEPS_BACK - 1, -1):
            if totp.verify(code, for_time=step * _STEP_SECONDS):
                return step
        return None

    def uri(self, secret: str, *, account: str) -> str:
        """As OneTimeCodes.uri."""
        return _totp(secret).provisioning_uri(name=account, issuer_name=self._issuer)


def _totp(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=_DIGITS, interval=_STEP_SECONDS)
