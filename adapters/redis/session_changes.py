"""Word between processes that a session has changed, over a channel in Redis."""

import asyncio
import logging
import time
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.redis.connection import TROUBLE, RedisConnection

CHANNEL: Final = "sessions:changed"
_CONNECT_SECONDS_MAX: Final = 0.25
_PAUSE_SECONDS: Final = 1.0
_SLACK_SECONDS: Final = 0.5
_HEALTH_CHECK_SECONDS: Final = 5
_TAKEN_AT_ONCE_MAX: Final = 1_000

_log = logging.getLogger(__name__)


class RedisSessionNews:
    """SessionNews of all processes that share a Redis. Belongs to one event loop.

    What is said carries nothing: whoever hears it reads what changed where it is kept, so that neither a forged message
    nor a lost one tells anybody anything wrong. It listens on a connection of its own and, while there is none, tries
    to get one every `pause_seconds`.
    """

    def __init__(self, connection: RedisConnection, url: str, *, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._connection = connection
        self._pause_seconds = pause_seconds
        self._client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_SECONDS_MAX,
            socket_timeout=_CONNECT_SECONDS_MAX,
            retry=Retry(NoBackoff(), 0),
            max_connections=1,
            health_check_interval=_HEALTH_CHECK_SECONDS,
            protocol=2,
            driver_info=None,
        )
        self._channel: PubSub | None = None
        self._try_at = 0.0
        self._is_in_trouble = False

    async def announce(self) -> None:
        """As SessionNews.announce."""
        await self._connection.ask("PUBLISH", CHANNEL, b"")

    async def heard(self, *, seconds_max: float) -> None:
        """As SessionNews.heard."""
        until = time.monotonic() + seconds_max
        try:
            async with asyncio.timeout(seconds_max + _SLACK_SECONDS):
                channel = await self._tuned_in()
                if channel is not None and await _something_said(channel, until):
                    return
        except TROUBLE as error:
            if not self._is_in_trouble:
                self._is_in_trouble = True
                _log.info("Word of sessions is not heard for now: %s: %s", type(error).__name__, error)
            await self._hang_up()
        await asyncio.sleep(max(until - time.monotonic(), 0))

    async def close(self) -> None:
        """Close the connection."""
        await self._hang_up()
        try:
            await self._client.aclose()
        except TROUBLE as error:
            _log.info("The connection for word of sessions was dropped: %s", error)

    async def _tuned_in(self) -> PubSub | None:
        if self._channel is None:
            if time.monotonic() < self._try_at:
                return None
            self._try_at = time.monotonic() + self._pause_seconds
            self._channel = self._client.pubsub(ignore_subscribe_messages=True)
            await self._channel.subscribe(CHANNEL)
            self._is_in_trouble = False
        return self._channel

    async def _hang_up(self) -> None:
        channel, self._channel = self._channel, None
        if channel is None:
            return
        try:
            async with asyncio.timeout(_SLACK_SECONDS):
                await channel.aclose()  # type: ignore[no-untyped-call] # the driver leaves it so
        except TROUBLE as error:
            _log.info("The connection for word of sessions was dropped: %s", error)


async def _something_said(channel: PubSub, until: float) -> bool:
    """Whether anything is said by then; what was said at once counts as one."""
    while (seconds_left := until - time.monotonic()) > 0:
        # None also stands for the driver's own exchanges with the server.
        if await channel.get_message(timeout=seconds_left) is not None:
            for _ in range(_TAKEN_AT_ONCE_MAX):
                if await channel.get_message(timeout=0) is None:
                    break
            return True
    return False
