"""F0 to F4: nothing, a backend, the whole database and an API process are killed while people move money."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from entrypoints.embedded.ports import free_port
from tests.faults.conftest import Tell
from tests.faults.history import Row
from tests.faults.profile import often
from tests.faults.stage import Stage, dice_for, living
from tests.outages.patience import until
from tests.races.serving import WORKERS, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=7_200))]

CHAPTER_FAULTS = 10
BACKEND_RECOVERY_SECONDS_MAX = 5.0
POSTMASTER_RECOVERY_SECONDS_MAX = 10.0
HANG_RECOVERY_SECONDS_MAX = 5.0
FORGETFUL_KILLS_MAX = 8
HANG_SECONDS = 10.0
ANSWER_SECONDS_MAX = 12.5
"""Three seconds in the queue, six for a statement that hangs, three to look for what became of its commit; and some."""
STOP_SECONDS_MAX = 10.0
PORTS_FROM = 21_000
"""Below those that a system gives to clients: the port has to be free again after each restart."""


async def test_f0_without_a_fault_everything_is_definite_at_once(stage: Stage, service: Service, tell: Tell) -> None:
    row = Row(name="F0")

    async with stage.under_load(service, row):
        await asyncio.sleep(often(quick=8, full=600))

    tell(row)
    row.assert_holds()
    assert row.ambiguous == 0
    assert 0.15 <= row.declines.total() / row.operations <= 0.30
    assert set(row.declines) == {"insufficient_funds", "limit_exceeded"}


async def test_f1_a_backend_is_killed_in_the_middle_of_a_commit(stage: Stage, service: Service, tell: Tell) -> None:
    row, kills = Row(name="F1"), often(quick=10, full=100)
    dice, at_commit = dice_for(row), 0

    for chapter in range(0, kills, CHAPTER_FAULTS):
        async with stage.under_load(service, row, chapter=chapter) as workload:
            for _ in range(CHAPTER_FAULTS):
                await asyncio.sleep(dice.uniform(0.1, 0.4))
                killed_at, was_committing = await stage.kill_a_backend()
                at_commit += was_committing
                row.faults += 1
                row.recoveries.append(await workload.settles_after(killed_at, seconds_max=30))
    row.figures["at_commit"] = at_commit

    tell(row)
    row.assert_holds(recovery_seconds_max=BACKEND_RECOVERY_SECONDS_MAX)
    assert row.ambiguous > 0
    assert at_commit >= kills / 2


async def test_f2_the_whole_database_is_killed_and_started_again(stage: Stage, service: Service, tell: Tell) -> None:
    row, kills = Row(name="F2"), often(quick=5, full=100)
    dice = dice_for(row)

    for chapter in range(0, kills, CHAPTER_FAULTS):
        async with stage.under_load(service, row, chapter=chapter) as workload:
            for _ in range(min(CHAPTER_FAULTS, kills - chapter)):
                await asyncio.sleep(dice.uniform(0.1, 0.6))
                killed_at = time.perf_counter()
                await stage.postgres.kill()
                row.faults += 1
                await stage.postgres.start()
                row.recoveries.append(await workload.settles_after(killed_at, seconds_max=30))

    tell(row)
    row.assert_holds(recovery_seconds_max=POSTMASTER_RECOVERY_SECONDS_MAX)
    assert row.ambiguous > 0


async def test_f2_would_notice_a_database_that_forgets_what_it_has_committed(stage: Stage, tell: Tell) -> None:
    row = Row(name="F2 forgetful")
    forgetful = replace(stage, wired_dsn=f"{stage.wired_dsn}?synchronous_commit=off")
    serving = forgetful.serving("forgetful", REQUIRE_DURABLE_DATABASE="false")
    service = await asyncio.to_thread(serving.__enter__)

    try:
        while row.lost == 0 and row.faults < FORGETFUL_KILLS_MAX:
            async with forgetful.under_load(service, row, pause=0.0, chapter=row.faults) as workload:
                await asyncio.sleep(0.5)
                row.faults += 1
                killed_at = time.perf_counter()
                await stage.postgres.kill()
                await stage.postgres.start()
                await workload.settles_after(killed_at, seconds_max=30)
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)

    tell(row)
    assert row.lost > 0


async def test_f3_a_database_that_hangs_holds_nobody_longer_than_it_may(
    stage: Stage, service: Service, tell: Tell
) -> None:
    row = Row(name="F3")

    for chapter in range(often(quick=1, full=20)):
        async with stage.under_load(service, row, chapter=chapter) as workload:
            await asyncio.sleep(1)
            await stage.postgres.freeze()
            row.faults += 1
            await asyncio.sleep(HANG_SECONDS)
            thawed_at = await stage.postgres.thaw()
            row.recoveries.append(await workload.settles_after(thawed_at, seconds_max=30))
        attempts = [attempt for record in workload.records for attempt in record.attempts] + workload.reads
        longest = max(attempt.ended - attempt.began for attempt in attempts)
        row.figures["longest"] = f"{longest:.2f}s"
        assert longest < ANSWER_SECONDS_MAX
        refused = [each.answer for each in attempts if each.answer is not None and each.answer.status == 503]
        assert refused
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)

    tell(row)
    row.assert_holds(recovery_seconds_max=HANG_RECOVERY_SECONDS_MAX)


async def test_f4_api_processes_are_killed_and_told_to_stop(stage: Stage, tell: Tell) -> None:
    row, faults = Row(name="F4"), often(quick=20, full=200)
    dice, port, terms = dice_for(row), free_port(PORTS_FROM), 0

    for chapter in range(0, faults, CHAPTER_FAULTS):
        async with AsyncExitStack() as stack:
            serving = stage.serving(f"f4-{chapter}", port=port)
            service = await asyncio.to_thread(serving.__enter__)
            stack.push_async_callback(asyncio.to_thread, serving.__exit__, None, None, None)
            async with stage.under_load(service, row, chapter=chapter) as workload:
                for _ in range(CHAPTER_FAULTS - 1):
                    await asyncio.sleep(dice.uniform(0.1, 0.5))
                    # The supervisor gives a place up after six quick deaths in a row: the oldest alternate.
                    how = signal.SIGTERM if dice.random() < 0.25 else signal.SIGKILL
                    terms += how is signal.SIGTERM
                    died_at = time.perf_counter()
                    victim = living(service)[0]
                    os.kill(victim, how)
                    row.faults += 1
                    await _both_serve(service, without=victim)
                    row.recoveries.append(await workload.settles_after(died_at, seconds_max=30))
                began = time.perf_counter()
                exit_code = await asyncio.to_thread(service.stop)
                row.faults += 1
                terms += 1
                assert exit_code == 0
                assert time.perf_counter() - began < STOP_SECONDS_MAX
                again = stage.serving(f"f4-{chapter}-again", port=port)
                await asyncio.to_thread(again.__enter__)
                stack.push_async_callback(asyncio.to_thread, again.__exit__, None, None, None)
    row.figures["sigterm"] = terms

    tell(row)
    row.assert_holds(recovery_seconds_max=POSTMASTER_RECOVERY_SECONDS_MAX)
    assert row.ambiguous > 0


async def _both_serve(service: Service, *, without: int) -> None:
    async def serve() -> bool:
        pids = living(service)
        return without not in pids and len(pids) == WORKERS

    await until(serve, seconds_max=30)
