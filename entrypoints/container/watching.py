"""Those who watch: people their own accounts, by live updates, and the operator the service, by its figures."""

import time
from collections.abc import Mapping

import asyncpg
import structlog
from dependency_injector import providers

from adapters.postgres.live import PostgresLiveRepository
from adapters.redis.connection import RedisConnection
from entrypoints.container.identity import Identity
from entrypoints.container.money import Money
from entrypoints.container.notifications import Notifications
from entrypoints.metrics.exposition import Exposition
from entrypoints.metrics.observers import CountedAccountCache, CountedPageCache
from entrypoints.metrics.sampling import CallBreaker, CountedCache, Sampling, Sources
from entrypoints.settings import Settings
from wallet_core.faults import Fault
from wallet_core.ledger.caching import AccountCache
from wallet_core.live.feed import LiveFeed, StreamLimits
from wallet_core.wallets.pages import PageCache

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def _report_untold(trouble: BaseException) -> None:
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("live updates are late", fault=str(trouble), exc_info=unexpected)


def _limits_of(settings: Settings) -> StreamLimits:
    return StreamLimits(in_all=settings.watching.streams_max, of_one_person=settings.watching.streams_per_person)


def _pools(
    ledger: "asyncpg.Pool[asyncpg.Record]",
    sessions: "asyncpg.Pool[asyncpg.Record]",
    others: "asyncpg.Pool[asyncpg.Record]",
) -> "Mapping[str, asyncpg.Pool[asyncpg.Record]]":
    return {"ledger": ledger, "sessions": sessions, "others": others}


def _caches(accounts: AccountCache, pages: PageCache) -> Mapping[str, CountedCache]:
    """Those that count: there are none without a Redis."""
    counted: dict[str, CountedCache] = {}
    if isinstance(accounts, CountedAccountCache):
        counted["accounts"] = accounts
    if isinstance(pages, CountedPageCache):
        counted["pages"] = pages
    return counted


def _breaker(redis: RedisConnection | None) -> CallBreaker | None:
    return None if redis is None else redis.breaker


class Watching(Identity, Money, Notifications):
    """Live updates, and the figures of this process."""

    live_feed = providers.Singleton(
        LiveFeed,
        providers.Singleton(PostgresLiveRepository, Identity.database),
        Identity.sessions.provided.is_live,
        providers.Callable(_limits_of, Identity.settings),
        monotonic=providers.Object(time.monotonic),
        report=providers.Object(_report_untold),
    )
    sampling = providers.Singleton(
        Sampling,
        Identity.figures,
        providers.Factory(
            Sources,
            pools=providers.Callable(_pools, Identity.ledger_pool, Identity.watch_pool, Identity.pool),
            caches=providers.Callable(_caches, Identity.account_cache, Identity.page_cache),
            breaker=providers.Callable(_breaker, Identity.redis),
            batches=Money.batch_figures,
            committing=Money.observed_ledger,
            entrance=Money.entrance,
            streams=live_feed,
        ),
    )
    exposition = providers.Singleton(
        Exposition, Identity.figures, sampling.provided.sample, Notifications.outbox.provided.backlog
    )
