"""What every ledger promises about daily and monthly limits: exact to the minor unit and to the microsecond."""

from datetime import UTC, date, datetime, timedelta

import pytest

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps, LimitWindow
from wallet_core.ledger.outcomes import Reason
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, granted_caps
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    balances,
    declined,
    limit_of,
    owner,
    post,
    posted,
    refusal,
)

_MOMENT = timedelta(microseconds=1)


class LimitRules:
    """What counts against a limit, and how far it goes."""

    async def test_a_daily_limit_is_exact(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=1_000))

        outcomes = await books.ledger.post(
            [a_withdrawal(alice, amount=99), a_withdrawal(alice, amount=2), a_withdrawal(alice, amount=1)]
        )
        later = await post(books, a_withdrawal(alice, amount=1))

        assert [refusal(outcome) for outcome in [*outcomes, later]] == [
            None,
            Reason.LIMIT_EXCEEDED,
            None,
            Reason.LIMIT_EXCEEDED,
        ]
        assert await balances(books, alice) == [400]

    async def test_a_monthly_limit_is_exact(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=250))

        reasons = []
        for amount in (100, 100, 51, 50, 1):
            reasons.append(refusal(await post(books, a_withdrawal(alice, amount=amount))))
            clock.advance(timedelta(days=1))

        assert reasons == [None, None, Reason.LIMIT_EXCEEDED, None, Reason.LIMIT_EXCEEDED]

    async def test_a_refusal_says_which_limit_is_full_how_far_and_until_when(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500, granted=granted_caps(daily=100)), await a_person(books)
        await post(books, a_transfer(alice, bob, amount=70))

        outcome = declined(await post(books, a_transfer(alice, bob, amount=31)))

        assert outcome.details == {
            "kind": LimitKind.TRANSFER,
            "window": LimitWindow.DAILY,
            "limit": 100,
            "used": 70,
            "remaining": 30,
            "resets_at": "2026-01-16T00:00:00+00:00",
        }

    async def test_the_month_is_named_when_only_it_is_full(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=60))

        outcome = declined(await post(books, a_withdrawal(alice, amount=61)))

        assert (outcome.details["kind"], outcome.details["window"]) == (LimitKind.WITHDRAWAL, LimitWindow.MONTHLY)
        assert outcome.details["resets_at"] == "2026-02-01T00:00:00+00:00"

    async def test_the_day_is_named_when_both_are_full(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=60, monthly=60))

        outcome = declined(await post(books, a_withdrawal(alice, amount=61)))

        assert outcome.details["window"] == LimitWindow.DAILY

    async def test_transfers_and_withdrawals_are_counted_apart(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500, granted=granted_caps(daily=100)), await a_person(books)

        outcomes = await books.ledger.post([a_transfer(alice, bob, amount=100), a_withdrawal(alice, amount=100)])

        assert [refusal(outcome) for outcome in outcomes] == [None, None]

    async def test_currencies_are_counted_apart(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books, balance=500, granted=granted_caps(daily=100))
        euros = await a_currency_of(books, dollars, "EUR", balance=500)

        outcomes = await books.ledger.post([a_withdrawal(dollars, amount=100), a_withdrawal(euros, amount=100)])

        assert [refusal(outcome) for outcome in outcomes] == [None, None]

    async def test_all_wallets_of_a_person_are_counted_together(self, books: BooksUnderTest) -> None:
        main = await a_person(books, balance=500, granted=granted_caps(daily=100))
        savings = await a_wallet_of(books, owner(main), name="Savings", balance=500)

        outcomes = await books.ledger.post([a_withdrawal(main, amount=60), a_withdrawal(savings, amount=60)])

        assert [refusal(outcome) for outcome in outcomes] == [None, Reason.LIMIT_EXCEEDED]

    async def test_what_comes_in_is_not_counted(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, granted=granted_caps(daily=100)), await a_person(books, balance=500)

        await books.ledger.post([a_deposit(alice, amount=500), a_transfer(bob, alice, amount=500)])

        assert [limit.month_used for limit in await books.limits.of(owner(alice), "USD")] == [0, 0]
        assert await balances(books, alice) == [1_000]

    async def test_what_was_refused_is_not_counted(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=90, granted=granted_caps(daily=100))

        outcomes = await books.ledger.post([a_withdrawal(alice, amount=amount) for amount in (91, 101, 90)])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.INSUFFICIENT_FUNDS] * 2 + [None]
        assert (await limit_of(books, alice, LimitKind.WITHDRAWAL)).day_used == 90

    async def test_a_limit_of_zero_allows_nothing(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=0, monthly=0))

        outcome = await post(books, a_withdrawal(alice, amount=1))

        assert refusal(outcome) is Reason.LIMIT_EXCEEDED

    async def test_nobody_moves_what_nobody_granted(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500, granted={}), await a_person(books)

        outcome = declined(await post(books, a_transfer(alice, bob, amount=1)))

        assert outcome.reason is Reason.LIMIT_EXCEEDED
        assert (outcome.details["limit"], outcome.details["remaining"]) == (0, 0)

    async def test_a_lowered_limit_holds_at_once(self, books: BooksUnderTest) -> None:
        alice, granted = await a_person(books, balance=500), granted_caps()
        await post(books, a_withdrawal(alice, amount=50))

        await books.limits.choose(owner(alice), "USD", {LimitKind.WITHDRAWAL: ChosenCaps(daily=70)}, granted=granted)
        outcomes = await books.ledger.post([a_withdrawal(alice, amount=21), a_withdrawal(alice, amount=20)])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.LIMIT_EXCEEDED, None]

    async def test_a_limit_lowered_below_its_use_has_nothing_left(self, books: BooksUnderTest) -> None:
        alice, granted = await a_person(books, balance=500), granted_caps()
        await post(books, a_withdrawal(alice, amount=50))
        await books.limits.choose(owner(alice), "USD", {LimitKind.WITHDRAWAL: ChosenCaps(daily=20)}, granted=granted)

        outcome = declined(await post(books, a_withdrawal(alice, amount=1)))

        assert (outcome.details["limit"], outcome.details["used"], outcome.details["remaining"]) == (20, 50, 0)

    async def test_the_use_is_on_record(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await post(books, a_transfer(alice, bob, amount=70))
        clock.advance(timedelta(days=1))
        await post(books, a_transfer(alice, bob, amount=20))

        limit = await limit_of(books, alice, LimitKind.TRANSFER)

        assert (limit.day, limit.day_used, limit.month_used) == (date(2026, 1, 16), 20, 90)
        assert limit.caps == Caps(daily=10_000, monthly=100_000)


class WindowRules:
    """When a day and a month end: by the calendar of the person's time zone."""

    @pytest.mark.parametrize(
        ("time_zone", "midnight"),
        [
            pytest.param("UTC", datetime(2026, 1, 16, 0, 0, tzinfo=UTC), id="UTC"),
            pytest.param("Asia/Kolkata", datetime(2026, 1, 15, 18, 30, tzinfo=UTC), id="half an hour off"),
            pytest.param("America/New_York", datetime(2026, 1, 16, 5, 0, tzinfo=UTC), id="west"),
            pytest.param("Pacific/Kiritimati", datetime(2026, 1, 15, 10, 0, tzinfo=UTC), id="far east"),
            pytest.param("Europe/Berlin", datetime(2026, 3, 29, 22, 0, tzinfo=UTC), id="after a day of 23 hours"),
            pytest.param("Europe/Berlin", datetime(2026, 10, 25, 23, 0, tzinfo=UTC), id="after a day of 25 hours"),
            pytest.param("Africa/Cairo", datetime(2026, 4, 23, 22, 0, tzinfo=UTC), id="a midnight that is skipped"),
            pytest.param("UTC", datetime(2028, 2, 29, tzinfo=UTC), id="into a leap day"),
            pytest.param("UTC", datetime(2028, 3, 1, tzinfo=UTC), id="out of a leap day"),
        ],
    )
    async def test_a_day_ends_at_midnight_where_the_person_is(
        self, books: BooksUnderTest, clock: SettableClock, time_zone: str, midnight: datetime
    ) -> None:
        clock.now = midnight - timedelta(hours=2)
        alice = await a_person(books, balance=500, time_zone=time_zone, granted=granted_caps(daily=100))
        first = await _withdraw(books, alice, 100)

        clock.now = midnight - _MOMENT
        last_moment = await _withdraw(books, alice, 1)
        clock.now = midnight
        next_day = await _withdraw(books, alice, 100)

        assert [first, last_moment, next_day] == [None, Reason.LIMIT_EXCEEDED, None]

    @pytest.mark.parametrize(
        ("time_zone", "hours", "begins"),
        [
            ("Europe/Berlin", 23, datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
            ("Europe/Berlin", 25, datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),
            ("UTC", 24, datetime(2028, 2, 29, tzinfo=UTC)),
        ],
    )
    async def test_a_day_is_as_long_as_it_is(
        self, books: BooksUnderTest, clock: SettableClock, time_zone: str, hours: int, begins: datetime
    ) -> None:
        clock.now = begins
        alice = await a_person(books, balance=500, time_zone=time_zone, granted=granted_caps(daily=100))
        await _withdraw(books, alice, 100)

        clock.now = begins + timedelta(hours=hours) - _MOMENT
        outcome = declined(await post(books, a_withdrawal(alice, amount=1)))
        clock.now = begins + timedelta(hours=hours)
        reason = await _withdraw(books, alice, 100)

        assert datetime.fromisoformat(str(outcome.details["resets_at"])) == begins + timedelta(hours=hours)
        assert reason is None

    @pytest.mark.parametrize(
        ("time_zone", "begins"),
        [
            pytest.param("UTC", datetime(2026, 2, 1, tzinfo=UTC), id="after 31 days"),
            pytest.param("UTC", datetime(2028, 3, 1, tzinfo=UTC), id="after a leap day"),
            pytest.param("UTC", datetime(2027, 1, 1, tzinfo=UTC), id="after a year"),
            pytest.param("Asia/Tokyo", datetime(2026, 4, 30, 15, tzinfo=UTC), id="east"),
            pytest.param("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), id="on a day of 25 hours"),
        ],
    )
    async def test_a_month_ends_where_the_person_is(
        self, books: BooksUnderTest, clock: SettableClock, time_zone: str, begins: datetime
    ) -> None:
        clock.now = begins - timedelta(hours=30)
        granted = granted_caps(daily=100, monthly=120)
        alice = await a_person(books, balance=500, time_zone=time_zone, granted=granted)
        await _withdraw(books, alice, 100)

        clock.now = begins - _MOMENT
        last_day = [await _withdraw(books, alice, 21), await _withdraw(books, alice, 20)]
        clock.now = begins
        next_month = await _withdraw(books, alice, 100)

        assert last_day == [Reason.LIMIT_EXCEEDED, None]
        assert next_month is None

    async def test_the_same_month_of_another_year_is_another_month(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=100))
        await _withdraw(books, alice, 100)

        clock.now = clock.now.replace(year=2027)

        assert await _withdraw(books, alice, 100) is None

    async def test_moving_to_an_earlier_time_zone_opens_no_second_day(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice = await a_person(books, balance=500, time_zone="Pacific/Auckland", granted=granted_caps(daily=100))
        first = await _withdraw(books, alice, 100)  # 16 January, an hour past midnight
        await _move(books, alice, "Pacific/Honolulu")  # 15 January, the small hours

        there = await _withdraw(books, alice, 1)
        clock.now = datetime(2026, 1, 16, 10, 59, 59, tzinfo=UTC)
        end_of_the_16th = await _withdraw(books, alice, 1)  # in Auckland, where it began
        clock.now = datetime(2026, 1, 16, 11, tzinfo=UTC)
        on_the_17th = await _withdraw(books, alice, 100)
        clock.now = datetime(2026, 1, 18, 9, 59, 59, tzinfo=UTC)
        end_of_the_17th = await _withdraw(books, alice, 1)  # in Honolulu
        clock.now = datetime(2026, 1, 18, 10, tzinfo=UTC)
        on_the_18th = await _withdraw(books, alice, 100)

        full = Reason.LIMIT_EXCEEDED
        assert [first, there, end_of_the_16th, on_the_17th, end_of_the_17th, on_the_18th] == [
            None,
            full,
            full,
            None,
            full,
            None,
        ]

    async def test_moving_to_a_later_time_zone_opens_no_second_day(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        clock.now = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
        alice = await a_person(books, balance=500, time_zone="Etc/GMT+12", granted=granted_caps(daily=100))
        given = [await _withdraw(books, alice, 100)]

        for time_zone in ("UTC", "Pacific/Kiritimati"):  # three calendar dates at one moment
            await _move(books, alice, time_zone)
            given.append(await _withdraw(books, alice, 1))
        clock.now = datetime(2026, 1, 16, 11, 59, 59, tzinfo=UTC)
        given.append(await _withdraw(books, alice, 1))
        clock.now = datetime(2026, 1, 16, 12, tzinfo=UTC)
        given.append(await _withdraw(books, alice, 100))

        full = Reason.LIMIT_EXCEEDED
        assert given == [None, full, full, full, None]

    async def test_hopping_between_time_zones_gives_no_more_days_than_there_are(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        clock.now = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)
        granted = granted_caps(daily=10, monthly=1_000)
        alice = await a_person(books, balance=500, granted=granted)
        spent = 0

        for hour in range(24 * 12):
            await _move(books, alice, ("Pacific/Kiritimati", "UTC", "Etc/GMT+12")[hour % 3])
            spent += await _withdraw(books, alice, 10) is None
            clock.advance(timedelta(hours=1))

        assert spent <= 13

    async def test_moving_to_an_earlier_time_zone_opens_no_second_month(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        clock.now = datetime(2026, 1, 31, 12, tzinfo=UTC)
        granted = granted_caps(daily=100, monthly=100)
        alice = await a_person(books, balance=500, time_zone="Pacific/Auckland", granted=granted)
        await _withdraw(books, alice, 100)  # 1 February
        await _move(books, alice, "Pacific/Honolulu")  # 31 January

        clock.now = datetime(2026, 2, 3, 12, tzinfo=UTC)

        assert await _withdraw(books, alice, 1) is Reason.LIMIT_EXCEEDED

    async def test_a_movement_is_booked_on_the_persons_date(self, books: BooksUnderTest, clock: SettableClock) -> None:
        clock.now = datetime(2026, 1, 15, 20, tzinfo=UTC)
        tokyo = await a_person(books, balance=500, time_zone="Asia/Tokyo")
        los_angeles = await a_person(books, balance=500, time_zone="America/Los_Angeles")
        clock.now = datetime(2026, 1, 16, 2, tzinfo=UTC)

        outcomes = await books.ledger.post([a_withdrawal(tokyo), a_withdrawal(los_angeles)])

        dates = [posted(outcome).transaction.business_date for outcome in outcomes]
        assert dates == [date(2026, 1, 16), date(2026, 1, 15)]


async def _withdraw(books: BooksUnderTest, account: Account, amount: int) -> Reason | None:
    return refusal(await post(books, a_withdrawal(account, amount=amount)))


async def _move(books: BooksUnderTest, account: Account, time_zone: str) -> None:
    user = await books.users.by_id(owner(account))
    assert user is not None
    await books.users.change(user.id, time_zone=time_zone)
