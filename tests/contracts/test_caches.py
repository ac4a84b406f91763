"""The caches in memory, in Redis and of a service without one keep the same promises."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from adapters.redis.pages import RedisPageCache
from wallet_core.ledger.caching import NoAccountCache
from wallet_core.testing.caches import InMemoryAccountCache, InMemoryPageCache
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.caches import (
    AccountCacheContract,
    LetPass,
    LoseEverything,
    PageCacheContract,
    an_account,
)
from wallet_core.wallets.pages import NoPageCache


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def connection(redis_url: str) -> AsyncIterator[RedisConnection]:
    # What is promised here does not depend on a quick machine.
    connection = RedisConnection(redis_url, answer_seconds_max=10)
    yield connection
    await connection.close()


class InMemory:
    @pytest.fixture
    def let_pass(self, clock: SettableClock) -> LetPass:
        async def let_pass(seconds: float) -> None:
            clock.advance(timedelta(seconds=seconds))

        return let_pass


class TestInMemoryAccountCache(InMemory, AccountCacheContract):
    @pytest.fixture
    def account_cache(self, clock: SettableClock) -> InMemoryAccountCache:
        return InMemoryAccountCache(clock)

    @pytest.fixture
    def lose_everything(self, account_cache: InMemoryAccountCache) -> LoseEverything:
        async def lose_everything() -> None:
            account_cache.clear()

        return lose_everything


class TestInMemoryPageCache(InMemory, PageCacheContract):
    @pytest.fixture
    def page_cache(self, clock: SettableClock) -> InMemoryPageCache:
        return InMemoryPageCache(clock)

    @pytest.fixture
    def lose_everything(self, page_cache: InMemoryPageCache) -> LoseEverything:
        async def lose_everything() -> None:
            page_cache.clear()

        return lose_everything


class InRedis:
    """Time passes by taking it from what each key has left: Redis itself forgets, and nobody waits for it."""

    @pytest.fixture
    def let_pass(self, connection: RedisConnection) -> LetPass:
        async def let_pass(seconds: float) -> None:
            for key in await connection.ask("KEYS", "*"):
                left = await connection.ask("PTTL", key)
                if left >= 0:
                    await connection.ask("PEXPIRE", key, left - round(seconds * 1000))

        return let_pass

    @pytest.fixture
    def lose_everything(self, connection: RedisConnection) -> LoseEverything:
        async def lose_everything() -> None:
            assert await connection.ask("FLUSHDB")

        return lose_everything


class TestRedisAccountCache(InRedis, AccountCacheContract):
    @pytest.fixture
    def account_cache(self, connection: RedisConnection) -> RedisAccountCache:
        return RedisAccountCache(connection)


class TestRedisPageCache(InRedis, PageCacheContract):
    @pytest.fixture
    def page_cache(self, connection: RedisConnection) -> RedisPageCache:
        return RedisPageCache(connection)


async def test_a_service_without_a_cache_finds_nothing_in_it() -> None:
    accounts, pages = NoAccountCache(), NoPageCache()

    await accounts.put([an_account()])
    await pages.put("k1", b"page")

    assert await accounts.get(*an_account().key) is None
    assert await pages.get("k1") is None
