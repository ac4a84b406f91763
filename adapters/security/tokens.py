"""Access tokens as signed JWTs (RFC 9068's `at+jwt`, HS256)."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import jwt

from wallet_core.clock import Clock
from wallet_core.identity.entities import AccessClaims, AccessToken, Role
from wallet_core.ids import IdGenerator, SessionId, UserId

SECRET_BYTES_MIN: Final = 32
TOKEN_LENGTH_MAX: Final = 4096

_ALGORITHM: Final = "HS256"
_TYPE: Final = "at+jwt"
_HEADER: Final = {"alg": _ALGORITHM, "typ": _TYPE}
"""As it is issued: whatever else a header may say (`kid`, `jku`, `crit` …) asks for something that is not done here."""
_LEEWAY_SECONDS: Final = 5
_TIMESTAMP_MAX: Final = 253_402_300_799
"""The last second that a datetime can name."""

# Three base64url segments, the last of them exactly one HMAC-SHA256. The signature covers the first two as they are
# written but not its own spelling, and a lax decoder skips junk in it: without this one token could be remembered
# under any number of spellings.
_COMPACT_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", re.ASCII)


class JwtAccessTokens:
    """Signs access tokens and checks them, remembering those that passed until they expire.

    A check costs a signature and two JSON documents; a repeated one costs a look into a dictionary of at most
    `memory_max` tokens, the oldest of which make room. Belongs to one event loop. Tokens signed with one of
    `previous_secrets` pass too, so that a secret can be replaced without logging everybody out.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        issuer: str,
        audience: str,
        clock: Clock,
        ids: IdGenerator,
        lifetime_seconds: int = 600,
        previous_secrets: Sequence[bytes] = (),
        memory_max: int = 65_536,
    ) -> None:
        """Raises ValueError when a secret is shorter than 32 bytes: PyJWT itself would only warn."""
        self._secrets = (secret, *previous_secrets)
        if any(len(each) < SECRET_BYTES_MIN for each in self._secrets):
            raise ValueError(f"A secret that signs tokens has at least {SECRET_BYTES_MIN} bytes.")
        if lifetime_seconds <= 0 or memory_max <= 0:
            raise ValueError("A token's lifetime and the number of remembered tokens are more than zero.")
        self._issuer = issuer
        self._audience = audience
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._ids = ids
        self._memory_max = memory_max
        # A plain dict finds its oldest key by walking over all that were deleted before it.
        self._remembered: OrderedDict[str, AccessClaims] = OrderedDict()
        self._jwt = jwt.PyJWT()

    def issue(self, *, user_id: UserId, session_id: SessionId, role: Role) -> AccessToken:
        """A fresh token for that person."""
        issued_at = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(self._ids()),
            "role": role.value,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + self._lifetime_seconds,
        }
        token = self._jwt.encode(claims, self._secrets[0], algorithm=_ALGORITHM, headers={"typ": _TYPE})
        return AccessToken(token=token, expires_in=self._lifetime_seconds)

    def check(self, token: str) -> AccessClaims | None:
        """What the token says, or nothing when it is forged, expired, meant for another use or malformed."""
        now = self._clock()
        claims = self._remembered.get(token)
        if claims is None:
            claims = self._verified(token, now)
            if claims is None:
                return None
            self._remember(token, claims, now)
        elif claims.expires_at <= now:
            del self._remembered[token]
            return None
        return claims

    def _verified(self, token: str, now: datetime) -> AccessClaims | None:
        if len(token) > TOKEN_LENGTH_MAX or _COMPACT_FORM.fullmatch(token) is None:
            return None
        for secret in self._secrets:
            try:
                decoded = self._jwt.decode_complete(
                    token,
                    secret,
                    algorithms=[_ALGORITHM],
                    audience=self._audience,
                    issuer=self._issuer,
                    # The dates are compared below, with the clock this service goes by.
                    options={
                        "require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "sid", "role"],
                        "strict_aud": True,
                        "verify_exp": False,
                        "verify_iat": False,
                        "verify_nbf": False,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError:
                return None
            if decoded["header"] != _HEADER:
                return None
            return _claims_at(now, decoded["payload"])
        return None

    def _remember(self, token: str, claims: AccessClaims, now: datetime) -> None:
        while self._remembered:
            oldest = next(iter(self._remembered))
            if len(self._remembered) < self._memory_max and self._remembered[oldest].expires_at > now:
                break
            del self._remembered[oldest]
        self._remembered[token] = claims


def _claims_at(now: datetime, payload: dict[str, Any]) -> AccessClaims | None:
    """The claims of a correctly signed payload, unless one has the wrong type or the dates exclude this moment."""
    issued_at, not_before, expires_at = (_timestamp(payload[name]) for name in ("iat", "nbf", "exp"))
    user_id, session_id, role = _uuid(payload["sub"]), _uuid(payload["sid"]), _role(payload["role"])
    if issued_at is None or not_before is None or expires_at is None:
        return None
    if user_id is None or session_id is None or role is None:
        return None
    seconds = now.timestamp()
    # Another server's clock may be a little ahead of ours when it signs; nothing excuses a token that has expired.
    if max(issued_at, not_before) > seconds + _LEEWAY_SECONDS or expires_at <= seconds:
        return None
    return AccessClaims(
        user_id=UserId(user_id),
        session_id=SessionId(session_id),
        role=role,
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )


def _timestamp(claim: object) -> int | None:
    """Whole seconds since 1970; true, 1.5, NaN and "12" are none."""
    return claim if type(claim) is int and 0 <= claim <= _TIMESTAMP_MAX else None


def _uuid(claim: object) -> UUID | None:
    """A UUID in its one usual spelling."""
    if not isinstance(claim, str):
        return None
    try:
        parsed = UUID(claim)
    except ValueError:
        return None
    return parsed if str(parsed) == claim else None


def _role(claim: object) -> Role | None:
    """One of the roles."""
    return next((role for role in Role if role.value == claim), None)
