"""Doing something again and again until the worker stops, whatever comes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from wallet_core.faults import Fault

TROUBLE_SECONDS_FIRST: Final = 0.5
TROUBLE_SECONDS_MAX: Final = 10.0
_DOUBLINGS_MAX: Final = 10

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def repeat(
    name: str, step: Callable[[], Awaitable[bool]], *, stopping: asyncio.Event, idle_seconds: float
) -> None:
    """Take one step after the other while each says that there is more to do, and wait in between where there is not.

    A step that fails is told of and taken again, after a while that grows with each failure.
    """
    failures = 0
    while not stopping.is_set():
        try:
            is_more = await step()
        except Fault as fault:
            _log.warning("the worker is held up", work=name, fault=str(fault))
            failures += 1
        except Exception as error:  # noqa: BLE001 - the other work goes on, and this is told of
            _log.error("the worker failed", work=name, exc_info=error)
            failures += 1
        else:
            failures = 0
            if is_more:
                # Even where nothing was waited for, others have their turn.
                await asyncio.sleep(0)
                continue
        await _pause(stopping, _seconds_after(failures, idle_seconds))


def _seconds_after(failures: int, idle_seconds: float) -> float:
    if failures == 0:
        return idle_seconds
    return min(TROUBLE_SECONDS_FIRST * 2.0 ** min(failures - 1, _DOUBLINGS_MAX), TROUBLE_SECONDS_MAX)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
