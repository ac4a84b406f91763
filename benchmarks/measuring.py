"""How each family of rows is measured."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from benchmarks import databases
from benchmarks.baseline import run_pgbench
from benchmarks.books import Books, Size
from benchmarks.children import child
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures
from benchmarks.grounds import Grounds
from benchmarks.ledger import Work
from benchmarks.load import Load, put_under_load
from benchmarks.plan import Plan
from benchmarks.processes import Kind
from benchmarks.requests import Requests
from benchmarks.rows import Accounts, Family, Row
from benchmarks.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """One measurement of a row on books of a size. `number` is its own in the whole run."""

    stage: Stage
    grounds: Grounds
    plan: Plan
    row: Row
    size: Size
    number: int

    def figures(self) -> Figures:
        """Measure it. Raises BenchFailed when something else happened than the row says."""
        match self.row.family:
            case Family.SQL:
                return self._moving(self._sql)
            case Family.LEDGER:
                return self._moving(self._ledger)
            case Family.HTTP:
                return self._moving(lambda books: self._asking(books, self._posting("transfer")))
            case Family.NOOP:
                return self._asking(self._books, self._posting("noop"))
            case Family.BALANCE | Family.HISTORY | Family.IDLE:
                raise NotImplementedError
            case _:
                assert_never(self.row.family)

    @property
    def _books(self) -> Books:
        return self.grounds.books(self.row, self.size)

    @property
    def _people(self) -> int:
        return self.size.hot if self.row.accounts is Accounts.HOT else self.size.people

    @property
    def _tag(self) -> str:
        return f"{self.row.name}-{self.number}"

    def _moving(self, work: Callable[[Books], Figures]) -> Figures:
        """Do that work, and hold what it counted against what the books say has happened."""
        books = self._books
        before = asyncio.run(databases.last_event(books))
        figures = work(books)
        moved = asyncio.run(databases.completed_since(books, before))
        if moved < figures.operations:
            raise BenchFailed(f"{self.row.name} counts {figures.operations} transfers, and the books {moved}.")
        return figures

    def _sql(self, books: Books) -> Figures:
        return run_pgbench(
            books,
            clients=self.row.callers,
            people=self._people,
            seconds=self.plan.seconds,
            run=self.number,
            meter=self.stage.meter(),
            scratch=self.stage.home,
        )

    def _ledger(self, books: Books) -> Figures:
        work = Work(
            people=self._people,
            callers=self.row.callers,
            warm_seconds=self.plan.warm_seconds,
            seconds=self.plan.seconds,
            tag=self._tag,
        )
        lasting = self.plan.warm_seconds + self.plan.seconds
        with child("benchmarks.ledger", work, environment=self.stage.environment(books), seconds=lasting) as process:
            process.wait_until_measuring()
            meter = self.stage.meter(serving=[process.pid])
            meter.start()
            answer = process.answer()
            used = meter.stop()
        return Figures(
            operations=int(answer["operations"]),
            seconds=answer["seconds"],
            p50_ms=answer["p50_ms"],
            p99_ms=answer["p99_ms"],
            # The callers live in the same process: what they cost counts as the server's.
            cpu_seconds={**used, Kind.SERVER: answer["cpu_seconds"]},
        )

    def _asking(self, books: Books, requests: Requests) -> Figures:
        """Put the service under load."""
        load = Load(
            requests=requests,
            connections=self.row.callers,
            warm_seconds=self.plan.warm_seconds,
            seconds=self.plan.seconds,
            tag=self._tag,
        )
        service = self.grounds.service(books, cached=not self.row.past_the_cache)
        return put_under_load(self.stage, service, load, self.plan.generator)

    def _posting(self, action: str) -> Requests:
        return self.grounds.callers.posting(action, self._people)
