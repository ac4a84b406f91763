"""What rows stand on in one round: fresh copies of the small books, the large books, and services on them."""

import asyncio
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from benchmarks import databases
from benchmarks.books import Books, Size
from benchmarks.plan import Plan
from benchmarks.requests import Callers
from benchmarks.rows import Family, Row
from benchmarks.service import Service, served
from benchmarks.stage import Stage
from entrypoints.embedded.postgres import EmbeddedPostgres

_OF_THEIR_OWN: Final = (Family.SQL, Family.LEDGER)
"""Families that write and have copies of their own; all others ask one service."""


class Grounds:
    """Makes what a row needs when it is first asked for, and clears all of it away when the round is over."""

    def __init__(self, stage: Stage, plan: Plan, number: int) -> None:
        self._stage = stage
        self._plan = plan
        self._number = number
        self._copies: dict[str, Books] = {}
        self._services: dict[tuple[str, bool], Service] = {}
        self._open = ExitStack()
        self.callers: Final = Callers(plan.small, stage.jwt_secret)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def copies(self) -> tuple[Books, ...]:
        """The copies that were made."""
        return tuple(self._copies.values())

    def books(self, row: Row, size: Size) -> Books:
        """The books of that size for that row. The large ones are there once; families that write share no others."""
        if size is self._plan.large:
            return template(self._stage.postgres[size], size)
        name = row.family.value if row.family in _OF_THEIR_OWN else "service"
        if name not in self._copies:
            self._copies[name] = asyncio.run(
                databases.copy(
                    self._stage.postgres[size],
                    template(self._stage.postgres[size], size),
                    database=f"copy_{name}_{self._number}",
                    # Each has a cache of its own: they tell different things of the same accounts.
                    cache=len(self._copies) + 1,
                )
            )
        return self._copies[name]

    def service(self, books: Books, *, cached: bool) -> Service:
        """The service on those books, with a cache or without."""
        key = (books.database, cached)
        if key not in self._services:
            self._services[key] = self._open.enter_context(
                served(self._stage, books, processes=self._plan.processes, cached=cached)
            )
        return self._services[key]


def template(postgres: EmbeddedPostgres, size: Size) -> Books:
    """The books of that size as they were made: copied where they are small, used as they are where they are large."""
    return databases.books_at(postgres, size, database=f"books_{size.name}", cache=0)
