"""Makes the books: in bulk once, as a fresh copy whenever a row is to begin on what is known."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from adapters.postgres.queries import Connection
from benchmarks.books import CAP, DEPOSIT, Books, Size, transaction_id
from benchmarks.faults import BenchFailed
from entrypoints.administration import migrate_database
from entrypoints.container import Tools
from entrypoints.embedded.postgres import EmbeddedPostgres
from wallet_core.ledger.accounts import gateway_wallet, system_wallet_id

MAKING_SETTINGS: Final = {
    # Nobody measures while books are made: as fast as can be, and written out in full before the server starts anew.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "shared_buffers": "1GB",
    "autovacuum": "off",
}
_MAKING_SESSION: Final = "SET work_mem = '512MB'; SET maintenance_work_mem = '512MB'; SET jit = off"
_SERVICE_USER: Final = "wallet_service"
_SERVICE_PASSWORD: Final = "in the loopback alone"  # noqa: S105 - of a server that lives for minutes
_FOLDER: Final = Path(__file__).with_name("sql")
_SECONDS_MAX: Final = 300.0
_INDEXES: Final = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index WHERE indrelid = CAST($1 AS text)::regclass AND NOT indisprimary
"""
_KEYS: Final = """
    SELECT conname AS name, pg_get_constraintdef(oid) AS definition
      FROM pg_constraint WHERE conrelid = CAST($1 AS text)::regclass AND contype = 'p'
"""


def books_at(postgres: EmbeddedPostgres, size: Size, *, database: str, cache: int) -> Books:
    """How the books in that database are reached while the server runs."""
    return Books(
        database=database,
        size=size,
        service_dsn=postgres.dsn_of(database, user=_SERVICE_USER, password=_SERVICE_PASSWORD),
        owner_dsn=postgres.dsn_of(database),
        cache=cache,
    )


async def make(postgres: EmbeddedPostgres, books: Books) -> None:
    """Make the database and its books. Raises BenchFailed when they do not have as many entries as they should."""
    await Tools.setup(postgres.dsn).ensure_database(books.database)
    await migrate_database(books.owner_dsn, service=books.service_dsn)
    size = books.size
    async with _making(books) as connection:
        await connection.execute(_sql("books/people_and_moves"))
        await connection.execute(
            "CALL pg_temp.make_people_and_moves($1, $2, $3, $4, $5, $6, $7, $8)",
            system_wallet_id(gateway_wallet("sandbox")),
            size.people,
            size.hot,
            size.hot_rings,
            size.veteran_rings,
            size.wide_rings,
            DEPOSIT,
            CAP,
        )
        await connection.execute("ANALYZE")
    # Neither needs the other, and there are two processors at least.
    await asyncio.gather(
        _fill(books, "transactions", "books/transactions"), _fill(books, "entries", "books/entries_and_events")
    )
    async with _making(books) as connection:
        await connection.execute(_sql("books/limits"))
        await connection.execute(_sql("baseline"))
        # Left to the server it would begin in the middle of some row.
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        found = await connection.fetchval("SELECT count(*) FROM entries")
    if found != size.entries:
        raise BenchFailed(f"The {size.name} books have {found} entries in place of {size.entries}.")


async def _fill(books: Books, table: str, statements: str) -> None:
    """Put into a table what belongs there. Its indexes come after that, which takes a third of the time."""
    async with _making(books) as connection:
        keys = await connection.fetch(_KEYS, table)
        indexes = await connection.fetch(_INDEXES, table)
        for key in keys:
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}")
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(_sql(statements))
        for index in indexes:
            await connection.execute(index["definition"])
        for key in keys:
            await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {key['name']} {key['definition']}")


@asynccontextmanager
async def _making(books: Books) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(books.owner_dsn, command_timeout=_SECONDS_MAX)
    try:
        await connection.execute(_MAKING_SESSION)
        yield connection
    finally:
        await connection.close()


def _sql(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


async def copy(postgres: EmbeddedPostgres, template: Books, *, cache: int, database: str) -> Books:
    """A fresh copy of the books under a name that is free.

    None is dropped while anything is measured: that makes PostgreSQL write a checkpoint, and after one it logs the
    whole of each page that is changed for the first time.
    """
    connection = await asyncpg.connect(postgres.dsn, command_timeout=_SECONDS_MAX)
    try:
        await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template.database}"')
    finally:
        await connection.close()
    return books_at(postgres, template.size, database=database, cache=cache)


async def retire(books: Books) -> None:
    """Leave the books as they are from now on: vacuuming them would take time from those that are measured."""
    connection = await asyncpg.connect(books.owner_dsn, command_timeout=_SECONDS_MAX)
    try:
        for table in await connection.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
            await connection.execute(f'ALTER TABLE "{table["name"]}" SET (autovacuum_enabled = false)')
    finally:
        await connection.close()


async def findings(books: Books) -> Sequence[str]:
    """What is wrong with the books, a line each; nothing when they balance."""
    found = await Tools.setup(books.owner_dsn).findings()
    return [f"{each.invariant} {each.subject}: {each.explanation}" for each in found]


async def last_event(books: Books) -> int:
    """The number of the last event so far."""
    return int(await _value(books, "SELECT coalesce(max(id), 0) FROM events"))


async def completed_since(books: Books, event: int) -> int:
    """How many transfers were completed after that event. Raises BenchFailed when any was declined."""
    declined = await _value(books, "SELECT count(*) FROM events WHERE id > $1 AND kind <> 'transfer.completed'", event)
    if declined:
        raise BenchFailed(f"{declined} transfers were declined.")
    return int(await _value(books, "SELECT count(*) FROM events WHERE id > $1", event))


async def moment_of(books: Books, number: int) -> datetime:
    """When the movement of that number happened, of those that the books were made with."""
    moment: datetime = await _value(books, "SELECT created_at FROM transactions WHERE id = $1", transaction_id(number))
    return moment


async def _value(books: Books, query: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(books.owner_dsn, command_timeout=_SECONDS_MAX)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()
