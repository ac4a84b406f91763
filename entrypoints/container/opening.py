"""A container over open connections, from settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from dependency_injector import providers

from adapters.postgres.database import opened_pool
from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from adapters.redis.pages import RedisPageCache
from adapters.redis.session_changes import RedisSessionNews
from adapters.throttling.windows import ProcessClientLimits, RedisClientLimits
from entrypoints.container.assembled import Container
from entrypoints.metrics.observers import CountedAccountCache, CountedPageCache
from entrypoints.settings import Settings
from wallet_core.identity.session_ports import NoSessionNews, SessionNews
from wallet_core.identity.throttling import ClientLimits
from wallet_core.ledger.caching import NoAccountCache
from wallet_core.wallets.pages import NoPageCache

BACKGROUND_SECONDS_MAX: Final = 0.5
"""How long each kind of work in the background may take to end when the service stops."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Container]:
    """A container over open connections, closed again in the end after everything under way has been answered.

    Raises Unavailable when the database cannot be reached.
    """
    url = settings.database_url.reveal()
    redis = None if settings.redis_url is None else RedisConnection(settings.redis_url.reveal())
    try:
        async with (
            opened_pool(url, size=settings.in_flight_max) as ledger_pool,
            opened_pool(url, size=1) as watch_pool,
            opened_pool(url, size=settings.database_pool_size - settings.in_flight_max - 1) as pool,
            _session_news(settings, redis) as session_news,
            _client_limits(settings) as client_limits,
        ):
            container = Container(
                settings=settings,
                pool=pool,
                ledger_pool=ledger_pool,
                watch_pool=watch_pool,
                account_cache=NoAccountCache() if redis is None else CountedAccountCache(RedisAccountCache(redis)),
                page_cache=NoPageCache() if redis is None else CountedPageCache(RedisPageCache(redis)),
                redis=providers.Object(redis),
                session_news=session_news,
                client_limits=client_limits,
            )
            container.check_dependencies()
            try:
                async with container.session_watch().running(), container.sampling().running():
                    yield container
            finally:
                await container.ledger().close()
                await _end_background(container)
                container.hasher().close()
    finally:
        if redis is not None:
            await redis.close()


async def _end_background(container: Container) -> None:
    """Give what was begun a moment. The jobs of accounts come first: they send messages."""
    undone = await container.account_jobs().close(seconds=BACKGROUND_SECONDS_MAX)
    undelivered = await container.delivery_jobs().close(seconds=BACKGROUND_SECONDS_MAX)
    if undone or undelivered:
        _log.warning("stopped before all was done", jobs=undone, messages=undelivered)


@asynccontextmanager
async def _client_limits(settings: Settings) -> AsyncIterator[ClientLimits]:
    rates = settings.protection.rates
    if settings.redis_url is None:
        yield ProcessClientLimits(rates)
        return
    limits = RedisClientLimits(settings.redis_url.reveal(), rates)
    try:
        yield limits
    finally:
        await limits.close()


@asynccontextmanager
async def _session_news(settings: Settings, redis: RedisConnection | None) -> AsyncIterator[SessionNews]:
    if redis is None or settings.redis_url is None:
        yield NoSessionNews()
        return
    news = RedisSessionNews(redis, settings.redis_url.reveal())
    try:
        yield news
    finally:
        await news.close()
