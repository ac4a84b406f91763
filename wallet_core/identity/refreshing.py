"""When a refresh token is as good as a new one, and when it gives its family away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from wallet_core.identity.session import Session

GRACE: Final = timedelta(seconds=10)
"""How long a token that was spent is answered with its successor once more: for two tabs, and for a lost answer."""
REFRESHES_MAX: Final = 10_000
"""Of one session: far more than anybody needs, and few enough to keep."""


class RefreshRefusal(StrEnum):
    """Why there is no successor."""

    UNKNOWN = "unauthorized"
    EXPIRED = "session_expired"
    REUSED = "refresh_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """A refresh token that was presented, and its session, as they stood when both were locked."""

    session: Session
    spent_at: datetime | None
    refreshes: int
    """How often the session was refreshed so far."""


def judge(presented: PresentedToken, now: datetime, *, idle: timedelta) -> RefreshRefusal | None:
    """Nothing when it gets its successor.

    A session that is over stays over. A token that was spent before the grace is in two hands, and nobody can tell
    which of them is the owner's: REUSED, and its session has to end.
    """
    if not presented.session.is_live(now, idle) or presented.refreshes >= REFRESHES_MAX:
        return RefreshRefusal.EXPIRED
    if presented.spent_at is not None and now - presented.spent_at > GRACE:
        return RefreshRefusal.REUSED
    return None
