"""A batch costs so many round trips and statements, however many movements it carries; what is read costs one.

The figures are exact. Whoever lowers one writes the new one down; whoever raises one says what it pays for.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from adapters.postgres.database import Database, opened_pool
from adapters.postgres.statements import PostgresStatementRepository
from adapters.postgres.wallets import PostgresWalletRepository
from tests.adapters.busy_book import Book, Pool
from tests.adapters.round_trips import Figures, Wire, wire_to_postgres
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Declined, Posted
from wallet_core.ledger.statements import StatementQuery
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal

BATCH: Final = Figures(round_trips=4, statements=4)
"""Begin; lock the accounts and the limits and read the settled keys; record; commit."""
BATCH_THAT_RECORDS_NOTHING: Final = Figures(round_trips=3, statements=3)
READING: Final = Figures(round_trips=1, statements=1)


@pytest.fixture
def wired(database: str) -> Iterator[tuple[Wire, str]]:
    with wire_to_postgres(database) as wired:
        yield wired


@pytest.fixture
def wire(wired: tuple[Wire, str]) -> Wire:
    return wired[0]


@pytest.fixture
async def wired_pool(wired: tuple[Wire, str]) -> AsyncIterator[Pool]:
    """The service's own pool with one connection, so that what a connection needs once is soon behind it."""
    async with opened_pool(wired[1], size=1) as pool:
        yield pool


@pytest.fixture
async def book(wired_pool: Pool) -> Book:
    """Ada and Grace, with money in USD, over a connection that has done before what a test has it do."""
    book = Book(wired_pool)
    await book.open()
    ada, grace = people(book)
    await book.ledger.post([a_deposit(ada, amount=500), a_deposit(grace, amount=500)])
    await book.ledger.post([a_transfer(ada, grace, amount=1, key="warm"), a_withdrawal(ada, amount=1)])
    return book


def people(book: Book) -> tuple[Account, Account]:
    return book.accounts[0], book.accounts[2]


async def test_what_is_sent_together_is_one_round_trip(wire: Wire, wired_pool: Pool) -> None:
    async with wired_pool.acquire() as connection:
        for _ in range(2):
            wire.clear()
            await connection.executemany("SELECT CAST($1 AS text)", [("one",), ("two",), ("three",)])
            await connection.fetchval("SELECT CAST($1 AS text)", "four")
            figures = wire.figures

    assert figures == Figures(round_trips=2, statements=4), wire.turns


@pytest.mark.parametrize("number", [1, 2, 50])
async def test_a_batch_of_transfers_costs_the_same_however_many_they_are(wire: Wire, book: Book, number: int) -> None:
    ada, grace = people(book)
    wire.clear()

    outcomes = await book.ledger.post([a_transfer(ada, grace, amount=1, key=f"k{each}") for each in range(number)])

    assert [type(outcome) for outcome in outcomes] == [Posted] * number
    assert wire.figures == BATCH, wire.turns


async def test_a_batch_of_everything_costs_as_much(wire: Wire, book: Book) -> None:
    ada, grace = people(book)
    commands: list[Command] = [
        a_deposit(ada, amount=5),
        a_withdrawal(ada, amount=5),
        a_transfer(ada, grace, amount=5, key="k"),
        a_transfer(grace, ada, amount=5, key="k"),
        a_transfer(ada, grace, amount=5, key="k"),
        a_transfer(ada, grace, amount=5_000),
    ]
    wire.clear()

    outcomes = await book.ledger.post(commands)

    assert [type(outcome) for outcome in outcomes] == [Posted] * 5 + [Declined]
    assert wire.figures == BATCH, wire.turns


async def test_a_batch_of_what_is_settled_already_records_nothing(wire: Wire, book: Book) -> None:
    ada, grace = people(book)
    wire.clear()

    [outcome] = await book.ledger.post([a_transfer(ada, grace, amount=1, key="warm")])

    assert outcome.replayed
    assert wire.figures == BATCH_THAT_RECORDS_NOTHING, wire.turns


async def test_a_page_of_history_is_read_at_once(wire: Wire, book: Book, wired_pool: Pool) -> None:
    ada, grace = people(book)
    statements = PostgresStatementRepository(Database(wired_pool))
    query = StatementQuery(wallet_ids=(ada.wallet_id, grace.wallet_id), limit=2)
    await statements.page(query)
    wire.clear()

    page = await statements.page(query)

    assert len(page.lines) == 2
    assert wire.figures == READING, wire.turns


async def test_wallets_and_an_account_are_read_at_once(wire: Wire, book: Book, wired_pool: Pool) -> None:
    ada, _ = people(book)
    assert ada.user_id is not None
    wallets = PostgresWalletRepository(Database(wired_pool))
    for _ in range(2):
        wire.clear()
        await wallets.of(ada.user_id)
        await wallets.account(ada.user_id, ada.wallet_id, "USD")

    assert wire.figures == Figures(round_trips=2 * READING.round_trips, statements=2 * READING.statements), wire.turns
