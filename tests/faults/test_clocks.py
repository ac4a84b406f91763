"""F12: clocks that step, days that are shorter, and locks that are waited for past midnight."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from adapters.postgres.ledger import PostgresLedger
from tests.contracts.postgres_books import PostgresBooks
from tests.faults.conftest import Tell
from tests.faults.history import Row
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.outcomes import Declined, Reason
from wallet_core.testing.builders import a_transfer, a_withdrawal, granted_caps
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person, limit_of, posted

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

TIME_ZONES = ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
DAYS = {
    "a day of 24 hours": date(2026, 5, 19),
    "the end of a month": date(2026, 4, 30),
    "the end of February": date(2026, 2, 28),
    "a leap day": date(2028, 2, 29),
    "the end of a year": date(2026, 12, 31),
    "New York's day of 23 hours": date(2026, 3, 8),
    "New York's day of 25 hours": date(2026, 11, 1),
    "Lord Howe's day of 24.5 hours": date(2026, 4, 5),
    "Lord Howe's day of 23.5 hours": date(2026, 10, 4),
}
DAILY = 100

_SOMEBODY_WAITS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


@pytest.fixture
async def clock() -> SettableClock:
    return SettableClock(datetime(2026, 1, 15, 12, tzinfo=UTC))


@pytest.fixture
async def books(pool: "asyncpg.Pool[asyncpg.Record]", clock: SettableClock) -> AsyncIterator[PostgresBooks]:
    books = PostgresBooks(pool, clock)
    await books.open()
    yield books
    assert await books.findings() == []


@pytest.mark.parametrize("time_zone", TIME_ZONES)
async def test_f12_a_lock_that_is_waited_for_past_midnight_books_to_the_new_day(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]", clock: SettableClock, tell: Tell, time_zone: str
) -> None:
    row = Row(name=f"F12 midnight {time_zone}")

    for day in DAYS.values():
        granted = granted_caps(daily=DAILY)
        alice = await a_person(books, balance=10_000, time_zone=time_zone, granted=granted)
        bob = await a_person(books)
        midnight = _midnight_after(day, time_zone)
        clock.now = midnight - timedelta(seconds=0.1)
        full = posted((await books.ledger.post([a_transfer(alice, bob, amount=DAILY)]))[0])
        async with pool.acquire() as holder, holder.transaction():
            await holder.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", alice.id)
            waiting = asyncio.create_task(books.ledger.post([a_transfer(alice, bob, amount=DAILY)]))
            await _somebody_waits(pool)
            clock.now = midnight
        late = posted((await waiting)[0])
        row.operations += 2
        row.faults += 1
        row.flipped += (full.transaction.business_date, late.transaction.business_date) != (
            day,
            day + timedelta(days=1),
        )
        limit = await limit_of(books, alice, LimitKind.TRANSFER)
        row.doubled += (limit.day, limit.day_used) != (late.transaction.business_date, DAILY)

    tell(row)
    row.assert_holds()


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)])
async def test_f12_two_ledgers_whose_clocks_differ_count_against_one_limit(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]", clock: SettableClock, tell: Tell, step: timedelta
) -> None:
    row = Row(name=f"F12 step {step.total_seconds() / 3600:+.0f} h")
    stepped = SettableClock(clock())
    ledgers = [books.ledger, PostgresLedger(pool, clock=stepped)]

    for time_zone in TIME_ZONES:
        for day in DAYS.values():
            midnight = _midnight_after(day, time_zone)
            granted = granted_caps(daily=DAILY)
            alice = await a_person(books, balance=10_000, time_zone=time_zone, granted=granted)
            used: dict[date, int] = {}
            # Across the turn of the day: each moment is asked by both ledgers, one of which is an hour off.
            for minutes in (-150, -90, -30, -1, 0, 1, 30, 90):
                clock.now = midnight + timedelta(minutes=minutes)
                stepped.now = clock() + step
                for ledger in ledgers:
                    outcome = (await ledger.post([a_withdrawal(alice, amount=40)]))[0]
                    row.operations += 1
                    if isinstance(outcome, Declined):
                        assert outcome.reason is Reason.LIMIT_EXCEEDED
                        row.declines[outcome.reason] += 1
                        continue
                    booked = outcome.transaction.business_date
                    used[booked] = used.get(booked, 0) + 40
            row.faults += 1
            # Two fit into each of the two days that the clocks show, and not one more.
            row.doubled += used != {day: 80, day + timedelta(days=1): 80}
            row.flipped += sorted(used) != list(used)

    tell(row)
    row.assert_holds()


def _midnight_after(day: date, time_zone: str) -> datetime:
    """The moment at which that day ends there."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC)


async def _somebody_waits(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    async with asyncio.timeout(10):
        while not await pool.fetchval(_SOMEBODY_WAITS):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
