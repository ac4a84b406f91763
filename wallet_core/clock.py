"""Time, asked for and never taken, so that a test can set it."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, in UTC."""
        ...


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def date_in(moment: datetime, time_zone: str) -> date:
    """The calendar date that people in `time_zone` (an IANA name) see at that moment."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def start_of(day: date, time_zone: str) -> datetime:
    """The moment, in UTC, at which that calendar day begins in `time_zone`.

    Found by the date, never by adding 24 hours: a day may have 23 or 25 of them.
    """
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
