"""Recovery codes: 80 random bits, written to be read from paper, kept as keyed hashes."""

import hashlib
import hmac
import secrets
from typing import Final

PEPPER_BYTES_MIN: Final = 32

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no letter that is taken for a digit, or makes a word of its neighbours."""
_GROUPS: Final = 4
_GROUP_LENGTH: Final = 4
_PURPOSE: Final = b"wallet recovery codes"
_AS_MEANT: Final = str.maketrans({"I": "1", "L": "1", "O": "0", " ": None, "-": None})


class HmacRecoveryCodes:
    """Hashes codes under a key of their own, made from the pepper: a stolen table is worth nothing without that.

    A quick hash is enough for 80 random bits; the key is there because 80 are fewer than 112.
    """

    def __init__(self, *, pepper: bytes) -> None:
        """Raises ValueError when the pepper is shorter than 32 bytes."""
        if len(pepper) < PEPPER_BYTES_MIN:
            raise ValueError(f"The pepper has at least {PEPPER_BYTES_MIN} bytes.")
        self._key = hmac.digest(pepper, _PURPOSE, hashlib.sha256)

    def make(self, number: int) -> tuple[str, ...]:
        """As RecoveryCodes.make."""
        return tuple(_code() for _ in range(number))

    def hashed(self, code: str) -> bytes:
        """As RecoveryCodes.hashed."""
        meant = code.upper().translate(_AS_MEANT)
        return hmac.digest(self._key, meant.encode("utf-8", errors="surrogatepass"), hashlib.sha256)


def _code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)
