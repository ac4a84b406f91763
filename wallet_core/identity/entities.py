"""People and the tokens they carry."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wallet_core.ids import SessionId, UserId

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 256
NAME_LENGTH_MAX: Final = 100


class Role(StrEnum):
    """What a person may do beyond their own wallets."""

    USER = "user"
    ADMIN = "admin"


class UserStatus(StrEnum):
    """Whether a person may act."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. Reached by an email address, a phone number (E.164), or both.

    An address is theirs from the moment at which they showed that they read what is sent to it. Until then they log
    in by it, and nobody finds them by it.
    """

    id: UserId
    name: str
    email: str | None
    phone: str | None
    email_verified_at: datetime | None = None
    phone_verified_at: datetime | None = None
    role: Role = Role.USER
    status: UserStatus = UserStatus.ACTIVE
    time_zone: str = "UTC"
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says of its bearer, once its signature and dates were checked."""

    user_id: UserId
    session_id: SessionId
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A signed token as it is handed to its bearer."""

    token: str
    expires_in: int
    """Seconds until it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What somebody asks from, as far as requests tell."""

    name: str = ""
    """What it calls itself, such as a browser's User-Agent."""
    address: str | None = None
    """The network address it asks from."""
    proof: str | None = None
    """What it was given to keep when its owner last logged in on it."""


class WeakPasswordError(ValueError):
    """A password breaks the rules for one; the message says which."""


def normalised_password(password: str, *, new: bool = True) -> str:
    """The form in which a password is hashed and compared: Unicode NFC, so that keyboards may differ.

    A new one is held to the rules: raises WeakPasswordError when it is shorter or longer than allowed or holds a
    control character.
    """
    normal = unicodedata.normalize("NFC", password)
    if not new:
        return normal
    if not PASSWORD_LENGTH_MIN <= len(normal) <= PASSWORD_LENGTH_MAX:
        raise WeakPasswordError(f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normal):
        raise WeakPasswordError("A password holds no control characters.")
    return normal
