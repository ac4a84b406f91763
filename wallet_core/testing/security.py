"""Passwords and access tokens in memory: quick, and as strict as the real ones."""

import asyncio
import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import timedelta
from typing import Final

from wallet_core.clock import Clock
from wallet_core.faults import Fault, Overloaded
from wallet_core.identity.entities import AccessClaims, AccessToken, Role
from wallet_core.ids import SessionId, UserId

_HASH: Final = re.compile(r"in-memory:([0-9]{1,2}):([0-9a-f]{16}):([0-9a-f]{64})", re.ASCII)


class InMemoryPasswordHasher:
    """Hashes by one round of salted SHA-256: for tests, where a slow hash protects nobody.

    Takes in at most `callers_max` calls at once, as the real one does, and notes a `cost` that costs nothing.
    """

    def __init__(self, *, cost: int = 12, callers_max: int = 1_000) -> None:
        self._cost = cost
        self._callers_max = callers_max
        self._callers = 0

    async def hash(self, password: str) -> str:
        """The salted hash of a password. Raises Overloaded when too many wait already."""
        await self._take_turn()
        salt = secrets.token_hex(8)
        return f"in-memory:{self._cost}:{salt}:{_digest(salt, password)}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one. Raises Overloaded, and Fault when the stored hash is damaged."""
        match = None if hashed is None else _parts_of(hashed)
        await self._take_turn()
        return match is not None and hmac.compare_digest(_digest(match[2], password), match[3])

    def outdated(self, hashed: str) -> bool:
        """Whether a hash notes a lower cost than this hasher's. Raises Fault when it is damaged."""
        return int(_parts_of(hashed)[1]) < self._cost

    async def _take_turn(self) -> None:
        if self._callers >= self._callers_max:
            raise Overloaded("Too many passwords wait to be checked.")
        self._callers += 1
        try:
            # Lets others in between, so that a crowd is a crowd here too.
            await asyncio.sleep(0)
        finally:
            self._callers -= 1


class InMemoryCommonPasswords:
    """CommonPasswords, a handful of them."""

    def include(self, folded: str) -> bool:
        """As CommonPasswords.include."""
        return folded in {"password", "12345678", "password123", "iloveyou", "qwertyuiop"}


class InMemoryAccessTokens:
    """Opaque random tokens in a dictionary, good until the clock says otherwise."""

    def __init__(self, *, clock: Clock, lifetime_seconds: int = 600) -> None:
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds
        self._claims: dict[str, AccessClaims] = {}

    def issue(self, *, user_id: UserId, session_id: SessionId, role: Role) -> AccessToken:
        """A fresh token for that person."""
        token = secrets.token_urlsafe(32)
        self._claims[token] = AccessClaims(
            user_id=user_id,
            session_id=session_id,
            role=role,
            expires_at=self._clock() + timedelta(seconds=self._lifetime_seconds),
        )
        return AccessToken(token=token, expires_in=self._lifetime_seconds)

    def check(self, token: str) -> AccessClaims | None:
        """What the token says, or nothing when it was not issued here or has expired."""
        claims = self._claims.get(token)
        return claims if claims is not None and self._clock() < claims.expires_at else None


def _parts_of(hashed: str) -> re.Match[str]:
    match = _HASH.fullmatch(hashed)
    if match is None:
        raise Fault("A stored password hash is damaged.")
    return match


def _digest(salt: str, password: str) -> str:
    normal = unicodedata.normalize("NFC", password).encode("utf-8", errors="surrogatepass")
    return hashlib.sha256(salt.encode("ascii") + normal).hexdigest()
