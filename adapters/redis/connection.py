"""The way to Redis: few connections, short waits, and none of its troubles become anybody else's."""

import asyncio
import logging
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from adapters.redis.breaker import Breaker
from wallet_core.faults import Unavailable

Word: TypeAlias = str | bytes | int

ANSWER_SECONDS_MAX: Final = 0.05
CONNECTIONS_MAX: Final = 32
WAITING_MAX: Final = 1024
_SPARE_CONNECTIONS: Final = 8
"""For readiness checks, which must not be refused because everybody else is busy."""

_log = logging.getLogger(__name__)


class RedisConnection:
    """One process's way to one Redis, for things it can do without. Belongs to one event loop.

    A call waits `answer_seconds_max` for a free connection and as long for its answer, connecting included. At most
    `connections_max` calls are under way and at most `waiting_max` wait; one more is not made and counted as `busy`.
    Nothing is tried twice.
    """

    def __init__(
        self,
        url: str,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        connections_max: int = CONNECTIONS_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.breaker = Breaker("Redis", seconds_max=answer_seconds_max)
        self._seconds_max = answer_seconds_max
        self._places = asyncio.Semaphore(connections_max)
        self._waiting_max = waiting_max
        self._waiting = 0
        self.busy = 0
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=answer_seconds_max,
            socket_connect_timeout=answer_seconds_max,
            retry=Retry(NoBackoff(), 0),
            max_connections=connections_max + _SPARE_CONNECTIONS,
            # The older protocol and no introduction of the driver: a new connection costs no extra round trip.
            protocol=2,
            driver_info=None,
        )

    async def ask(self, *command: Word) -> Any:
        """The answer to the command, or None when there is none in time. Raises nothing but CancelledError."""
        if not await self._take_place():
            self.busy += 1
            return None
        try:
            return await self.breaker.run(lambda: self._send(command))
        finally:
            self._places.release()

    async def ping(self) -> None:
        """Return once Redis has answered, whatever the breaker says. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._seconds_max):
                await self._send(("PING",))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable("Redis does not answer.") from error

    async def close(self) -> None:
        """Close the connections. A server that does not take part in it is only noted."""
        try:
            await self._client.aclose()
        except (RedisError, OSError, TimeoutError) as error:
            _log.info("The connections to Redis were dropped: %s", error)

    async def _send(self, command: tuple[Word, ...]) -> Any:
        try:
            return await self._client.execute_command(*command)  # type: ignore[no-untyped-call] # the driver leaves it so
        except ResponseError as error:
            # What somebody else put under the key is no answer to us, and no sign of trouble either.
            if str(error).startswith("WRONGTYPE"):
                return None
            raise

    async def _take_place(self) -> bool:
        """Whether a connection is free, at once or before long."""
        if not self._places.locked():
            return await self._places.acquire()
        if self._waiting >= self._waiting_max:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds_max):
                return await self._places.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
