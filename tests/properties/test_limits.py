"""A limit's running use is what a recount of all its movements says, whatever the clock and the time zone do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from wallet_core.clock import start_of
from wallet_core.ledger.limits import Caps, LimitWindow
from wallet_core.testing.builders import a_limit
from wallet_core.testing.clock import NOON
from wallet_core.testing.strategies import amounts, caps, jumps, time_zones

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Step:
    """Time passes, the person may have moved, and asks to move money."""

    jump: timedelta
    time_zone: str | None
    amount: int


STEPS = st.lists(
    st.builds(Step, jump=jumps(), time_zone=st.none() | st.none() | time_zones(), amount=amounts(highest=900)),
    max_size=30,
)


@given(caps(), time_zones(), STEPS)
@settings(max_examples=300)
def test_the_running_use_is_the_recount_of_the_movements(granted: Caps, time_zone: str, steps: Sequence[Step]) -> None:
    limit = a_limit(daily=granted.daily, monthly=granted.monthly, time_zone=time_zone)
    movements: list[tuple[date, int]] = []
    now, today, begun_in = NOON, date.min, None

    for step in steps:
        now += step.jump
        time_zone = step.time_zone or time_zone
        passed = now.astimezone(ZoneInfo(begun_in or time_zone)).date()
        if passed > today:
            today, begun_in = max(passed, now.astimezone(ZoneInfo(time_zone)).date()), time_zone
        day_used = sum(amount for day, amount in movements if day == today)
        month_used = sum(amount for day, amount in movements if (day.year, day.month) == (today.year, today.month))
        fits = day_used + step.amount <= granted.daily and month_used + step.amount <= granted.monthly

        limit = replace(limit, time_zone=time_zone).at(now)

        assert (limit.day, limit.day_used, limit.month_used) == (today, day_used, month_used)
        assert (limit.exceeded_by(step.amount) is None) == fits
        if fits:
            limit = limit.counting(step.amount)
            movements.append((today, step.amount))


@given(time_zones(), st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)))  # noqa: DTZ001 - Hypothesis asks for naive bounds
@settings(max_examples=300)
def test_a_window_starts_anew_at_the_moment_it_says_and_not_before(time_zone: str, moment: datetime) -> None:
    limit = a_limit(time_zone=time_zone).at(moment.replace(tzinfo=UTC)).counting(7)

    resets = {use.window: use.resets_at for use in limit.uses()}

    assert moment.replace(tzinfo=UTC) < resets[LimitWindow.DAILY] <= resets[LimitWindow.MONTHLY]
    assert limit.at(resets[LimitWindow.DAILY] - _MOMENT).day_used == 7
    assert limit.at(resets[LimitWindow.DAILY]).day_used == 0
    assert limit.at(resets[LimitWindow.MONTHLY] - _MOMENT).month_used == 7
    assert limit.at(resets[LimitWindow.MONTHLY]).month_used == 0


@given(time_zones(), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_a_day_starts_where_its_date_starts(time_zone: str, day: date) -> None:
    start = start_of(day, time_zone)

    assert start.astimezone(ZoneInfo(time_zone)).date() == day
    assert (start - _MOMENT).astimezone(ZoneInfo(time_zone)).date() < day


@given(caps(), st.integers(0, 3_000), st.integers(0, 3_000), amounts(highest=3_000))
def test_what_remains_is_never_below_zero_and_fits_exactly(
    granted: Caps, day_used: int, more: int, amount: int
) -> None:
    limit = a_limit(
        daily=granted.daily, monthly=granted.monthly, day=NOON.date(), day_used=day_used, month_used=day_used + more
    )

    remaining = min(use.remaining for use in limit.uses())

    assert remaining >= 0
    assert (limit.exceeded_by(amount) is None) == (amount <= remaining)
