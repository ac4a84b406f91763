"""A worker from its start to its stop."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from entrypoints.container import Container, opened
from entrypoints.log_setup import configure_logging
from entrypoints.settings import Settings
from entrypoints.worker.chores import chores_of
from entrypoints.worker.loops import repeat
from entrypoints.worker.schedule import LOOKED_EVERY_SECONDS, Schedule
from wallet_core.faults import Fault

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 1
POLL_SECONDS: Final = 0.5
"""How long the worker leaves the database alone where there is nothing to do."""
REPORT_SECONDS: Final = 60.0
STOP_SECONDS_MAX: Final = 20.0
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def run_worker(settings: Settings, *, heartbeat: Path | None = None) -> int:
    """Work until SIGTERM or SIGINT, and return the exit code. What was taken on by then is seen through.

    `heartbeat` is a file that is touched each second: whoever sees it grow old knows that the worker hangs.
    """
    configure_logging(settings.log_level)
    try:
        asyncio.run(_until_told(settings, heartbeat))
    except Fault as fault:
        _log.error("the worker cannot start", fault=str(fault))
        return EXIT_FAILED
    return EXIT_STOPPED


@asynccontextmanager
async def working(
    settings: Settings, *, heartbeat: Path | None = None, poll_seconds: float = POLL_SECONDS
) -> AsyncIterator[None]:
    """A worker beside the block, on connections of its own. Raises Unavailable when the database cannot be reached."""
    async with opened(settings) as container:
        stopping = asyncio.Event()
        work = asyncio.create_task(_work(container, stopping, heartbeat, poll_seconds))
        try:
            yield
        finally:
            stopping.set()
            await _ended(work)


async def _ended(work: asyncio.Task[None]) -> None:
    """Wait for the end, and for a chore that takes long not for ever: it is begun again elsewhere."""
    _, unfinished = await asyncio.wait({work}, timeout=STOP_SECONDS_MAX)
    if unfinished:
        _log.warning("the worker stopped in the middle of something")
        work.cancel()
        await asyncio.wait({work})
    elif (error := work.exception()) is not None:
        raise error


async def _until_told(settings: Settings, heartbeat: Path | None) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, told.set)
    async with working(settings, heartbeat=heartbeat):
        _log.info("the worker is at work", channels=sorted(settings.messages.channels))
        await told.wait()
    _log.info("the worker has stopped")


async def _work(container: Container, stopping: asyncio.Event, heartbeat: Path | None, poll_seconds: float) -> None:
    # What there is no way to send waits until there is.
    relay, deliverers = container.relay(), container.deliverers()
    schedule = Schedule(container.turns(), chores_of(container))

    async def beat() -> bool:
        if heartbeat is not None:
            await asyncio.to_thread(heartbeat.touch)
        return False

    async def report() -> bool:
        _log.info(
            "the worker has worked",
            relayed=relay.relayed,
            delivered=sum(each.delivered for each in deliverers.values()),
            postponed=sum(each.postponed for each in deliverers.values()),
            parked=sum(each.parked for each in deliverers.values()),
        )
        return False

    async with asyncio.TaskGroup() as loops:
        loops.create_task(repeat("relaying", relay.step, stopping=stopping, idle_seconds=poll_seconds))
        for channel, deliverer in deliverers.items():
            name = f"delivering {channel.value}"
            loops.create_task(repeat(name, deliverer.step, stopping=stopping, idle_seconds=poll_seconds))
        loops.create_task(repeat("chores", schedule.step, stopping=stopping, idle_seconds=LOOKED_EVERY_SECONDS))
        loops.create_task(repeat("heartbeat", beat, stopping=stopping, idle_seconds=1.0))
        loops.create_task(repeat("reporting", report, stopping=stopping, idle_seconds=REPORT_SECONDS))
    await asyncio.gather(*(deliverer.finish() for deliverer in deliverers.values()))
    await report()
