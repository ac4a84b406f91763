"""A migrated database for each test, copied from one that was migrated once."""

import asyncio
import itertools
import secrets
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from adapters.postgres.migrations import Migrations

T = TypeVar("T")

MIGRATIONS = Path(__file__).resolve().parents[2] / "sql" / "migrations"

OWNER = "wallet_owner"
APPLICATION = "wallet_service"
APPLICATION_GROUP = "wallet_app"

_SECONDS_MAX = 60.0
_PREPARATION_LOCK = 0x54455354  # "TEST": roles belong to the whole server, and parallel workers may share one


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDatabase:
    """One database, as the application's login role reaches it and as its owner does."""

    __test__ = False

    name: str
    dsn: str
    owner_dsn: str


class Databases:
    """Makes databases on one server: each a copy of a template to which the migrations were applied by the owner.

    The owner is no superuser, so that the migrations cannot come to need one.
    """

    def __init__(self, server_dsn: str) -> None:
        self._server_dsn = server_dsn
        tag = secrets.token_hex(4)
        self._template = f"wallet_template_{tag}"
        self._names = (f"wallet_{tag}_{number}" for number in itertools.count(1))

    def prepare(self, migrations: Path = MIGRATIONS) -> None:
        """Make the roles and the template."""
        run(self._prepare(Migrations(migrations)))

    def close(self) -> None:
        """Drop the template."""
        run(self._on_server(f'DROP DATABASE IF EXISTS "{self._template}" WITH (FORCE)'))

    @contextmanager
    def database(self) -> Iterator[TestDatabase]:
        """A fresh, migrated database while the block runs; whoever is still connected then is thrown out."""
        name = next(self._names)
        run(self._on_server(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" OWNER {OWNER}'))
        try:
            yield TestDatabase(name=name, dsn=self._dsn(name, APPLICATION), owner_dsn=self._dsn(name, OWNER))
        finally:
            run(self._on_server(f'DROP DATABASE "{name}" WITH (FORCE)'))

    async def _prepare(self, migrations: Migrations) -> None:
        server = await asyncpg.connect(self._server_dsn, timeout=_SECONDS_MAX, command_timeout=_SECONDS_MAX)
        try:
            await server.execute(f"SELECT pg_advisory_lock({_PREPARATION_LOCK})")
            await self._ensure_login(server, OWNER, "CREATEROLE")
            await server.execute(f'CREATE DATABASE "{self._template}" OWNER {OWNER}')
            await self._migrate(migrations)
            await self._ensure_login(server, APPLICATION)
            await server.execute(f"GRANT {APPLICATION_GROUP} TO {APPLICATION}")
        finally:
            await server.close()

    async def _migrate(self, migrations: Migrations) -> None:
        owner = await asyncpg.connect(self._dsn(self._template, OWNER), timeout=_SECONDS_MAX)
        try:
            await migrations.up(owner)
        finally:
            await owner.close()

    async def _ensure_login(self, server: "asyncpg.Connection[asyncpg.Record]", role: str, rights: str = "") -> None:
        if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await server.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{role}'")

    async def _on_server(self, statement: str) -> None:
        server = await asyncpg.connect(self._server_dsn, timeout=_SECONDS_MAX, command_timeout=_SECONDS_MAX)
        try:
            await server.execute(statement)
        finally:
            await server.close()

    def _dsn(self, database: str, role: str) -> str:
        server = urlsplit(self._server_dsn)
        host = server.netloc.rpartition("@")[2]
        return server._replace(netloc=f"{role}:{role}@{host}", path=f"/{database}").geturl()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own: fixtures that outlive a test, or serve one without a loop, need no more.

    asyncio.run would take away the loop that the test is about to use.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
