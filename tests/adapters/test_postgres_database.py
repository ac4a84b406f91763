"""Connections to PostgreSQL that break: what is said of a change is true of it."""

import asyncio

import asyncpg
import pytest

from adapters.postgres.database import Database, borrowed, opened_pool
from adapters.postgres.users import PostgresUserRepository
from tests.faults.proxy import Break, proxy_to
from wallet_core.faults import OutcomeUnknown, Unavailable
from wallet_core.testing.builders import a_user

OUTSIDE = "SELECT count(*) FROM users"


async def test_to_borrow_a_connection_and_to_give_it_back_asks_nothing_of_the_server(database: str) -> None:
    asked: list[str] = []

    async with opened_pool(database, size=1) as pool:
        async with borrowed(pool) as connection:
            connection.add_query_logger(lambda query: asked.append(query.query))
            await connection.fetchval("SELECT 1")
        async with borrowed(pool) as connection:
            await connection.fetchval("SELECT 2")

    assert asked == ["SELECT 1", "SELECT 2"]


async def test_a_transaction_that_is_left_open_is_not_found_by_whoever_borrows_next(database: str) -> None:
    async with opened_pool(database, size=1) as pool:
        async with borrowed(pool) as connection:
            await connection.execute("BEGIN")
            await _add_somebody(connection)
        async with borrowed(pool) as connection:
            open_still, people = connection.is_in_transaction(), await connection.fetchval(OUTSIDE)

    assert (open_still, people) == (False, 0)


@pytest.mark.parametrize(
    ("where", "kept"), [(Break.BEFORE_THE_COMMIT_ARRIVES, 0), (Break.BEFORE_ITS_ANSWER_ARRIVES, 1)]
)
async def test_a_commit_whose_answer_is_lost_is_unknown(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]", where: Break, kept: int
) -> None:
    async def add(wired: "asyncpg.Pool[asyncpg.Record]") -> None:
        async with Database(wired).transaction() as connection:
            await _add_somebody(connection)

    with proxy_to(database) as (wire, dsn):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as wired:
            wire.break_next(where)
            with pytest.raises(OutcomeUnknown):
                await add(wired)

    assert wire.breaks == 1
    assert await pool.fetchval(OUTSIDE) == kept


async def test_a_transaction_that_breaks_before_its_commit_changes_nothing(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    async def add_and_break() -> None:
        async with Database(pool).transaction() as connection:
            await _add_somebody(connection)
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Unavailable):
        await add_and_break()

    assert await pool.fetchval(OUTSIDE) == 0


async def test_a_transaction_that_fails_changes_nothing_and_gives_its_connection_back(
    pool: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    async def add_and_fail() -> None:
        async with Database(pool).transaction() as connection:
            await _add_somebody(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await add_and_fail()

    assert await pool.fetchval(OUTSIDE) == 0
    assert pool.get_idle_size() == pool.get_size()


async def test_a_change_whose_answer_is_lost_is_unknown_and_the_next_one_is_made(
    pool: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    database = Database(pool)

    with pytest.raises(OutcomeUnknown):
        async with database.change() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.change() as connection:
        await _add_somebody(connection)

    assert await pool.fetchval(OUTSIDE) == 1


async def test_a_change_that_its_time_out_ended_changed_nothing(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    database = Database(pool)

    with pytest.raises(Unavailable):
        async with database.change() as connection, asyncio.timeout(5):
            await connection.execute("SET statement_timeout = '10ms'; SELECT pg_sleep(1)")


async def test_a_person_who_may_have_been_added_is_not_said_to_be_absent(
    database: str, unused_tcp_port: int, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    users = PostgresUserRepository(Database(pool))
    nobody = asyncpg.create_pool(f"postgresql://wallet@127.0.0.1:{unused_tcp_port}/wallet", min_size=0, max_size=1)

    assert await users.add(a_user(), "hash") is None
    async with nobody:
        with pytest.raises(Unavailable):
            await PostgresUserRepository(Database(nobody)).add(a_user(), "hash")


async def _add_somebody(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    await connection.execute(
        "INSERT INTO users (id, name, email, password_hash, created_at)"
        " VALUES (gen_random_uuid(), 'A', 'a@example.org', 'hash', now())"
    )
