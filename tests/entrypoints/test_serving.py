"""Real processes, real signals, a real port."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from entrypoints.serving import KEEPALIVE_SECONDS, RespawnPolicy

PATIENCE_SECONDS = 20
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Served:
    """A running `serve`."""

    process: asyncio.subprocess.Process
    port: int
    errors: Path

    async def get(self, path: str) -> dict[str, int]:
        """One request over a connection of its own."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            assert response.status == 200
            answer: dict[str, int] = await response.json()
            return answer

    async def pids(self, number: int) -> set[int]:
        """The processes that answer, once there are that many."""
        seen: set[int] = set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(seen) < number:
                try:
                    seen.add((await self.get("/who"))["pid"])
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
        return seen

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)

    def log(self) -> str:
        return self.errors.read_text()


Start = Callable[..., Awaitable[Served]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    started: list[Served] = []

    async def start(workers: int = 1, *, factory: str = "application", port: int = 0, shutdown: int = 5) -> Served:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        environ = {"PORT": str(port or free), "WORKERS": str(workers), "SHUTDOWN_SECONDS": str(shutdown)}
        errors = tmp_path / f"stderr-{len(started)}"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.entrypoints.serving_app", factory, json.dumps(environ)),
                cwd=PROJECT,
                stderr=stderr,
            )
        started.append(Served(process, port or free, errors))
        return started[-1]

    yield start
    for served in started:
        if served.process.returncode is None:
            served.process.terminate()
            await served.exit_code()


async def refused(port: int) -> None:
    """Wait until nobody listens."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)


async def test_two_processes_answer_on_one_port(start: Start) -> None:
    served = await start(workers=2)

    pids = await served.pids(2)

    assert served.process.pid not in pids


async def test_a_single_worker_is_the_process_itself(start: Start) -> None:
    served = await start(workers=1)

    assert await served.pids(1) == {served.process.pid}


async def test_idle_connections_are_kept_for_no_longer_than_we_say(start: Start) -> None:
    served = await start()
    await served.pids(1)

    answer = await served.get("/who")

    assert answer["keepalive_seconds"] == KEEPALIVE_SECONDS


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_garbage_collector_leaves_the_program_itself_alone(start: Start, workers: int) -> None:
    served = await start(workers)
    await served.pids(workers)

    answer = await served.get("/who")

    assert answer["objects_spared"] > 10_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
async def test_what_is_in_flight_finishes_and_nothing_new_is_taken(
    start: Start, workers: int, number: signal.Signals
) -> None:
    served = await start(workers=workers)
    await served.pids(workers)
    slow = [asyncio.create_task(served.get("/slow?seconds=1.5")) for _ in range(6)]
    await asyncio.sleep(0.5)

    served.process.send_signal(number)
    await refused(served.port)
    still_in_flight = [request.done() for request in slow]
    answers = await asyncio.gather(*slow)

    assert not any(still_in_flight)
    assert len(answers) == 6
    assert await served.exit_code() == 0
    assert served.log().count("closed in order") == workers


async def test_a_request_may_take_nearly_all_the_time_there_is_to_stop(start: Start) -> None:
    served = await start(shutdown=2)
    await served.pids(1)
    slow = asyncio.create_task(served.get("/slow?seconds=1.7"))
    await asyncio.sleep(0.2)

    served.process.terminate()

    assert (await slow)["pid"] == served.process.pid
    assert await served.exit_code() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_request_that_takes_longer_is_cut_off(start: Start, workers: int) -> None:
    served = await start(workers=workers, shutdown=1)
    await served.pids(workers)
    endless = asyncio.create_task(served.get("/slow?seconds=600"))
    await asyncio.sleep(0.3)
    began = time.monotonic()

    served.process.terminate()
    code = await served.exit_code()

    assert time.monotonic() - began < 3
    assert code == 0
    with pytest.raises(aiohttp.ClientError):
        await endless


async def test_an_application_that_never_closes_is_ended_by_force(start: Start) -> None:
    served = await start(factory="hanging_at_the_end", shutdown=1)
    await served.pids(1)

    served.process.terminate()

    assert await served.exit_code() == 1
    assert "Timeout" in served.log()


@pytest.mark.parametrize("workers", [1, 2])
async def test_who_is_told_again_to_stop_when_all_is_done_has_stopped_in_order(start: Start, workers: int) -> None:
    served = await start(workers=workers, factory="lingering")
    pids = await served.pids(workers)

    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while served.log().count("closed in order") < workers:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    served.process.terminate()

    assert await served.exit_code() == 0


async def test_a_killed_process_is_replaced(start: Start) -> None:
    served = await start(workers=2)
    victim, survivor = await served.pids(2)

    os.kill(victim, signal.SIGKILL)
    await asyncio.sleep(0.3)
    after = await served.pids(2)

    assert survivor in after
    assert victim not in after


async def test_the_processes_end_with_the_one_that_started_them(start: Start) -> None:
    served = await start(workers=2)
    await served.pids(2)
    slow = asyncio.create_task(served.get("/slow?seconds=1.5"))
    await asyncio.sleep(0.3)

    served.process.kill()
    await served.exit_code()
    await refused(served.port)

    assert (await slow)["pid"] != served.process.pid


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_taken_port_is_told_and_nothing_starts(start: Start, workers: int) -> None:
    first = await start(workers=2)
    await first.pids(2)

    second = await start(workers=workers, port=first.port)

    assert await second.exit_code() == 2
    assert f"cannot listen on 127.0.0.1:{first.port}: Address already in use" in second.log()
    assert len(await first.pids(2)) == 2


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_application_that_cannot_start_is_given_up(start: Start, workers: int) -> None:
    served = await start(workers=workers, factory="failing")

    assert await served.exit_code() == 1
    assert "no application today" in served.log()


def test_each_quick_death_doubles_the_wait_up_to_a_bound() -> None:
    policy = RespawnPolicy(delay_seconds_first=0.25, delay_seconds_max=5)

    waits = [policy.delay(quick_deaths) for quick_deaths in (0, 1, 2, 3, 5, 6, 10_000)]

    assert waits == [0, 0.25, 0.5, 1, 4, 5, 5]
