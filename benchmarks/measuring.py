"""How each family of rows is measured."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

from benchmarks import databases
from benchmarks.baseline import run_pgbench
from benchmarks.books import Books
from benchmarks.children import child
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures
from benchmarks.ledger import Work
from benchmarks.plan import Plan
from benchmarks.processes import Kind
from benchmarks.rows import Accounts, Family, Row
from benchmarks.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a row stands on: the books, and the services on them."""

    books: Books


def measure(stage: Stage, ground: Ground, row: Row, plan: Plan, *, run: int) -> Figures:
    """Measure the row once. Raises BenchFailed when it did not do what it says."""
    before = asyncio.run(databases.last_event(ground.books))
    match row.family:
        case Family.SQL:
            figures = _sql(stage, ground, row, plan, run=run)
        case Family.LEDGER:
            figures = _ledger(stage, ground, row, plan, run=run)
        case Family.HTTP | Family.NOOP | Family.BALANCE | Family.HISTORY | Family.IDLE:
            raise NotImplementedError
        case _:
            assert_never(row.family)
    moved = asyncio.run(databases.completed_since(ground.books, before))
    if moved < figures.operations:
        raise BenchFailed(f"{row.name} counts {figures.operations} transfers, and the books {moved}.")
    return figures


def _people(ground: Ground, row: Row) -> int:
    size = ground.books.size
    return size.hot if row.accounts is Accounts.HOT else size.people


def _sql(stage: Stage, ground: Ground, row: Row, plan: Plan, *, run: int) -> Figures:
    def once(seconds: float, key: int) -> Figures:
        return run_pgbench(
            ground.books,
            clients=row.callers,
            people=_people(ground, row),
            seconds=seconds,
            run=key,
            meter=stage.meter(),
            scratch=stage.home,
        )

    return once(plan.seconds, run)


def _ledger(stage: Stage, ground: Ground, row: Row, plan: Plan, *, run: int) -> Figures:
    work = Work(
        people=_people(ground, row),
        callers=row.callers,
        warm_seconds=plan.warm_seconds,
        seconds=plan.seconds,
        tag=f"{row.name}-{run}",
    )
    with child(
        "benchmarks.ledger",
        work,
        environment=stage.environment(ground.books),
        seconds=plan.warm_seconds + plan.seconds,
    ) as process:
        process.wait_until_measuring()
        meter = stage.meter(serving=[process.pid])
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
