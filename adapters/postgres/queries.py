"""The SQL files of `sql/queries`, each query by its name.

aiosql reads the files and numbers the parameters; here they become values that repositories run on a connection of
theirs. A missing or a surplus argument is an error, never a silent NULL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter
from asyncpg.pool import PoolConnectionProxy

SQL_DIRECTORY: Final = Path(__file__).parents[2] / "sql"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Query:
    """One statement and the order in which its parameters are numbered."""

    name: str
    sql: str
    parameters: tuple[str, ...]

    async def fetch(self, connection: Connection, **arguments: object) -> list[asyncpg.Record]:
        """All rows."""
        return await connection.fetch(self.sql, *self._numbered(arguments))

    async def fetch_row(self, connection: Connection, **arguments: object) -> asyncpg.Record | None:
        """The first row."""
        return await connection.fetchrow(self.sql, *self._numbered(arguments))

    async def fetch_value(self, connection: Connection, **arguments: object) -> Any:
        """The first column of the first row."""
        return await connection.fetchval(self.sql, *self._numbered(arguments))

    async def execute(self, connection: Connection, **arguments: object) -> None:
        """Run it for its effect."""
        await connection.execute(self.sql, *self._numbered(arguments))

    def _numbered(self, arguments: Mapping[str, object]) -> list[object]:
        if len(arguments) != len(self.parameters):
            raise TypeError(f"{self.name} takes {self.parameters}, not {tuple(arguments)}.")
        return [arguments[parameter] for parameter in self.parameters]


def load_queries(subject: str) -> Mapping[str, Query]:
    """The queries of `sql/queries/{subject}.sql`, by name."""
    adapter = AsyncPGAdapter()  # type: ignore[no-untyped-call] # aiosql types its interface, not this class
    loaded = aiosql.from_path(SQL_DIRECTORY / "queries" / f"{subject}.sql", lambda: adapter)
    queries = {}
    for name in loaded.available_queries:
        if not name.endswith("_cursor"):
            queries[name] = Query(name, getattr(loaded, name).sql, tuple(adapter.var_sorted[name]))
    return MappingProxyType(queries)
