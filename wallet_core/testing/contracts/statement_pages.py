"""What every statement repository promises about pages and filters."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Posted, TransactionStatus
from wallet_core.ledger.statements import Direction, StatementLine, StatementPage, StatementQuery
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal
from wallet_core.testing.clock import NOON, SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    owner,
    post,
    statement,
)

_HOUR = timedelta(hours=1)


class PageRules:
    """A long statement, page by page."""

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 50])
    async def test_all_pages_together_are_the_whole_statement(
        self, books: BooksUnderTest, clock: SettableClock, limit: int
    ) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)

        pages = await _pages(books, _of(main, savings, limit=limit))

        assert _all_lines(pages) == whole
        assert [len(page.lines) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 1 <= len(pages[-1].lines) <= limit

    async def test_what_happens_meanwhile_does_not_shift_the_next_page(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)
        query = _of(main, savings, limit=4)
        first = await books.statements.page(query)
        clock.advance(_HOUR)
        await post(books, a_transfer(main, savings))

        second = await books.statements.page(replace(query, after=first.next))

        assert [*first.lines, *second.lines] == whole[:8]

    async def test_after_the_last_line_there_are_no_more(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)
        query = _of(main, savings)

        page = await books.statements.page(replace(query, after=whole[-1].position))

        assert page == StatementPage(lines=(), next=None)

    async def test_a_filter_holds_on_every_page(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        received = [line for line in await statement(books, main, savings) if line.direction is Direction.IN]

        pages = await _pages(books, _of(main, savings, limit=2, direction=Direction.IN))

        assert _all_lines(pages) == received

    async def test_a_period_holds_on_every_page(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        start, end = NOON + 2 * _HOUR, NOON + 4 * _HOUR
        whole = await statement(books, main, savings)

        pages = await _pages(books, _of(main, savings, limit=2, created_from=start, created_before=end))

        assert _all_lines(pages) == [line for line in whole if start <= line.transaction.created_at < end] != []


class ReadingRules:
    """How far a page reads for lines that pass its filter."""

    @pytest.mark.parametrize("read_max", [0, 8, 12, 16, 20, 40, 4_000])
    @pytest.mark.parametrize(
        "wanted",
        [
            {"statuses": frozenset({TransactionStatus.FAILED})},
            {"kinds": frozenset({(TransactionKind.TRANSFER, Direction.IN)})},
            {"kinds": frozenset({(TransactionKind.DEPOSIT, Direction.IN), (TransactionKind.WITHDRAW, Direction.OUT)})},
            {"amounts": {"USD": (13, 21)}},
            {"amounts": {"USD": (500, 500)}},
            {"currency": "EUR"},
            {},
        ],
        ids=["failed", "received", "outside", "amounts", "the oldest", "none", "all"],
    )
    async def test_short_pages_leave_nothing_out_and_repeat_nothing(
        self, books: BooksUnderTest, clock: SettableClock, read_max: int, wanted: Mapping[str, Any]
    ) -> None:
        main, savings = await _a_history(books, clock)
        expected = await _lines(books, main, savings, **wanted)

        pages = await _pages(books, _of(main, savings, limit=1, read_max=read_max, **wanted))

        assert _all_lines(pages) == expected
        assert max(len(page.lines) for page in pages) <= 1

    async def test_a_page_ends_short_where_it_has_read_as_far_as_it_may(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice = await a_person(books)
        for amount in (1, 2, 3, 4, 5, 6):
            clock.advance(_HOUR)
            await post(books, a_deposit(alice, amount=amount))
        whole = await statement(books, alice)
        query = _of(alice, limit=1, read_max=6, amounts={"USD": (3, 3)})

        pages = await _pages(books, query)

        # Half of what may be read is for what she sent: those of 6, 5 and 4, then those of 3, 2 and 1.
        assert query.read_each_max == 3
        assert pages == [
            StatementPage(lines=(), next=whole[2].position),
            StatementPage(lines=(whole[3],), next=whole[5].position),
            StatementPage(lines=(), next=None),
        ]

    async def test_only_the_direction_that_is_wanted_is_read(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice = await a_person(books)
        for number in range(6):
            clock.advance(_HOUR)
            await _in_and_out(books, alice, 1 + number)
        received = [line for line in await statement(books, alice) if line.direction is Direction.IN]
        query = _of(alice, limit=1, read_max=4, direction=Direction.IN, amounts={"USD": (3, 3)})

        page = await books.statements.page(query)

        assert query.read_each_max == 4
        assert page == StatementPage(lines=(received[3],), next=received[3].position)

    async def test_a_page_without_a_filter_is_full_however_little_may_be_read(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)

        page = await books.statements.page(_of(main, savings, limit=5, read_max=1))

        assert page == StatementPage(lines=tuple(whole[:5]), next=whole[4].position)


class FilterRules:
    """Which lines are given."""

    async def test_a_kind_is_wanted_in_a_direction(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)

        received = await _lines(books, main, savings, kinds=frozenset({(TransactionKind.TRANSFER, Direction.IN)}))
        outside = await _lines(
            books,
            main,
            savings,
            kinds=frozenset({(TransactionKind.DEPOSIT, Direction.IN), (TransactionKind.WITHDRAW, Direction.OUT)}),
        )

        assert {(line.transaction.kind, line.direction) for line in received} == {
            (TransactionKind.TRANSFER, Direction.IN)
        }
        assert {line.transaction.kind for line in outside} == {TransactionKind.DEPOSIT, TransactionKind.WITHDRAW}

    async def test_a_kind_in_a_direction_it_never_takes_has_no_lines(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        main, savings = await _a_history(books, clock)

        assert await _lines(books, main, savings, kinds=frozenset({(TransactionKind.DEPOSIT, Direction.OUT)})) == []

    async def test_statuses_are_told_apart(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)

        failed = await _lines(books, main, savings, statuses=frozenset({TransactionStatus.FAILED}))
        ended = await _lines(
            books, main, savings, statuses=frozenset({TransactionStatus.FAILED, TransactionStatus.COMPLETED})
        )

        assert failed == [line for line in whole if line.transaction.status is TransactionStatus.FAILED] != []
        assert ended == whole

    @pytest.mark.parametrize("direction", list(Direction))
    async def test_directions_are_told_apart(
        self, books: BooksUnderTest, clock: SettableClock, direction: Direction
    ) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)

        lines = await _lines(books, main, savings, direction=direction)

        assert lines == [line for line in whole if line.direction is direction] != []

    async def test_currencies_are_told_apart(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books)
        euros = await a_currency_of(books, dollars, "EUR")
        await _in_and_out(books, dollars, 500)
        await _in_and_out(books, euros, 70)

        lines = await _lines(books, dollars, currency="EUR")

        assert [(line.transaction.currency, line.transaction.amount) for line in lines] == [("EUR", 70)] * 2

    async def test_amounts_are_bounded_by_currency_both_ends_included(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books)
        yen = await a_currency_of(books, dollars, "JPY")
        euros = await a_currency_of(books, dollars, "EUR")
        for amount in (99, 100, 200, 201):
            for account in (dollars, yen, euros):
                await _in_and_out(books, account, amount)

        lines = await _lines(books, dollars, amounts={"USD": (100, 200), "JPY": (201, 300)})

        assert sorted((line.transaction.currency, line.transaction.amount, line.direction) for line in lines) == [
            (currency, amount, direction)
            for currency, amount in (("JPY", 201), ("USD", 100), ("USD", 200))
            for direction in (Direction.IN, Direction.OUT)
        ]

    async def test_no_bounds_leave_all_amounts(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        assert await _lines(books, alice, amounts={}) == await statement(books, alice) != []

    async def test_a_period_includes_its_beginning_and_not_its_end(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice = await a_person(books)
        for amount in (1, 2, 3, 4):
            await _in_and_out(books, alice, amount)
            clock.advance(_HOUR)

        lines = await _lines(books, alice, created_from=NOON + _HOUR, created_before=NOON + 3 * _HOUR)

        assert [line.transaction.amount for line in lines] == [3, 3, 2, 2]

    async def test_a_period_may_be_open_at_either_end(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice = await a_person(books)
        for amount in (1, 2, 3):
            await _in_and_out(books, alice, amount)
            clock.advance(_HOUR)

        later = await _lines(books, alice, created_from=NOON + _HOUR)
        earlier = await _lines(books, alice, created_before=NOON + _HOUR)

        assert [line.transaction.amount for line in later] == [3, 3, 2, 2]
        assert [line.transaction.amount for line in earlier] == [1, 1]

    async def test_all_filters_hold_together(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)

        lines = await _lines(
            books,
            main,
            savings,
            kinds=frozenset({(TransactionKind.TRANSFER, Direction.OUT), (TransactionKind.DEPOSIT, Direction.IN)}),
            statuses=frozenset({TransactionStatus.COMPLETED}),
            direction=Direction.OUT,
            currency="USD",
            amounts={"USD": (12, 13)},
        )

        assert [line.transaction.amount for line in lines] == [13, 12]


async def _a_history(books: BooksUnderTest, clock: SettableClock) -> tuple[Account, Account]:
    """Two wallets of one person with movements of every kind, several of them at one moment."""
    main, other = await a_person(books, balance=500), await a_person(books, balance=500)
    savings = await a_wallet_of(books, owner(main), name="Savings")
    for number in range(4):
        clock.advance(_HOUR)
        await books.ledger.post(
            [
                a_transfer(main, savings, amount=10 + number),
                a_transfer(other, main, amount=20 + number),
                a_withdrawal(main, amount=9_000 + number),
                a_withdrawal(savings, amount=1 + number),
            ]
        )
    return main, savings


async def _in_and_out(books: BooksUnderTest, account: Account, amount: int) -> None:
    """A line in each direction."""
    outcomes = await books.ledger.post([a_deposit(account, amount=amount), a_withdrawal(account, amount=amount)])
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [True, True]


async def _pages(books: BooksUnderTest, query: StatementQuery) -> list[StatementPage]:
    """All pages, to the end."""
    pages = [await books.statements.page(query)]
    while (position := pages[-1].next) is not None:
        assert len(pages) < 100
        pages.append(await books.statements.page(replace(query, after=position)))
    return pages


def _all_lines(pages: list[StatementPage]) -> list[StatementLine]:
    return [line for page in pages for line in page.lines]


def _of(*accounts: Account, **wanted: Any) -> StatementQuery:
    """A query for the statement of those accounts' wallets."""
    return StatementQuery(wallet_ids=tuple(account.wallet_id for account in accounts), **wanted)


async def _lines(books: BooksUnderTest, *accounts: Account, **wanted: Any) -> list[StatementLine]:
    """All lines that pass the filter."""
    return _all_lines(await _pages(books, _of(*accounts, **wanted)))
