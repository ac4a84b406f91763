"""A run: makes the books, measures row by row and round by round, and has the books verified in the end."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks import databases
from benchmarks.books import Books, Size
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures
from benchmarks.grounds import Grounds, Services, template
from benchmarks.measuring import Measuring
from benchmarks.plan import ROWS, Plan
from benchmarks.requests import Callers
from benchmarks.rows import Accounts, Family
from benchmarks.stage import Stage, postgres_for, scratch_home, stage

Watch = Callable[[str], None]
"""Told what happens, a line each."""


@dataclass(slots=True)
class Measured:
    """The figures of each row, one of each round, by the name of the books' size and of the row."""

    figures: dict[tuple[str, str], list[Figures]] = field(default_factory=dict)

    def add(self, size: Size, found: Mapping[str, Figures]) -> None:
        """Keep what was measured in this round."""
        for name, figures in found.items():
            self.figures.setdefault((size.name, name), []).append(figures)


def run(plan: Plan, watch: Watch) -> Measured:
    """Measure everything that is planned.

    Raises BenchFailed when a row did not do what it says, the books do not balance afterwards, or it takes too long.
    """
    measured = Measured()
    started = time.monotonic()
    with scratch_home() as home:
        _make_books(home, plan, watch)
        with stage(home, plan.sizes) as servers:
            progress = _Progress(plan, watch)
            with Services(servers, plan, Callers(plan.small, servers.jwt_secret)) as lasting:
                _run_in(servers, plan, lasting, watch)
                for number in range(1, plan.rounds + 1):
                    _round(servers, plan, number, lasting, measured, progress)
                    if time.monotonic() - started > plan.minutes_max * 60:
                        raise BenchFailed(f"It takes longer than {plan.minutes_max:g} minutes.")
            if plan.large is not None:
                _verify(template(servers.postgres[plan.large], plan.large), watch)
    return measured


def _make_books(home: Path, plan: Plan, watch: Watch) -> None:
    """The books that are copied, and the large ones, by servers that are in a hurry."""
    for size in plan.sizes:
        watch(f"Making books with {size.entries:,} entries …")
        with postgres_for(home, size, databases.MAKING_SETTINGS) as postgres:
            asyncio.run(databases.make(postgres, template(postgres, size)))
    # What they left to the operating system must not be written while somebody measures.
    os.sync()


def _run_in(servers: Stage, plan: Plan, lasting: Services, watch: Watch) -> None:
    """Touch what the large books have been made of, as a service has that did not start a moment ago.

    The first change of a page after a start or a checkpoint logs the whole page, and there are forty thousand that
    transfers between everybody change. By default a checkpoint comes every five minutes, or after half a gigabyte.
    """
    if plan.large is None:
        return
    watch("Running the large books in …")
    row = next(row for row in ROWS if row.family is Family.LEDGER and row.accounts is Accounts.WIDE)
    lap = replace(plan, seconds=plan.lap_seconds)
    grounds = Grounds(servers, lap, 0, lasting=lasting, passing=lasting)
    Measuring(stage=servers, grounds=grounds, plan=lap, row=row, size=plan.large, number=0).figures()


def _round(
    servers: Stage, plan: Plan, number: int, lasting: Services, measured: Measured, progress: "_Progress"
) -> None:
    with Services(servers, plan, lasting.callers) as passing:
        grounds = Grounds(servers, plan, number, lasting=lasting, passing=passing)
        for row in plan.rows:
            sizes = plan.sizes_of(row)
            # Neither always comes first.
            for size in sizes if number % 2 else reversed(sizes):
                measuring = Measuring(
                    stage=servers, grounds=grounds, plan=plan, row=row, size=size, number=progress.next
                )
                found = measuring.figures()
                measured.add(size, found)
                progress.tell(number, size, found)
    for books in grounds.copies:
        _verify(books, progress.watch)
        asyncio.run(databases.retire(books))


def _verify(books: Books, watch: Watch) -> None:
    """Raises BenchFailed when the books do not balance after all that was done to them."""
    found = asyncio.run(databases.findings(books))
    if found:
        raise BenchFailed("\n".join([f"The books {books.database} do not balance:", *found]))
    watch(f"The books {books.database} balance.")


class _Progress:
    """Says what was measured, how far that is, and how long the rest may take."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self.watch: Final = watch
        self._plan = plan
        self._done = 0
        self._started = time.monotonic()

    @property
    def next(self) -> int:
        """The number of the measurement that comes next, from 1."""
        return self._done + 1

    def tell(self, number: int, size: Size, found: Mapping[str, Figures]) -> None:
        """One more is done."""
        self._done += 1
        passed = time.monotonic() - self._started
        left = passed / self._done * (self._plan.measurements - self._done)
        for name, figures in found.items():
            self.watch(
                f"{self._done:3} of {self._plan.measurements}  round {number}  {size.name:5}  {name:24}"
                f"{figures.rate:10,.0f}/s   p50 {figures.p50_ms:7.2f} ms   p99 {figures.p99_ms:7.2f} ms"
                f"   {left:4.0f} s left"
            )
