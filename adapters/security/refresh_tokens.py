"""Refresh tokens: opaque, random at first, and each successor derived from the token before it."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from typing import Final

_BYTES: Final = 32
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SUCCESSOR: Final = b"wallet refresh token successor"


class DerivedRefreshTokens:
    """256 bits in base64url. Only hashes are kept, so a successor that is asked for once more has to be made once more.

    It is an HMAC of the token before it, under a key that is derived from the signing secret for this alone: whoever
    has read the hashes can make none, and whoever has an old token cannot tell what follows without the key.
    """

    def __init__(self, *, secret: bytes) -> None:
        self._key = hmac.digest(secret, _SUCCESSOR, "sha256")

    def first(self) -> str:
        """As RefreshTokens.first."""
        return _written(secrets.token_bytes(_BYTES))

    def successor_of(self, token: str) -> str:
        """As RefreshTokens.successor_of."""
        return _written(hmac.digest(self._key, token.encode("ascii"), "sha256"))

    def hashed(self, token: str) -> bytes | None:
        """As RefreshTokens.hashed."""
        if _FORM.fullmatch(token) is None:
            return None
        try:
            read = base64.urlsafe_b64decode(token + "=")
        except binascii.Error:
            return None
        # 43 characters hold two bits more than 32 bytes have: a token has one spelling.
        return hashlib.sha256(read).digest() if _written(read) == token else None


def _written(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")
