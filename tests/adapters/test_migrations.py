"""The migration runner against a real server: order, races, drift and what readiness is told."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.migrations import (
    Connection,
    MigrationFailed,
    Migrations,
    MigrationsBusy,
    MigrationsDrifted,
    MigrationsInvalid,
    MigrationState,
)
from tests.services.databases import MIGRATIONS, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    write(tmp_path, "0001_things.sql", "CREATE TABLE things (id integer PRIMARY KEY); INSERT INTO things VALUES (1);")
    write(tmp_path, "0002_names.sql", "ALTER TABLE things ADD COLUMN name text;")
    return tmp_path


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The DSN of a database in which nothing was ever made."""
    name = f"wallet_empty_{secrets.token_hex(4)}"
    run(on_server(postgres_server, f"CREATE DATABASE {name}"))
    yield f"{postgres_server.rpartition('/')[0]}/{name}"
    run(on_server(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def connection(empty_database: str) -> AsyncIterator[Connection]:
    async with connected(empty_database) as connection:
        yield connection


@pytest.fixture
async def other_connection(empty_database: str) -> AsyncIterator[Connection]:
    async with connected(empty_database) as connection:
        yield connection


async def test_missing_migrations_are_applied_in_order_and_returned(folder: Path, connection: Connection) -> None:
    migrations = Migrations(folder)

    applied = await migrations.up(connection)

    assert [str(migration) for migration in applied] == ["0001_things", "0002_names"]
    assert await connection.fetchval("SELECT count(*) FROM things WHERE name IS NULL") == 1
    assert await migrations.check(connection) == []


async def test_what_is_applied_is_not_applied_again(folder: Path, connection: Connection) -> None:
    await Migrations(folder).up(connection)
    write(folder, "0003_more.sql", "INSERT INTO things VALUES (3, 'three');")

    later = await Migrations(folder).up(connection)
    again = await Migrations(folder).up(connection)

    assert [str(migration) for migration in later] == ["0003_more"]
    assert again == []


async def test_of_two_runners_at_once_one_applies_and_the_other_finds_nothing_to_do(
    folder: Path, connection: Connection, other_connection: Connection
) -> None:
    write(folder, "0003_slow.sql", "SELECT pg_sleep(0.3); INSERT INTO things VALUES (3, 'three');")

    results = await asyncio.gather(Migrations(folder).up(connection), Migrations(folder).up(other_connection))

    assert sorted(len(applied) for applied in results) == [0, 3]
    assert await connection.fetchval("SELECT count(*) FROM things WHERE id = 3") == 1


async def test_a_waiting_runner_does_not_block_an_index_built_concurrently(
    folder: Path, connection: Connection, other_connection: Connection
) -> None:
    # The pause lets the other runner reach its wait before the index is begun.
    write(folder, "0003_pause.sql", "SELECT pg_sleep(0.3);")
    write(folder, "0004_index.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY things_name ON things (name);\n")

    results = await asyncio.wait_for(
        asyncio.gather(Migrations(folder).up(connection), Migrations(folder).up(other_connection)), timeout=10
    )

    assert sorted(len(applied) for applied in results) == [0, 4]
    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_name'::regclass")


async def test_an_index_that_was_left_half_built_is_built_anew(folder: Path, connection: Connection) -> None:
    await Migrations(folder).up(connection)
    await connection.execute("CREATE TABLE twice (name text)")
    await connection.execute("INSERT INTO twice VALUES ('same'), ('same')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("CREATE UNIQUE INDEX CONCURRENTLY twice_name ON twice (name)")
    await connection.execute("DELETE FROM twice")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS twice_name ON twice (name);"
    write(folder, "0003_index.sql", f"-- no-transaction\n{statement}\n")

    await Migrations(folder).up(connection)

    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'twice_name'::regclass")


async def test_a_runner_gives_up_waiting_for_another_in_time(
    folder: Path, connection: Connection, other_connection: Connection
) -> None:
    write(folder, "0003_slow.sql", "SELECT pg_sleep(1);")
    slow = asyncio.create_task(Migrations(folder).up(connection))
    await asyncio.sleep(0.3)

    with pytest.raises(MigrationsBusy):
        await Migrations(folder, lock_seconds_max=0.2).up(other_connection)

    assert len(await slow) == 3


async def test_a_refused_migration_leaves_nothing_of_itself_and_lets_the_next_runner_in(
    folder: Path, connection: Connection, other_connection: Connection
) -> None:
    broken = write(folder, "0003_broken.sql", "CREATE TABLE half (id integer); SELECT 1 / 0;")

    with pytest.raises(MigrationFailed, match=r"0003_broken: division by zero"):
        await Migrations(folder).up(connection)

    assert await connection.fetchval("SELECT to_regclass('half')") is None
    broken.write_text("CREATE TABLE whole (id integer);")
    assert [str(migration) for migration in await Migrations(folder).up(other_connection)] == ["0003_broken"]


async def test_a_migration_that_takes_too_long_is_given_up(folder: Path, connection: Connection) -> None:
    write(folder, "0003_endless.sql", "SELECT pg_sleep(60);")

    with pytest.raises(MigrationFailed, match="took too long"):
        await Migrations(folder, statement_seconds_max=0.2).up(connection)

    assert await Migrations(folder).check(connection) == ["0003_endless is not applied"]


async def test_a_file_changed_after_it_was_applied_stops_everything(folder: Path, connection: Connection) -> None:
    await Migrations(folder).up(connection)
    write(folder, "0002_names.sql", "ALTER TABLE things ADD COLUMN name varchar(10);")
    write(folder, "0003_more.sql", "CREATE TABLE more (id integer);")
    changed = Migrations(folder)

    with pytest.raises(MigrationsDrifted, match="0002_names was changed after it was applied"):
        await changed.up(connection)

    assert await connection.fetchval("SELECT to_regclass('more')") is None
    assert await changed.check(connection) == [
        "0002_names was changed after it was applied",
        "0003_more is not applied",
    ]


async def test_a_migration_passed_over_stops_everything(folder: Path, connection: Connection) -> None:
    await Migrations(folder).up(connection)
    await connection.execute("DELETE FROM schema_migrations WHERE version = 1")

    with pytest.raises(MigrationsDrifted, match="0001_things was passed over"):
        await Migrations(folder).up(connection)

    assert await Migrations(folder).check(connection) == ["0001_things was passed over: a later one is applied"]


async def test_a_database_ahead_of_this_build_serves_it(folder: Path, connection: Connection) -> None:
    newer = write(folder, "0003_more.sql", "CREATE TABLE more (id integer);")
    await Migrations(folder).up(connection)
    newer.unlink()
    older = Migrations(folder)

    statuses = await older.status(connection)

    assert [status.state for status in statuses] == [MigrationState.APPLIED] * 2 + [MigrationState.AHEAD]
    assert await older.check(connection) == []
    assert await older.up(connection) == []


async def test_readiness_of_an_empty_database_names_what_is_missing(folder: Path, connection: Connection) -> None:
    problems = await Migrations(folder).check(connection)

    assert problems == ["0001_things is not applied", "0002_names is not applied"]


async def test_other_line_endings_are_no_change(folder: Path, connection: Connection) -> None:
    multiline = write(folder, "0003_more.sql", "CREATE TABLE more (\n    id integer\n);\n")
    await Migrations(folder).up(connection)

    multiline.write_bytes(multiline.read_bytes().replace(b"\n", b"\r\n"))

    assert await Migrations(folder).check(connection) == []


async def test_a_connection_inside_a_transaction_is_refused(folder: Path, connection: Connection) -> None:
    async with connection.transaction():
        with pytest.raises(ValueError, match="none"):
            await Migrations(folder).up(connection)

    assert len(await Migrations(folder).check(connection)) == 2


async def test_the_application_itself_may_ask_whether_the_project_is_migrated(database: str) -> None:
    async with connected(database) as connection:
        problems = await Migrations(MIGRATIONS).check(connection)

    assert problems == []


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["0001_first.sql", "0001_again.sql"],
        ["0001_first.sql", "0002-second.sql"],
        ["1_first.sql"],
    ],
)
def test_an_empty_folder_a_double_or_a_foreign_name_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write(tmp_path, name, "SELECT 1;")

    with pytest.raises(MigrationsInvalid):
        Migrations(tmp_path)


async def test_a_number_that_was_left_out_may_stay_out_but_not_come_later(folder: Path, connection: Connection) -> None:
    write(folder, "0004_later.sql", "ALTER TABLE things ADD COLUMN later text;")

    applied = await Migrations(folder).up(connection)
    settled = await Migrations(folder).check(connection)
    write(folder, "0003_late.sql", "SELECT 1;")

    assert [str(migration) for migration in applied] == ["0001_things", "0002_names", "0004_later"]
    assert settled == []
    with pytest.raises(MigrationsDrifted, match="0003_late was passed over"):
        await Migrations(folder).up(connection)


def write(folder: Path, name: str, sql: str) -> Path:
    path = folder / name
    path.write_text(sql)
    return path


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def on_server(dsn: str, statement: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(statement)
