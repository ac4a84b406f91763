"""Waiting for what happens elsewhere, and for no longer than it may take."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_POLL_SECONDS = 0.02


async def until(holds: Callable[[], Awaitable[bool]], *, seconds_max: float) -> float:
    """Return once it holds, with the seconds that took. Raises TimeoutError when it takes longer than it may."""
    began = time.perf_counter()
    async with asyncio.timeout(seconds_max):
        while not await holds():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(_POLL_SECONDS)
    return time.perf_counter() - began
