"""F10: five times what the service can do, and a flood of log-ins: who is served is served, the others told at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from adapters.postgres.verification import verify
from tests.faults.checker import left_open
from tests.faults.conftest import Tell
from tests.faults.history import Row
from tests.faults.profile import often
from tests.faults.proxy import HEALTHY, Toxics
from tests.faults.stage import Stage, living
from tests.outages.load import percentile
from tests.races.client import Answer, Api, Person
from tests.races.serving import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=1_800))]

LATE = Toxics(latency_seconds=0.01)
SMALL = {"BATCH_MAX": "8", "IN_FLIGHT_MAX": "1", "QUEUE_MAX": "16"}
"""So little that this test can ask for five times as much: its own client would be the narrowest place otherwise."""
CALLERS = 48
TIMES = 5
GOODPUT_MIN = 0.8
REJECTION_SECONDS_MAX = 0.1
ACCEPTED_SECONDS_MAX = 1.0
GROWTH_KIB_MAX = 50 * 1024

LOGINS = 24
FLOOD_P99_SECONDS_MAX = 0.5
"""Two cores serve two processes, their log-ins and this test; on machines of its own bcrypt has cores to itself."""


async def test_f10_at_five_times_what_it_can_do_the_service_does_what_it_can(stage: Stage, tell: Tell) -> None:
    row, seconds = Row(name="F10 overload", faults=1), often(quick=6, full=300)
    serving = stage.serving("f10", **SMALL)
    service = await asyncio.to_thread(serving.__enter__)
    try:
        async with Api.at(service.url) as api:
            people = [await api.person("payer", funds="9000.00") for _ in range(CALLERS)]
            stage.database_wire.toxics = LATE
            peak = await _closed_loop(people, seconds=4)
            memory = _memory(service)
            answers = await _open_loop(people, rate=TIMES * peak, seconds=seconds)
            growth = _memory(service) - memory
            after = await _closed_loop(people, seconds=2)
    finally:
        stage.database_wire.toxics = HEALTHY
        await asyncio.to_thread(serving.__exit__, None, None, None)
    await _judge(row, stage)
    served = [each for each in answers if each.status == 201]
    refused = [each for each in answers if each.status != 201]
    goodput = len(served) / seconds / peak
    rejection, accepted = _percentiles(refused), _percentiles(served)
    row.operations = len(answers)
    row.figures |= {
        "peak": f"{peak:.0f}/s",
        "asked": f"{len(answers) / seconds:.0f}/s",
        "goodput": f"{goodput:.2f}",
        "rejected_p50/p99": rejection,
        "accepted_p50/p99": accepted,
        "rss_growth": f"{growth / 1024:.1f}MiB",
        "after": f"{after:.0f}/s",
        "said": dict(Counter(each.code or "ok" for each in answers)),
    }

    tell(row)
    row.assert_holds()
    assert {(each.status, each.code) for each in refused} == {(503, "overloaded")}
    assert all(int(each.headers["Retry-After"]) >= 1 for each in refused)
    assert goodput >= GOODPUT_MIN
    assert percentile([each.seconds for each in refused], 0.5) <= REJECTION_SECONDS_MAX
    assert percentile([each.seconds for each in served], 0.99) <= ACCEPTED_SECONDS_MAX
    assert growth <= GROWTH_KIB_MAX


async def test_f10_a_flood_of_log_ins_leaves_room_for_transfers(stage: Stage, tell: Tell) -> None:
    row, seconds = Row(name="F10 log-ins", faults=1), often(quick=6, full=120)
    serving = stage.serving("f10-logins", BCRYPT_COST="12")
    service = await asyncio.to_thread(serving.__enter__)
    try:
        async with Api.at(service.url) as api:
            people = [await api.person("payer", funds="9000.00") for _ in range(4)]
            control = await _transfers(people, "control", seconds=4)
            flood = [asyncio.create_task(_log_in(api, number, seconds)) for number in range(LOGINS)]
            beside = await _transfers(people, "beside", seconds=seconds)
            logins = [answer for each in await asyncio.gather(*flood) for answer in each]
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)
    await _judge(row, stage)
    row.operations = len(control) + len(beside)
    row.figures |= {
        "transfers_p50/p99": f"{_percentiles(control)}->{_percentiles(beside)}",
        "log-ins": dict(Counter(answer.status for answer in logins)),
    }

    tell(row)
    row.assert_holds()
    assert {answer.status for answer in [*control, *beside]} == {201}
    assert {answer.status for answer in logins} <= {401, 503}
    assert percentile([answer.seconds for answer in beside], 0.99) <= FLOOD_P99_SECONDS_MAX


async def _closed_loop(people: Sequence[Person], *, seconds: float) -> float:
    """So many callers, each with one movement after the other: how many a second were done."""
    answers = await _transfers(people, "peak", seconds=seconds)
    return sum(answer.status == 201 for answer in answers) / seconds


async def _transfers(people: Sequence[Person], name: str, *, seconds: float) -> list[Answer]:
    until = time.perf_counter() + seconds

    async def pay(number: int) -> list[Answer]:
        answers: list[Answer] = []
        source, target = people[number], people[(number + 1) % len(people)]
        while time.perf_counter() < until:
            key = f"{name}-{time.perf_counter_ns()}-{len(answers)}"
            answers.append(await source.transfer(target, "0.01", key=key))
        return answers

    return [answer for each in await asyncio.gather(*map(pay, range(len(people)))) for answer in each]


async def _open_loop(people: Sequence[Person], *, rate: float, seconds: float) -> list[Answer]:
    """Movements that come at that rate whether or not those before them are answered."""
    began, tasks = time.perf_counter(), []
    for number in count():
        due = began + number / rate
        if due > began + seconds:
            break
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        source, target = people[number % len(people)], people[(number + 1) % len(people)]
        tasks.append(asyncio.create_task(source.transfer(target, "0.01", key=f"open-{number}")))
    return list(await asyncio.gather(*tasks))


async def _log_in(api: Api, flood: int, seconds: float) -> list[Answer]:
    """Wrong passwords, one after the other: each costs what a right one costs.

    Always for somebody else, and from an address that may do so as often as it likes: nobody is told to wait before
    the password was looked at.
    """
    until, answers = time.perf_counter() + seconds, []
    while time.perf_counter() < until:
        body = {"email": f"nobody-{flood}-{len(answers)}@example.com", "password": "not the password"}
        try:
            answers.append(await api.ask("POST", "/auth/login", body=body))
        except aiohttp.ClientError:
            break
    return answers


async def _judge(row: Row, stage: Stage) -> None:
    connection = await asyncpg.connect(stage.dsn)
    row.findings = len(await verify(connection))
    row.leaks = await left_open(connection)
    await connection.close()


def _memory(service: Service) -> int:
    """KiB that the API processes hold in memory, together."""
    lines = [line for pid in living(service) for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _percentiles(answers: Sequence[Answer]) -> str:
    seconds = [answer.seconds for answer in answers]
    return f"{percentile(seconds, 0.5) * 1000:.0f}/{percentile(seconds, 0.99) * 1000:.0f}ms" if seconds else "-"
