"""What the ledger over PostgreSQL promises beside the contract: the date, the caller's transaction, and bad links."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg
import pytest

from adapters.postgres.ledger import PostgresLedger
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.clock import system_clock
from wallet_core.faults import Fault, OutcomeUnknown, Unavailable
from wallet_core.ids import TransactionId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.outcomes import Posted
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, an_account, new_id
from wallet_core.testing.contracts.books import a_person, balances, post, posted, statement

pytestmark = pytest.mark.timeout(60)

SHORT_WAIT = {"lock_timeout": "100ms"}
# Rows are found one after the other, as they were asked for: what puts them in order then is the query's own word.
ONE_BY_ONE = {"enable_hashjoin": "off", "enable_mergejoin": "off"}


@pytest.fixture
async def books(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[PostgresBooks]:
    books = PostgresBooks(pool, system_clock)
    await books.open()
    yield books
    assert await books.findings() == []


@pytest.fixture
def lock_timeouts(database: str) -> "Iterator[asyncpg.Pool[asyncpg.Record]]":
    """A pool, not opened yet, whose connections wait for no lock longer than a tenth of a second."""
    return asyncpg.create_pool(database, min_size=1, max_size=2, server_settings=SHORT_WAIT)


@pytest.fixture
async def one_by_one(database: str) -> AsyncIterator[PostgresLedger]:
    """A ledger to whose server no order comes by itself."""
    async with asyncpg.create_pool(database, min_size=1, max_size=2, server_settings=ONE_BY_ONE) as pool:
        yield PostgresLedger(pool)


@asynccontextmanager
async def locked(pool: "asyncpg.Pool[asyncpg.Record]", account: Account) -> AsyncIterator[None]:
    """The account's row, held by somebody else while the block runs."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account.id)
        yield


async def test_a_movement_is_dated_by_the_database_after_its_locks_were_waited_for(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    alice = await a_person(books)
    ledger = PostgresLedger(pool)

    async with locked(pool, alice):
        waiting = asyncio.create_task(ledger.post([a_deposit(alice)]))
        await _somebody_waits(pool)
        released: datetime = await pool.fetchval("SELECT clock_timestamp()")
    (outcome,) = await waiting

    transaction = posted(outcome).transaction
    assert released < transaction.created_at < await pool.fetchval("SELECT clock_timestamp()")
    assert transaction.completed_at == transaction.created_at


async def test_posting_within_a_transaction_is_committed_with_it(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    alice = await a_person(books)

    async with pool.acquire() as connection, connection.transaction():
        (outcome,) = await books.ledger.post_within(connection, [a_deposit(alice)])
        seen_outside = await balances(books, alice)

    assert isinstance(outcome, Posted)
    assert seen_outside == [0]
    assert await balances(books, alice) == [100]


async def test_posting_within_a_transaction_is_rolled_back_with_it(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    alice = await a_person(books)

    with suppress(ZeroDivisionError):
        async with pool.acquire() as connection, connection.transaction():
            await books.ledger.post_within(connection, [a_deposit(alice, key="k1")])
            raise ZeroDivisionError
    outcome = await post(books, a_deposit(alice, key="k1"))

    assert not outcome.replayed
    assert await balances(books, alice) == [100]


async def test_opening_the_systems_accounts_again_changes_nothing(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    await post(books, a_deposit(await a_person(books)))
    before = await pool.fetch("SELECT * FROM accounts ORDER BY id")

    await books.open()

    assert await pool.fetch("SELECT * FROM accounts ORDER BY id") == before


async def test_accounts_are_locked_in_the_order_of_their_ids_whichever_is_asked_for_first(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]", one_by_one: PostgresLedger
) -> None:
    first, second = sorted([await a_person(books, balance=500) for _ in range(2)], key=lambda account: account.id)

    async with locked(pool, first):
        waiting = asyncio.create_task(one_by_one.post([a_transfer(second, first)]))
        await _somebody_waits(pool)
        free = await pool.fetchval("SELECT id FROM accounts WHERE id = $1 FOR UPDATE SKIP LOCKED", second.id)
    await waiting

    assert free == second.id


async def test_limits_are_locked_in_the_order_of_their_keys_whichever_is_asked_for_first(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]", one_by_one: PostgresLedger
) -> None:
    people = [await a_person(books, balance=500) for _ in range(2)]
    first, second = sorted(people, key=lambda account: str(account.user_id))
    limit = "SELECT user_id FROM transfer_limits WHERE user_id = $1 AND kind = 'withdrawal' FOR UPDATE"

    async with pool.acquire() as holder, holder.transaction():
        await holder.execute(limit, first.user_id)
        waiting = asyncio.create_task(one_by_one.post([a_withdrawal(second), a_withdrawal(first)]))
        await _somebody_waits(pool)
        free = await pool.fetchval(f"{limit} SKIP LOCKED", second.user_id)
    await waiting

    assert free == second.user_id


async def test_a_lock_that_is_held_for_too_long_makes_the_ledger_unavailable(
    books: PostgresBooks,
    pool: "asyncpg.Pool[asyncpg.Record]",
    lock_timeouts: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    alice = await a_person(books)

    async with lock_timeouts as impatient, locked(pool, alice):
        with pytest.raises(Unavailable):
            await PostgresLedger(impatient).post([a_deposit(alice)])

    assert await balances(books, alice) == [0]


async def test_a_lock_that_was_waited_for_in_vain_is_not_waited_for_again(
    books: PostgresBooks,
    pool: "asyncpg.Pool[asyncpg.Record]",
    lock_timeouts: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    alice = await a_person(books)

    async with lock_timeouts as impatient, locked(pool, alice):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await PostgresLedger(impatient).post([a_deposit(alice)])
        waited = time.monotonic() - started

    assert waited < 0.4
    assert await balances(books, alice) == [0]


async def test_a_command_that_cannot_be_stored_fails_alone(books: PostgresBooks) -> None:
    alice, bob = await a_person(books, balance=500), await a_person(books)
    ledger = BatchingLedger(books.ledger)
    commands = [a_transfer(alice, bob, note=note) for note in ("One", "T\0wo", "\ud800", "Four")]

    answers = await asyncio.gather(*(ledger.post([command]) for command in commands), return_exceptions=True)
    await ledger.close()

    assert [isinstance(answer, Exception) for answer in answers] == [False, True, True, False]
    assert not any(isinstance(answer, Fault) for answer in answers)
    assert await balances(books, alice, bob) == [300, 200]


async def test_a_database_that_is_not_there_is_unavailable(unused_tcp_port: int) -> None:
    dsn = f"postgresql://wallet@127.0.0.1:{unused_tcp_port}/wallet"

    async with asyncpg.create_pool(dsn, min_size=0, max_size=1) as pool:
        with pytest.raises(Unavailable):
            await PostgresLedger(pool).post([a_deposit(an_account())])


async def test_a_connection_that_is_ended_while_it_waits_moves_nothing_and_is_replaced(
    books: PostgresBooks, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    alice = await a_person(books)
    command = a_deposit(alice, key="k1")

    async with locked(pool, alice):
        waiting = asyncio.create_task(books.ledger.post([command]))
        pid = await _somebody_waits(pool)
        await pool.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(Unavailable):
            await waiting
    outcome = await post(books, replace(command, id=TransactionId(new_id())))

    assert not outcome.replayed
    assert await balances(books, alice) == [100]


async def test_an_answer_to_a_commit_that_is_lost_is_looked_up(books: PostgresBooks, database: str) -> None:
    alice = await a_person(books)
    command = a_deposit(alice, key="k1")

    async with _a_link(database) as (link, dsn), asyncpg.create_pool(dsn, min_size=1, max_size=2) as linked:
        link.lose_the_next_answer_to_a_commit()
        (outcome,) = await PostgresLedger(linked).post([command])

    assert link.broken == 1
    assert outcome == await post(books, replace(command, id=TransactionId(new_id())))
    assert await balances(books, alice) == [100]


async def test_a_commit_that_never_arrived_is_an_unknown_outcome_and_may_be_asked_for_again(
    books: PostgresBooks, database: str
) -> None:
    alice = await a_person(books)
    command = a_deposit(alice, key="k1")

    async with _a_link(database) as (link, dsn), asyncpg.create_pool(dsn, min_size=1, max_size=2) as linked:
        link.lose_the_next_commit()
        with pytest.raises(OutcomeUnknown):
            await PostgresLedger(linked).post([command])
        again = replace(command, id=TransactionId(new_id()))
        (outcome,) = await PostgresLedger(linked).post([again])

    assert link.broken == 1
    assert not outcome.replayed
    assert len(await statement(books, alice)) == 1
    assert await balances(books, alice) == [100]


async def _somebody_waits(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """The process of the database that waits for a lock, as soon as one does."""
    async with asyncio.timeout(10):
        while True:
            pid: int | None = await pool.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if pid is not None:
                return pid
            await asyncio.sleep(0.01)


class _Link:
    """A wire to a server that breaks at a commit, once, when it is told to."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._break_before: bool | None = None
        self.broken = 0

    def lose_the_next_commit(self) -> None:
        self._break_before = True

    def lose_the_next_answer_to_a_commit(self) -> None:
        self._break_before = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        answers = asyncio.create_task(self._carry_answers(server_reader, writer))
        try:
            while sent := await reader.read(65_536):
                if b"COMMIT;" in sent and self._break_before is not None:
                    await self._break(answers, sent, server_reader, server_writer)
                    break
                server_writer.write(sent)
        finally:
            answers.cancel()
            writer.close()
            server_writer.close()

    async def _break(
        self,
        answers: asyncio.Task[None],
        sent: bytes,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        answers.cancel()
        await asyncio.wait([answers])
        if not self._break_before:
            server_writer.write(sent)
            await server_reader.read(65_536)
        self._break_before = None
        self.broken += 1

    async def _carry_answers(self, server_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answer := await server_reader.read(65_536):
            writer.write(answer)
        writer.close()


@asynccontextmanager
async def _a_link(dsn: str) -> AsyncIterator[tuple[_Link, str]]:
    server = urlsplit(dsn)
    assert server.hostname is not None
    assert server.port is not None
    link = _Link(server.hostname, server.port)
    listener = await asyncio.start_server(link.carry, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    credentials = server.netloc.rpartition("@")[0]
    try:
        yield link, server._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()
    finally:
        listener.close()
