"""Challenges: a secret that was sent to somebody, or handed to them, and what it proves to give it back."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from wallet_core.ids import ChallengeId, UserId

RandomBytes: TypeAlias = Callable[[int], bytes]
"""So many bytes that nobody can foretell."""

ATTEMPTS_MAX: Final = 5
"""How often an answer may be tried on one challenge; then it is dead, and a right one comes too late."""
CODE_DIGITS: Final = 6
TOKEN_BYTES: Final = 32


class Purpose(StrEnum):
    """What somebody proves by answering."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name, no password
    EMAIL = "email"
    PHONE = "phone"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A question to one person. It is open until it is used, expires, or a newer one of its purpose is opened.

    `subject` is the address that its secret went to, or names what was proved before it was handed out. Of the secret
    itself no more than a hash is kept.
    """

    id: ChallengeId
    user_id: UserId
    purpose: Purpose
    secret_hash: bytes = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    created_at: datetime
    expires_at: datetime


class ChallengeRepository(Protocol):
    """Where challenges are kept. A person has at most one open challenge of each purpose.

    Every implementation passes `wallet_core.testing.contracts.ChallengeRepositoryContract`.
    """

    async def open(self, challenge: Challenge) -> None:
        """Keep a new challenge; the person's open one of that purpose ends. Raises ValueError when there is nobody."""
        ...

    async def find(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """The open challenge of that secret. Counts nothing: for secrets that cannot be guessed."""
        ...

    async def attempt(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """Count one more attempt on the open challenge of that secret, before the answer is looked at."""
        ...

    async def use(self, challenge_id: ChallengeId, now: datetime) -> bool:
        """Use up the challenge: of any number of callers, one is told that it was open and is theirs."""
        ...

    async def answer(self, user_id: UserId, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """Count an attempt on the person's open challenge and, where that is its secret, use it up and give it back."""
        ...

    async def end(self, user_id: UserId, purpose: Purpose, now: datetime) -> None:
        """End the person's open challenge of that purpose, if there is one."""
        ...


def new_token(random_bytes: RandomBytes) -> str:
    """A secret of 256 bits in characters that a link may hold."""
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def new_code(random_bytes: RandomBytes) -> str:
    """Six digits, each number as likely as any other to within one in a million million."""
    return f"{int.from_bytes(random_bytes(8)) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def token_hash(token: str) -> bytes:
    """What is kept of a token: nobody finds 256 random bits by trying."""
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).digest()


def code_hash(key: bytes, user_id: UserId, purpose: Purpose, code: str) -> bytes:
    """What is kept of a code: without the key a million trials would find it."""
    said = f"{purpose.value}:{user_id}:{code}".encode("utf-8", errors="surrogatepass")
    return hmac.digest(key, said, hashlib.sha256)
