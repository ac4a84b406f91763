"""What operators do to a database from outside the service: make it, migrate it, let the service log in, check it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg

from adapters.postgres.database import CONNECT_SECONDS, faults
from adapters.postgres.migrations import Migration, Migrations, MigrationStatus
from adapters.postgres.queries import SQL_DIRECTORY, Connection
from adapters.postgres.verification import Finding, Watch, verify, verify_new, watch_nothing

APPLICATION_ROLE: Final = "wallet_app"
"""What the service may do, as the migrations grant it; its login is a member."""


class PostgresSetup:
    """A database as its operators see it. Every method raises Unavailable when the server does not answer."""

    def __init__(self, owner_url: str) -> None:
        self._owner_url = owner_url
        self._migrations = Migrations(SQL_DIRECTORY / "migrations")

    async def ensure_database(self, name: str) -> None:
        """Make a database of that name on the server, unless there is one."""
        async with self._connection() as connection:
            known = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name)
            if not known:
                await connection.execute(
                    await connection.fetchval("SELECT format('CREATE DATABASE %I', $1::text)", name)
                )

    async def drop_database(self, name: str) -> None:
        """Drop the database of that name with all that is in it, where there is one."""
        async with self._connection() as connection:
            statement = "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text)"
            await connection.execute(await connection.fetchval(statement, name))

    async def migrate(self) -> list[Migration]:
        """Apply what is not applied yet, and return it. Raises the faults of Migrations.up."""
        async with self._connection() as connection:
            return await self._migrations.up(connection)

    async def status(self) -> list[MigrationStatus]:
        """How each migration stands."""
        async with self._connection() as connection:
            return await self._migrations.status(connection)

    async def ensure_login(self, service_url: str) -> str | None:
        """Let the user of that URL log in with its password and do what the application may; returns the user.

        Nothing happens, and nothing is returned, where the URL names the owner or no password.
        """
        service = urlsplit(service_url)
        user, password = unquote(service.username or ""), unquote(service.password or "")
        if not user or not password or user == unquote(urlsplit(self._owner_url).username or ""):
            return None
        async with self._connection() as connection, connection.transaction():
            known = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", user)
            # DDL takes no parameters: the server's own quoting makes the statements.
            verb = "ALTER" if known else "CREATE"
            await connection.execute(
                await connection.fetchval(
                    "SELECT format($1 || ' ROLE %I LOGIN PASSWORD %L', $2::text, $3::text)", verb, user, password
                )
            )
            await connection.execute(
                await connection.fetchval("SELECT format('GRANT %I TO %I', $1::text, $2::text)", APPLICATION_ROLE, user)
            )
        return user

    async def findings(self, *, incremental: bool = False, watch: Watch = watch_nothing) -> list[Finding]:
        """What is wrong with the books; nothing when all is well. The service's own rights are enough to ask.

        `incremental` asks only for what is new since the last time that it did.
        """
        async with self._connection() as connection:
            return await (verify_new if incremental else verify)(connection, watch=watch)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with faults():
            connection = await asyncpg.connect(self._owner_url, timeout=CONNECT_SECONDS)
            try:
                yield connection
            finally:
                await connection.close(timeout=CONNECT_SECONDS)
