"""Word of sessions, in one process and through Redis, and refresh tokens, remembered and derived."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.redis.connection import RedisConnection
from adapters.redis.session_changes import RedisSessionNews
from adapters.security.refresh_tokens import DerivedRefreshTokens
from wallet_core.testing.contracts import RefreshTokensContract, SessionNewsContract
from wallet_core.testing.sessions import InMemoryRefreshTokens, InMemorySessionNews


class TestInMemorySessionNews(SessionNewsContract):
    @pytest.fixture
    def listeners(self) -> list[asyncio.Event]:
        return []

    @pytest.fixture
    def here(self, listeners: list[asyncio.Event]) -> InMemorySessionNews:
        return InMemorySessionNews(listeners)

    @pytest.fixture
    def there(self, listeners: list[asyncio.Event]) -> InMemorySessionNews:
        return InMemorySessionNews(listeners)


class TestRedisSessionNews(SessionNewsContract):
    @pytest.fixture
    async def connection(self, redis_url: str) -> AsyncIterator[RedisConnection]:
        # What is promised here does not depend on a quick machine.
        connection = RedisConnection(redis_url, answer_seconds_max=10)
        yield connection
        await connection.close()

    @pytest.fixture
    async def here(self, connection: RedisConnection, redis_url: str) -> AsyncIterator[RedisSessionNews]:
        news = RedisSessionNews(connection, redis_url)
        yield news
        await news.close()

    @pytest.fixture
    async def there(self, connection: RedisConnection, redis_url: str) -> AsyncIterator[RedisSessionNews]:
        news = RedisSessionNews(connection, redis_url)
        yield news
        await news.close()


class TestInMemoryRefreshTokens(RefreshTokensContract):
    @pytest.fixture
    def tokens(self) -> InMemoryRefreshTokens:
        return InMemoryRefreshTokens()

    @pytest.fixture
    def foreign_tokens(self) -> InMemoryRefreshTokens:
        return InMemoryRefreshTokens()


class TestDerivedRefreshTokens(RefreshTokensContract):
    @pytest.fixture
    def tokens(self) -> DerivedRefreshTokens:
        return DerivedRefreshTokens(secret=b"a secret for tests that is long enough")

    @pytest.fixture
    def foreign_tokens(self) -> DerivedRefreshTokens:
        return DerivedRefreshTokens(secret=b"another secret for tests, long enough")
