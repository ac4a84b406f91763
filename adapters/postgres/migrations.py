"""Brings a database to the schema this build was written for: numbered files, forward only, each applied once.

A file is `NNNN_name.sql`, no two of one number, and runs in one transaction together with the note that it was applied.
A number may be left out, but not given later: what a database passed over is drift. A file that cannot run in a
transaction (CREATE INDEX CONCURRENTLY) begins with the line `-- no-transaction` and holds a single statement that can
be repeated: the note is written after it, and may be lost. An index that it names and a runner before left half built
is dropped first: IF NOT EXISTS would take it for one, and no query uses it.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import asyncpg

from adapters.postgres.queries import Connection
from wallet_core.faults import Fault, Unavailable

_FILE_NAME = re.compile(r"(?P<version>[0-9]{4})_(?P<name>[a-z0-9_]+)\.sql")
_NO_TRANSACTION = "-- no-transaction"
_LOCK_KEY = 0x57414C4C4554  # "WALLET": one number for all runners on a database
_LOCK_POLL_SECONDS = 0.1
# While a migration waits for a table, everybody else queues up behind it.
_TABLE_LOCK_WAIT = "10s"

_CREATE_JOURNAL = """
CREATE TABLE schema_migrations (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Readiness is asked by the application's role, also before a first migration gave it any right.
GRANT SELECT ON schema_migrations TO PUBLIC;
"""
_JOURNAL_EXISTS = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_READ_JOURNAL = "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version"
_UNFINISHED = """
SELECT format('DROP INDEX CONCURRENTLY %s', CAST(c.oid AS regclass))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE NOT i.indisvalid AND position(c.relname IN CAST($1 AS text)) > 0
"""
_NOTE = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"


class MigrationsInvalid(Fault):
    """The folder of migrations cannot be used: none there, a name of another form, a number given twice."""


class MigrationsDrifted(Fault):
    """The database was migrated by other files than these: an applied one changed, or one was passed over."""


class MigrationsBusy(Unavailable):
    """Another runner holds the migration lock for longer than this one may wait."""


class MigrationFailed(Fault):
    """The database refused a migration. Those before it stay applied; of this one nothing does, if it ran in a
    transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: what it does, and the checksum (SHA-256) by which a later change shows."""

    version: int
    name: str
    checksum: str
    sql: str
    in_transaction: bool

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


class MigrationState(StrEnum):
    """How one migration stands in one database."""

    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"  # applied, but from another content or under another name
    SKIPPED = "skipped"  # not applied, though a later one is
    AHEAD = "ahead"  # applied by a newer build than this one: forward-only schemas serve the older one too


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    """A migration and its state; `applied_at` is UTC, and nothing while it is not applied."""

    version: int
    name: str
    state: MigrationState
    applied_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    name: str
    checksum: str
    applied_at: datetime


class Migrations:
    """The migrations in one folder, as they were when this was made.

    Raises MigrationsInvalid when the folder cannot be used.
    """

    def __init__(
        self, directory: Path, *, lock_seconds_max: float = 60.0, statement_seconds_max: float = 600.0
    ) -> None:
        self._shipped = _read(directory)
        self._lock_seconds_max = lock_seconds_max
        self._statement_seconds_max = statement_seconds_max

    async def up(self, connection: Connection) -> list[Migration]:
        """Apply what is missing, in order, and return it. Any number of runners may call at once: one does the work.

        Raises MigrationsBusy, MigrationsDrifted (before anything is changed) or MigrationFailed.
        """
        async with self._lock(connection):
            if not await connection.fetchval(_JOURNAL_EXISTS):
                await connection.execute(_CREATE_JOURNAL)
            statuses = await self.status(connection)
            drift = [text for status in statuses if (text := _drift(status))]
            if drift:
                raise MigrationsDrifted("; ".join(drift))
            pending = {status.version for status in statuses if status.state is MigrationState.PENDING}
            missing = [migration for migration in self._shipped if migration.version in pending]
            for migration in missing:
                await self._apply(connection, migration)
            return missing

    async def status(self, connection: Connection) -> list[MigrationStatus]:
        """Every migration that is shipped or was applied, by number, with its state."""
        return _compare(self._shipped, await _journal(connection))

    async def check(self, connection: Connection) -> list[str]:
        """What keeps this build from working on that database, in words; nothing when it is ready."""
        problems: list[str] = []
        for status in await self.status(connection):
            if status.state is MigrationState.PENDING:
                problems.append(f"{status} is not applied")
            elif text := _drift(status):
                problems.append(text)
        return problems

    @asynccontextmanager
    async def _lock(self, connection: Connection) -> AsyncIterator[None]:
        """Hold the session's advisory lock.

        It is tried again and again instead of waited for: a session that waits inside a statement holds a snapshot,
        and CREATE INDEX CONCURRENTLY in the runner that holds the lock would wait for that snapshot for ever.
        """
        if connection.is_in_transaction():
            raise ValueError("migrations make their own transactions: hand in a connection that is in none")
        deadline = asyncio.get_running_loop().time() + self._lock_seconds_max
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            if asyncio.get_running_loop().time() > deadline:
                raise MigrationsBusy(f"another runner migrates for more than {self._lock_seconds_max:g} s")
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            # A connection that is gone has given the lock back already.
            if not connection.is_closed():
                await connection.execute(f"SELECT pg_advisory_unlock({_LOCK_KEY})")

    async def _apply(self, connection: Connection, migration: Migration) -> None:
        note = (migration.version, migration.name, migration.checksum)
        try:
            if not migration.in_transaction:
                for row in await connection.fetch(_UNFINISHED, migration.sql):
                    await connection.execute(row[0], timeout=self._statement_seconds_max)
                await connection.execute(migration.sql, timeout=self._statement_seconds_max)
                await connection.execute(_NOTE, *note)
                return
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{_TABLE_LOCK_WAIT}'")
                await connection.execute(migration.sql, timeout=self._statement_seconds_max)
                await connection.execute(_NOTE, *note)
        except (asyncpg.PostgresError, TimeoutError) as refused:
            raise MigrationFailed(f"{migration}: {str(refused) or 'took too long'}") from refused


def _read(directory: Path) -> tuple[Migration, ...]:
    if not directory.is_dir():
        raise MigrationsInvalid(f"{directory} is no folder")
    migrations = [_parse(path) for path in sorted(directory.glob("*.sql"))]
    if not migrations:
        raise MigrationsInvalid(f"{directory} holds no migrations")
    versions = [migration.version for migration in migrations]
    if len(set(versions)) < len(versions):
        raise MigrationsInvalid(f"{directory}: each number is given once, not {versions}")
    return tuple(migrations)


def _parse(path: Path) -> Migration:
    matched = _FILE_NAME.fullmatch(path.name)
    if matched is None:
        raise MigrationsInvalid(f"{path}: a migration is named NNNN_name.sql, in small letters")
    # Read as text: a checkout with other line endings is still the same migration.
    sql = path.read_text(encoding="utf-8")
    return Migration(
        version=int(matched["version"]),
        name=matched["name"],
        checksum=hashlib.sha256(sql.encode()).hexdigest(),
        sql=sql,
        in_transaction=sql.split("\n", 1)[0].strip() != _NO_TRANSACTION,
    )


async def _journal(connection: Connection) -> dict[int, _Applied]:
    if not await connection.fetchval(_JOURNAL_EXISTS):
        return {}
    return {
        row["version"]: _Applied(name=row["name"], checksum=row["checksum"], applied_at=row["applied_at"])
        for row in await connection.fetch(_READ_JOURNAL)
    }


def _compare(shipped: Sequence[Migration], journal: Mapping[int, _Applied]) -> list[MigrationStatus]:
    newest = max(journal, default=0)
    known = {migration.version for migration in shipped}
    statuses: list[MigrationStatus] = []
    for migration in shipped:
        applied = journal.get(migration.version)
        if applied is None:
            state = MigrationState.SKIPPED if migration.version < newest else MigrationState.PENDING
        elif (applied.name, applied.checksum) != (migration.name, migration.checksum):
            state = MigrationState.CHANGED
        else:
            state = MigrationState.APPLIED
        statuses.append(
            MigrationStatus(
                version=migration.version,
                name=migration.name,
                state=state,
                applied_at=applied.applied_at if applied else None,
            )
        )
    statuses.extend(
        MigrationStatus(version=version, name=row.name, state=MigrationState.AHEAD, applied_at=row.applied_at)
        for version, row in journal.items()
        if version not in known
    )
    return statuses


def _drift(status: MigrationStatus) -> str | None:
    """Why no runner may go on from here, if so."""
    if status.state is MigrationState.CHANGED:
        return f"{status} was changed after it was applied"
    if status.state is MigrationState.SKIPPED:
        return f"{status} was passed over: a later one is applied"
    return None
