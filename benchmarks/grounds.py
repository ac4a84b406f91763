"""What rows stand on: fresh copies of the small books in each round, the large books, and services on them."""

import asyncio
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import redis

from benchmarks import databases
from benchmarks.acquaintance import acquaint
from benchmarks.books import Books, Size
from benchmarks.plan import Plan
from benchmarks.requests import Callers
from benchmarks.rows import Family, Row
from benchmarks.service import Service, served
from benchmarks.stage import Stage
from entrypoints.embedded.postgres import EmbeddedPostgres

_OF_THEIR_OWN: Final = (Family.SQL, Family.LEDGER)
"""Families that write and have copies of their own; all others ask one service."""
_CACHE_SECONDS_MAX: Final = 5.0


class Services:
    """Starts the service on some books when it is first asked for, and stops all that it started in the end."""

    def __init__(self, stage: Stage, plan: Plan, callers: Callers) -> None:
        self._stage = stage
        self._plan = plan
        self._services: dict[tuple[str, bool], Service] = {}
        self._open = ExitStack()
        self.callers: Final = callers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def on(self, books: Books, *, cached: bool) -> Service:
        """The service on those books, with a cache or without. Its processes have met everybody."""
        key = (books.database, cached)
        if key not in self._services:
            service = served(self._stage, books, processes=self._plan.processes, cached=cached)
            self._services[key] = self._open.enter_context(service)
            acquaint(self._services[key], self.callers.posting("noop", books.size.people))
        return self._services[key]


class Grounds:
    """The books of one round. Services on the large ones outlive it, those on copies do not."""

    def __init__(self, stage: Stage, plan: Plan, number: int, *, lasting: Services, passing: Services) -> None:
        self._stage = stage
        self._plan = plan
        self._number = number
        self._lasting = lasting
        self._passing = passing
        self._copies: dict[str, Books] = {}
        # Whatever the round before has left there is about accounts of other books.
        with redis.Redis(port=stage.valkey.port, socket_timeout=_CACHE_SECONDS_MAX) as cache:
            cache.flushall()

    @property
    def callers(self) -> Callers:
        """The people who ask."""
        return self._lasting.callers

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
        return (self._lasting if books.size is self._plan.large else self._passing).on(books, cached=cached)


def template(postgres: EmbeddedPostgres, size: Size) -> Books:
    """The books of that size as they were made: copied where they are small, used as they are where they are large."""
    return databases.books_at(postgres, size, database=f"books_{size.name}", cache=0)
