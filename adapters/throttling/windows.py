"""Limits on what one client does in a sliding while, behind the port ClientLimits."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final, TypeVar

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wallet_core.identity.throttling import Act, Rates

T = TypeVar("T")

ANSWER_SECONDS_MAX: Final = 0.2
"""As long as a password takes to check: whoever waits for one does not notice."""
PAUSE_SECONDS: Final = 1.0
CONNECTIONS_MAX: Final = 16
PLACES: Final = 4_096
"""How many counts one process keeps of each act at most: a crowd of addresses costs no more memory than that."""

_log = logging.getLogger(__name__)


class ProcessClientLimits:
    """ClientLimits of this process alone.

    Clients are counted in so many places; two of them may share one, and then share a limit.
    """

    def __init__(self, rates: Rates) -> None:
        self._windows = _Windows(rates, SlidingWindowCounterRateLimiter(MemoryStorage()))

    async def take(self, act: Act, client: str) -> int | None:
        """As ClientLimits.take."""
        return await self._windows.take(act, _place(client))

    async def wait(self, act: Act, client: str) -> int | None:
        """As ClientLimits.wait."""
        return await self._windows.wait(act, _place(client))

    async def give_back(self, act: Act, client: str) -> None:
        """As ClientLimits.give_back."""
        await self._windows.give_back(act, _place(client))


class RedisClientLimits:
    """ClientLimits of all processes that share a Redis, and of each process alone while Redis does not answer."""

    def __init__(
        self,
        url: str,
        rates: Rates,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            timeout=answer_seconds_max,
            socket_timeout=answer_seconds_max,
            socket_connect_timeout=answer_seconds_max,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS_MAX,
            protocol=2,
            driver_info=None,
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="throttle",
            connection_pool=self._pool,  # type: ignore[arg-type] # handed on to the driver, which takes it
        )
        self._shared = _Windows(rates, SlidingWindowCounterRateLimiter(storage))
        self._alone = ProcessClientLimits(rates)
        self._seconds_max = answer_seconds_max
        self._monotonic = monotonic
        self._skipped_until: float | None = None

    async def take(self, act: Act, client: str) -> int | None:
        """As ClientLimits.take."""
        return await self._either(lambda: self._shared.take(act, client), lambda: self._alone.take(act, client))

    async def wait(self, act: Act, client: str) -> int | None:
        """As ClientLimits.wait."""
        return await self._either(lambda: self._shared.wait(act, client), lambda: self._alone.wait(act, client))

    async def give_back(self, act: Act, client: str) -> None:
        """As ClientLimits.give_back."""
        await self._either(lambda: self._shared.give_back(act, client), lambda: self._alone.give_back(act, client))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()

    async def _either(self, shared: Callable[[], Awaitable[T]], alone: Callable[[], Awaitable[T]]) -> T:
        """What Redis says, or what this process knows by itself where it does not answer; then it is not asked again
        for a while, so that nobody waits for it in vain."""
        if self._skipped_until is not None and self._monotonic() < self._skipped_until:
            return await alone()
        try:
            async with asyncio.timeout(self._seconds_max):
                answer = await shared()
        except Exception as error:  # noqa: BLE001 - a lost connection may be told in any words, uvloop's RuntimeError too
            if self._skipped_until is None:
                _log.warning(
                    "Redis does not answer; each process limits clients by itself: %s: %s", type(error).__name__, error
                )
            self._skipped_until = self._monotonic() + PAUSE_SECONDS
            return await alone()
        if self._skipped_until is not None:
            _log.info("Redis answers again and limits clients of all processes.")
            self._skipped_until = None
        return answer


class _Windows:
    """The rates over one storage of the library."""

    def __init__(self, rates: Rates, limiter: SlidingWindowCounterRateLimiter) -> None:
        self._limiter = limiter
        self._items: dict[Act, RateLimitItem] = {
            act: RateLimitItemPerSecond(rate.most, rate.seconds, namespace=act.value) for act, rate in rates.items()
        }

    async def take(self, act: Act, client: str) -> int | None:
        item = self._items.get(act)
        if item is None or await self._limiter.hit(item, client):
            return None
        return await self._until_there_is_room(item, client)

    async def wait(self, act: Act, client: str) -> int | None:
        item = self._items.get(act)
        if item is None or await self._limiter.test(item, client):
            return None
        return await self._until_there_is_room(item, client)

    async def give_back(self, act: Act, client: str) -> None:
        item = self._items.get(act)
        if item is None:
            return
        stats = await self._limiter.get_window_stats(item, client)
        # Below nothing the count would let through more than the rate.
        if stats.remaining < item.amount:
            # A hit of less than nothing: it takes one from the count of the present while.
            await self._limiter.hit(item, client, cost=-1)

    async def _until_there_is_room(self, item: RateLimitItem, client: str) -> int:
        stats = await self._limiter.get_window_stats(item, client)
        return max(1, math.ceil(stats.reset_time - time.time()))


def _place(client: str) -> str:
    return str(int.from_bytes(blake2b(client.encode(), digest_size=8).digest()) % PLACES)
