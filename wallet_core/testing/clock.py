"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)


class SettableClock:
    """Tells the time it was set to: a `wallet_core.clock.Clock`."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time it was set to, in UTC."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move on by that much."""
        self.now += by
