"""F6 and F7: the wire to the database is slow, cut, silent, and loses what matters most."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count

import pytest

from tests.faults.checker import check
from tests.faults.conftest import Tell
from tests.faults.history import Attempt, Record, Row
from tests.faults.profile import SEED, often
from tests.faults.proxy import HEALTHY, Break, Proxy, Toxics
from tests.faults.stage import Stage
from tests.faults.workload import Workload, people_at
from tests.outages.load import percentile
from tests.races.client import Api
from tests.races.serving import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=7_200))]

RECOVERY_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 20.0
"""Longer than at a database that hangs: over a wire that is slow each of several statements may take its time."""

TOXICS = {
    "latency": Toxics(latency_seconds=0.2, jitter_seconds=0.1),
    "slicer": Toxics(slice_bytes=1),
    "bandwidth": Toxics(bytes_per_second=16_000),
    "black hole": Toxics(hold_requests=True, hold_answers=True),
    "requests lost": Toxics(hold_requests=True),
    "answers lost": Toxics(hold_answers=True),
}

QUICK_SECONDS = {"black hole": 8, "answers lost": 8}
"""Longer than a statement may take, so that commits are given up while they are under way."""

CALLERS = 6
OPERATIONS = 30
"""Of each caller, before all of them are held against the books."""
RETRY_SECONDS_P99_MAX = 1.0


@pytest.fixture
def wire(stage: Stage) -> Proxy:
    return stage.database_wire


@pytest.mark.parametrize("name", [*TOXICS, "resets", "refused"])
async def test_f6_a_bad_wire_to_the_database_costs_time_and_nothing_else(
    stage: Stage, service: Service, wire: Proxy, tell: Tell, name: str
) -> None:
    row = Row(name=f"F6 {name}")
    seconds = often(quick=QUICK_SECONDS.get(name, 4), full=110)

    async with stage.under_load(service, row, callers=12) as workload:
        await asyncio.sleep(0.5)
        try:
            row.faults += await _disturb(wire, name, seconds)
        finally:
            wire.toxics = HEALTHY
        healed_at = time.perf_counter()
        row.recoveries.append(await workload.settles_after(healed_at, seconds_max=40))
        async with Api.at(service.url) as api:
            ready = await api.ask("GET", "/readyz")
    attempts = [attempt for record in workload.records for attempt in record.attempts]
    longest = max(attempt.ended - attempt.began for attempt in attempts)
    row.figures["longest"] = f"{longest:.2f}s"

    tell(row)
    row.assert_holds(recovery_seconds_max=RECOVERY_SECONDS_MAX)
    assert longest < ANSWER_SECONDS_MAX
    assert ready.status == 200


async def test_f7_a_commit_that_is_cut_off_or_whose_answer_is_lost_is_told_truly(
    stage: Stage, service: Service, wire: Proxy, tell: Tell
) -> None:
    row, wanted = Row(name="F7"), often(quick=200, full=5_000)
    retries: list[Attempt] = []

    for chapter in count():
        async with AsyncExitStack() as stack:
            clients = await service.clients_at_each_process(stack, CALLERS)
            here, there = clients[:CALLERS], clients[CALLERS:]
            people = await people_at(here[0])
            workload = Workload(people, clients, seed=f"{SEED}/F7/{chapter}")
            wire.break_at = _half_and_half(random.Random(f"{SEED}/F7/{chapter}"))
            broken_before = wire.breaks
            try:
                rounds = await asyncio.gather(
                    *[
                        _ask_and_retry(workload, *pair, name=f"{chapter}-{number}")
                        for number, pair in enumerate(zip(here, there, strict=True))
                    ]
                )
            finally:
                wire.break_at = _unbroken
            row.faults += wire.breaks - broken_before
            retries += [attempt for each in rounds for attempt in each]
            await check(row, workload, stage.dsn)
        if row.faults >= wanted:
            break

    row.figures["retry_p99"] = f"{percentile([each.ended - each.began for each in retries], 0.99):.3f}s"
    tell(row)
    row.assert_holds()
    assert percentile([each.ended - each.began for each in retries], 0.99) <= RETRY_SECONDS_P99_MAX


async def _disturb(wire: Proxy, name: str, seconds: float) -> int:
    """Let the wire be bad for so long; how many faults that were."""
    if name == "resets":
        for _ in range(round(seconds / 0.5)):
            await asyncio.to_thread(wire.reset)
            await asyncio.sleep(0.5)
        return round(seconds / 0.5)
    if name == "refused":
        await asyncio.to_thread(wire.refuse)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(wire.accept)
        return 1
    wire.toxics = TOXICS[name]
    await asyncio.sleep(seconds)
    return 1


async def _ask_and_retry(workload: Workload, here: Api, there: Api, *, name: str) -> list[Attempt]:
    """Ask for one movement after the other at one process, and again at once, with the same key, at the other."""
    retries = []
    dice = random.Random(f"{SEED}/F7/{name}")
    for number in range(OPERATIONS):
        record = Record(workload.operation(dice, f"f7-{name}-{number}"))
        workload.records.append(record)
        record.attempts.append(await workload.attempt(record.operation, here))
        retries.append(await workload.attempt(record.operation, there))
        record.attempts.append(retries[-1])
        if record.settled is None:
            await workload.until_definite(record.operation, [here, there], record.attempts)
    return retries


def _half_and_half(dice: random.Random) -> Callable[[], Break | None]:
    def break_at() -> Break | None:
        if dice.random() < 0.5:
            return None
        return dice.choice((Break.BEFORE_THE_COMMIT_ARRIVES, Break.BEFORE_ITS_ANSWER_ARRIVES))

    return break_at


def _unbroken() -> Break | None:
    return None
