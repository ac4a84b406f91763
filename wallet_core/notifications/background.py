"""Work that nobody waits for, within bounds."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Final, Protocol, TypeAlias

from wallet_core.faults import Overloaded

Job: TypeAlias = Callable[[], Awaitable[None]]

JOB_SECONDS_MAX: Final = 60.0


class Background(Protocol):
    """Does work after whoever asked for it has gone on."""

    def start(self, job: Job) -> bool:
        """Have it done soon; False when too much waits already, and then it is not done."""
        ...


class BackgroundJobs:
    """Does jobs `at_once` at a time, while at most `waiting_max` wait; one more is refused.

    A job that takes longer than `seconds_max` is cut off. What was refused is counted in `refused`, what failed in
    `failed`, and `report` is told of both: nobody else is there to hear of it. Belongs to one event loop.
    """

    def __init__(
        self,
        report: Callable[[Exception], None],
        *,
        at_once: int = 4,
        waiting_max: int = 1_000,
        seconds_max: float = JOB_SECONDS_MAX,
    ) -> None:
        self._report = report
        self._at_once = at_once
        self._waiting_max = waiting_max
        self._seconds_max = seconds_max
        self._waiting: deque[Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False
        self.refused = 0
        self.failed = 0

    def start(self, job: Job) -> bool:
        """As Background.start."""
        if self._closed or len(self._waiting) >= self._waiting_max:
            self.refused += 1
            self._report(Overloaded("Too much waits to be done in the background."))
            return False
        self._waiting.append(job)
        self._start_next()
        return True

    async def close(self, *, seconds: float) -> int:
        """Take nothing more, give what was taken that long, and drop the rest: how many jobs that is."""
        self._closed = True
        deadline = asyncio.get_running_loop().time() + seconds
        while self._running and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._running, timeout=left)
        dropped = len(self._waiting) + len(self._running)
        self._waiting.clear()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        return dropped

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            # In a context of its own: what is noted of the request that asked for it is over when the job runs.
            task = asyncio.get_running_loop().create_task(self._do(self._waiting.popleft()), context=Context())
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start_next()

    async def _do(self, job: Job) -> None:
        try:
            async with asyncio.timeout(self._seconds_max):
                await job()
        except Exception as error:  # noqa: BLE001 - nobody waits for it: this is where it is heard of
            self.failed += 1
            self._report(error)
