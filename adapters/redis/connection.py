"""The way to Redis: few connections, short waits, and none of its troubles become anybody else's."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from adapters.redis.breaker import Breaker
from wallet_core.faults import Unavailable

Word: TypeAlias = str | bytes | int

ANSWER_SECONDS_MAX: Final = 0.05
CONNECTIONS_MAX: Final = 2
"""Fewer than the failures that open the breaker: when this process is late, all that is under way fails at once."""
PIPELINE_MAX: Final = 64
WAITING_MAX: Final = 1024
_SPARE_CONNECTIONS: Final = 2
"""For readiness checks, which must not be refused because everybody else is busy."""

TROUBLE: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""What is raised where a server is lost; RuntimeError is how uvloop calls a connection that has been closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A command, where its answer goes, and how long it may wait to be sent, by the event loop's clock."""

    command: tuple[Word, ...]
    answer: asyncio.Future[Any]
    until: float


class RedisConnection:
    """One process's way to one Redis, for things it can do without. Belongs to one event loop.

    Commands of many callers go together: what is asked in one turn of the event loop, or while all connections are
    taken, makes one pipeline of at most `pipeline_max`. So each costs a fraction of a round trip, and a caller that
    goes away leaves nothing half read behind. A command waits `answer_seconds_max` to be sent and as long for its
    answer, connecting included. At most `connections_max` pipelines are under way and at most `waiting_max` commands
    wait; one more is not sent and counted as `busy`. Nothing is tried twice.
    """

    def __init__(
        self,
        url: str,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        connections_max: int = CONNECTIONS_MAX,
        pipeline_max: int = PIPELINE_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.breaker = Breaker("Redis", seconds_max=answer_seconds_max)
        self._seconds_max = answer_seconds_max
        self._connections_max = connections_max
        self._pipeline_max = pipeline_max
        self._waiting_max = waiting_max
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._one_starts = False
        self.busy = 0
        self._client: Redis = Redis.from_url(
            url,
            # The breaker's time-out is the one that counts, and one for each pipeline costs less than for each answer.
            socket_timeout=None,
            socket_connect_timeout=answer_seconds_max,
            retry=Retry(NoBackoff(), 0),
            max_connections=connections_max + _SPARE_CONNECTIONS,
            # The older protocol and no introduction of the driver: a new connection costs no extra round trip.
            protocol=2,
            driver_info=None,
        )

    async def ask(self, *command: Word) -> Any:
        """The answer to the command, or None when there is none in time. Raises nothing but CancelledError."""
        if self.breaker.skips():
            return None
        if len(self._waiting) >= self._waiting_max:
            self.busy += 1
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_Waiting(command, answer, loop.time() + self._seconds_max))
        self._start_pipeline()
        return await answer

    async def ping(self) -> None:
        """Return once Redis has answered, whatever the breaker says. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._seconds_max):
                await self._client.ping()
        except TROUBLE as error:
            raise Unavailable("Redis does not answer.") from error

    async def close(self) -> None:
        """Close the connections, once what is under way has ended. A server that does not take part is only noted."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        try:
            await self._client.aclose()
        except TROUBLE as error:
            _log.info("The connections to Redis were dropped: %s", error)

    def _start_pipeline(self) -> None:
        """Unless one is about to start, which will take along whatever waits by then."""
        if self._waiting and not self._one_starts and len(self._under_way) < self._connections_max:
            self._one_starts = True
            task = asyncio.get_running_loop().create_task(self._run_pipeline())
            self._under_way.add(task)
            task.add_done_callback(self._pipeline_ended)

    def _pipeline_ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._start_pipeline()

    async def _run_pipeline(self) -> None:
        self._one_starts = False
        batch = self._next_batch()
        self._start_pipeline()
        try:
            if batch:
                await self.breaker.run(lambda: self._exchange(batch))
        finally:
            for waiting in batch:
                _answer(waiting, None)

    def _next_batch(self) -> list[_Waiting]:
        """Who has waited longest, without those who are gone or have waited too long."""
        now = asyncio.get_running_loop().time()
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._pipeline_max:
            waiting = self._waiting.popleft()
            if waiting.until < now:
                self.busy += 1
                _answer(waiting, None)
            elif not waiting.answer.done():
                batch.append(waiting)
        return batch

    async def _exchange(self, batch: Sequence[_Waiting]) -> None:
        """Send the commands and hand out their answers. Raises what the driver raises, and the server's complaints."""
        pipeline = self._client.pipeline(transaction=False)
        for waiting in batch:
            pipeline.execute_command(*waiting.command)
        answers = await pipeline.execute(raise_on_error=False)
        for waiting, answer in zip(batch, answers, strict=True):
            if not isinstance(answer, ResponseError):
                _answer(waiting, answer)
        for complaint in answers:
            # What somebody else put under a key is no answer to us, and no sign of trouble either.
            if isinstance(complaint, ResponseError) and not str(complaint).startswith("WRONGTYPE"):
                raise complaint


def _answer(waiting: _Waiting, answer: Any) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(answer)
