"""How each family of rows is measured."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from benchmarks import databases, idle, ledger
from benchmarks.baseline import run_pgbench
from benchmarks.books import Books, Size
from benchmarks.children import child
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures
from benchmarks.grounds import Grounds
from benchmarks.load import Load, put_under_load
from benchmarks.pages import check_page, pages
from benchmarks.plan import Plan
from benchmarks.processes import Kind
from benchmarks.requests import Requests
from benchmarks.rows import IDLE_WAYS, Accounts, Family, Row
from benchmarks.service import Service
from benchmarks.stage import Stage
from benchmarks.usage import NOTHING, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """One measurement of a row on books of a size. `number` is its own in the whole run."""

    stage: Stage
    grounds: Grounds
    plan: Plan
    row: Row
    size: Size
    number: int

    def figures(self) -> Mapping[str, Figures]:
        """Measure it: its figures under its name; where it goes several ways in turns, those of each under the way's.

        Raises BenchFailed when something else happened than the row says.
        """
        books = self.grounds.books(self.row, self.size)
        match self.row.family:
            case Family.SQL:
                return self._named(self._moving(books, self._sql))
            case Family.LEDGER:
                return self._named(self._moving(books, self._ledger))
            case Family.HTTP:
                return self._named(self._moving(books, lambda books: self._asking(books, self._posting("transfer"))))
            case Family.NOOP:
                return self._named(self._asking(books, self._posting("noop")))
            case Family.BALANCE:
                return self._named(self._asking(books, self.grounds.callers.reading("balance", range(self._people))))
            case Family.HISTORY:
                requests, lines = pages(self.grounds.callers, books, self.row)
                check_page(self._service(books), requests, lines)
                return self._named(self._asking(books, requests))
            case Family.IDLE:
                return self._idle(books)
        assert_never(self.row.family)

    @property
    def _people(self) -> int:
        return self.size.hot if self.row.accounts is Accounts.HOT else self.size.people

    @property
    def _callers(self) -> int:
        return min(self.row.callers, self.plan.callers_max)

    @property
    def _tag(self) -> str:
        return f"{self.row.name}-{self.number}"

    def _named(self, figures: Figures) -> Mapping[str, Figures]:
        return {self.row.name: figures}

    def _service(self, books: Books) -> Service:
        return self.grounds.service(books, cached=not self.row.past_the_cache)

    def _moving(self, books: Books, work: Callable[[Books], Figures]) -> Figures:
        """Do that work, and hold what it counted against what the books say has happened."""
        before = asyncio.run(databases.last_event(books))
        figures = work(books)
        moved = asyncio.run(databases.completed_since(books, before))
        if not 0 < figures.operations <= moved:
            raise BenchFailed(f"{self.row.name} counts {figures.operations} transfers, and the books {moved}.")
        return figures

    def _sql(self, books: Books) -> Figures:
        return run_pgbench(
            books,
            clients=self._callers,
            people=self._people,
            seconds=self.plan.seconds,
            run=self.number,
            meter=self.stage.meter(books),
            scratch=self.stage.home,
        )

    def _ledger(self, books: Books) -> Figures:
        work = ledger.Work(
            people=self._people,
            callers=self._callers,
            warm_seconds=self.plan.warm_seconds,
            seconds=self.plan.seconds,
            tag=self._tag,
        )
        answer, used = self._by_child("benchmarks.ledger", work, books)
        # The callers live in the same process: what they cost counts as the server's.
        return _figures(answer, used.with_cpu(Kind.SERVER, answer["cpu_seconds"]))

    def _idle(self, books: Books) -> Mapping[str, Figures]:
        with tempfile.NamedTemporaryFile(dir=self.stage.home) as file:
            requests = Path(file.name)
            self._posting("transfer").write(requests)
            work = idle.Work(
                people=self._people,
                requests=file.name,
                port=self._service(books).port,
                warm_seconds=self.plan.warm_seconds,
                seconds=self.plan.seconds,
                tag=self._tag,
            )
            answer, _ = self._by_child("benchmarks.idle", work, books)
        # What one of the ways used cannot be told from what the others did.
        return {IDLE_WAYS[way]: _figures(each, NOTHING) for way, each in answer.items()}

    def _by_child(self, module: str, work: Mapping[str, Any], books: Books) -> tuple[dict[str, Any], Usage]:
        """What one of our programs measured in process, and the CPU seconds of the servers meanwhile."""
        lasting = self.plan.warm_seconds + self.plan.seconds
        with child(module, work, environment=self.stage.environment(books), seconds=lasting) as process:
            process.wait_until_measuring()
            meter = self.stage.meter(books)
            asyncio.run(meter.start())
            answer = process.answer()
            return answer, asyncio.run(meter.stop())

    def _asking(self, books: Books, requests: Requests) -> Figures:
        """Put the service under load."""
        load = Load(
            requests=requests,
            connections=self._callers,
            warm_seconds=self.plan.warm_seconds,
            seconds=self.plan.seconds,
            tag=self._tag,
        )
        return put_under_load(self.stage, self._service(books), load, self.plan.generator)

    def _posting(self, action: str) -> Requests:
        return self.grounds.callers.posting(action, self._people)


def _figures(answer: Mapping[str, Any], used: Usage) -> Figures:
    return Figures(
        operations=int(answer["operations"]),
        seconds=answer["seconds"],
        p50_ms=answer["p50_ms"],
        p99_ms=answer["p99_ms"],
        usage=used,
    )
