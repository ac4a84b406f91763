"""Sessions as they are kept, as they are known to whoever asks, and what their bearer is handed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from wallet_core.identity.entities import AccessToken, Role
from wallet_core.ids import SessionId, UserId


class SessionEnd(StrEnum):
    """Why a session is over."""

    LOGGED_OUT = "logged_out"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    ENDED_BY_OWNER = "ended_by_owner"
    ENDED_BY_ADMIN = "ended_by_admin"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    ACCOUNT_DEACTIVATED = "account_deactivated"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a log-in began on one device, as it is kept, and what its person may do."""

    id: SessionId
    user_id: UserId
    device: str
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    """When it was used last, as far as that was written down."""
    expires_at: datetime
    """Over then, however much it is used."""
    proved_at: datetime | None
    """When its person last proved who they are, with all that is asked of them."""
    ended_at: datetime | None = None
    ended_because: SessionEnd | None = None
    changed_at: datetime | None = None
    """When something about it changed that matters elsewhere: its end, its proof, or what its person may do."""
    role: Role = Role.USER
    second_factor: bool = False

    def is_live(self, now: datetime, idle: timedelta) -> bool:
        """Whether it may still be used; not once nobody has for so long."""
        return self.ended_at is None and now < self.expires_at and now - self.last_seen_at < idle


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSession:
    """Who asks, as their session has it: a token may be older than what it says."""

    user_id: UserId
    session_id: SessionId
    role: Role
    second_factor: bool
    proved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a bearer is handed: a token to ask with, and one to get the next with."""

    access: AccessToken
    refresh: str = field(repr=False)
