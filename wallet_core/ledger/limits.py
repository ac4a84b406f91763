"""Limits: how much a person may move out in a calendar day and month, and how much they did.

A limit carries its own running use, so that checking it costs the same however much was moved before, and so that the
lock on its row makes the check exact.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from wallet_core.clock import date_in, start_of
from wallet_core.ids import UserId
from wallet_core.ledger.commands import LimitKind


class LimitWindow(StrEnum):
    """What a maximum is counted over."""

    DAILY = "daily"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Maximums in minor units. Zero allows nothing."""

    daily: int
    monthly: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenCaps:
    """Maximums that a person sets for themselves, in minor units; None leaves one to the operator."""

    daily: int | None = None
    monthly: int | None = None

    def within(self, granted: Caps) -> bool:
        """Whether neither is above what the operator granted."""
        return (self.daily or 0) <= granted.daily and (self.monthly or 0) <= granted.monthly

    def lowering(self, granted: Caps) -> Caps:
        """The lower of each, which is the one in force."""
        return Caps(
            daily=granted.daily if self.daily is None else min(self.daily, granted.daily),
            monthly=granted.monthly if self.monthly is None else min(self.monthly, granted.monthly),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowUse:
    """How much of one maximum is used, in minor units, and when it starts anew."""

    window: LimitWindow
    limit: int
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        """What may still be moved; never below zero, though a maximum may have been lowered below its use."""
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One person's limit for one kind of movement in one currency.

    `granted` is what the operator allows and `chosen` what the person allows themselves; the lower one holds. `day` is
    the business date up to which movements were counted: `day_used` is that day's use, `month_used` that month's.
    `time_zone` is where the person is, `counted_in` where they were when that day began for them.
    """

    user_id: UserId
    kind: LimitKind
    currency: str
    granted: Caps
    chosen: ChosenCaps = ChosenCaps()
    time_zone: str
    counted_in: str | None = None
    day: date
    day_used: int = 0
    month_used: int = 0

    @property
    def caps(self) -> Caps:
        """The maximums in force."""
        return self.chosen.lowering(self.granted)

    def at(self, now: datetime) -> "Limit":
        """The limit as it stands at that moment, with windows that have passed started anew.

        A day ends where it began: moving to another time zone counts from the next one on, and a business date never
        goes back. So whoever hops between zones has as many days as everybody else.
        """
        passed = date_in(now, self.counted_in or self.time_zone)
        if passed <= self.day:
            return self
        today = max(passed, date_in(now, self.time_zone))
        same_month = (today.year, today.month) == (self.day.year, self.day.month)
        return replace(
            self,
            day=today,
            counted_in=self.time_zone,
            day_used=0,
            month_used=self.month_used if same_month else 0,
        )

    def counting(self, amount: int) -> "Limit":
        """The limit after one more movement of that amount on its `day`."""
        # Spelled out for speed, as Account.moved is.
        return Limit(
            user_id=self.user_id,
            kind=self.kind,
            currency=self.currency,
            granted=self.granted,
            chosen=self.chosen,
            time_zone=self.time_zone,
            counted_in=self.counted_in,
            day=self.day,
            day_used=self.day_used + amount,
            month_used=self.month_used + amount,
        )

    def uses(self) -> tuple[WindowUse, WindowUse]:
        """The use of the daily and of the monthly maximum."""
        caps = self.caps
        zone = self.counted_in or self.time_zone
        tomorrow = date.fromordinal(self.day.toordinal() + 1)
        year, month = divmod(self.day.year * 12 + self.day.month, 12)
        return (
            WindowUse(
                window=LimitWindow.DAILY,
                limit=caps.daily,
                used=self.day_used,
                resets_at=start_of(tomorrow, zone),
            ),
            WindowUse(
                window=LimitWindow.MONTHLY,
                limit=caps.monthly,
                used=self.month_used,
                resets_at=start_of(date(year, month + 1, 1), zone),
            ),
        )

    def exceeded_by(self, amount: int) -> WindowUse | None:
        """The first window, daily before monthly, that has no room for the amount."""
        caps = self.caps
        if self.day_used + amount <= caps.daily and self.month_used + amount <= caps.monthly:
            return None
        return next(use for use in self.uses() if amount > use.limit - use.used)
