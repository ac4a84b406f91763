"""What every statement repository promises about pages and filters."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Posted, TransactionStatus
from wallet_core.ledger.statements import Direction, Position, StatementLine, StatementQuery
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

        pages = await _pages(books, (main, savings), limit)

        assert [line for page in pages for line in page] == whole
        assert all(len(page) == limit for page in pages[:-1])

    async def test_what_happens_meanwhile_does_not_shift_the_next_page(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)
        query = StatementQuery(wallet_ids=(main.wallet_id, savings.wallet_id), limit=4)
        first = await books.statements.lines(query)
        clock.advance(_HOUR)
        await post(books, a_transfer(main, savings))

        second = await books.statements.lines(_after(query, first[-1]))

        assert [*first, *second] == whole[:8]

    async def test_after_the_last_line_there_are_no_more(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        whole = await statement(books, main, savings)
        query = StatementQuery(wallet_ids=(main.wallet_id, savings.wallet_id))

        assert await books.statements.lines(_after(query, whole[-1])) == []

    async def test_a_filter_holds_on_every_page(self, books: BooksUnderTest, clock: SettableClock) -> None:
        main, savings = await _a_history(books, clock)
        received = [line for line in await statement(books, main, savings) if line.direction is Direction.IN]

        pages = await _pages(books, (main, savings), 2, direction=Direction.IN)

        assert [line for page in pages for line in page] == received


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


async def _pages(
    books: BooksUnderTest, accounts: tuple[Account, ...], limit: int, direction: Direction | None = None
) -> list[list[StatementLine]]:
    wallet_ids = tuple(account.wallet_id for account in accounts)
    query = StatementQuery(wallet_ids=wallet_ids, limit=limit, direction=direction)
    pages = [await books.statements.lines(query)]
    while pages[-1]:
        pages.append(await books.statements.lines(_after(query, pages[-1][-1])))
        assert len(pages) < 100
    return pages[:-1]


def _after(query: StatementQuery, line: StatementLine) -> StatementQuery:
    position = Position(
        created_at=line.transaction.created_at, transaction_id=line.transaction.id, direction=line.direction
    )
    return StatementQuery(wallet_ids=query.wallet_ids, direction=query.direction, limit=query.limit, after=position)


async def _lines(
    books: BooksUnderTest,
    *accounts: Account,
    kinds: frozenset[tuple[TransactionKind, Direction]] = frozenset(),
    statuses: frozenset[TransactionStatus] = frozenset(),
    direction: Direction | None = None,
    currency: str | None = None,
    amounts: Mapping[str, tuple[int, int]] | None = None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
) -> list[StatementLine]:
    return await books.statements.lines(
        StatementQuery(
            wallet_ids=tuple(account.wallet_id for account in accounts),
            kinds=kinds,
            statuses=statuses,
            direction=direction,
            currency=currency,
            amounts=amounts,
            created_from=created_from,
            created_before=created_before,
        )
    )
