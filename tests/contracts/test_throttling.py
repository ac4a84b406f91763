"""Counters and limits in memory, in PostgreSQL, in Redis and in one process keep the same promises."""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import limits.aio.storage.memory
import limits.aio.strategies
import pytest
import redis

from adapters.postgres.database import Database
from adapters.postgres.failures import PostgresFailureCounters, PostgresMessageCounters
from adapters.throttling import windows
from adapters.throttling.windows import ProcessClientLimits, RedisClientLimits
from entrypoints.embedded.ports import free_port
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.throttling import (
    BACKOFF,
    RATES,
    ClientLimitsContract,
    FailureCountersContract,
    LetPass,
    MessageCountersContract,
)
from wallet_core.testing.throttling import InMemoryClientLimits, InMemoryFailureCounters, InMemoryMessageCounters


class InMemory:
    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    def let_pass(self, clock: SettableClock) -> LetPass:
        async def let_pass(seconds: float) -> None:
            clock.advance(timedelta(seconds=seconds))

        return let_pass


class TestInMemoryFailureCounters(InMemory, FailureCountersContract):
    @pytest.fixture
    def failures(self, clock: SettableClock) -> InMemoryFailureCounters:
        return InMemoryFailureCounters(clock, BACKOFF)


class TestInMemoryMessageCounters(InMemory, MessageCountersContract):
    @pytest.fixture
    def messages(self, clock: SettableClock) -> InMemoryMessageCounters:
        return InMemoryMessageCounters(clock)


class TestInMemoryClientLimits(InMemory, ClientLimitsContract):
    @pytest.fixture
    def clients(self, clock: SettableClock) -> InMemoryClientLimits:
        return InMemoryClientLimits(clock, RATES)


class TestPostgresFailureCounters(FailureCountersContract):
    @pytest.fixture
    def failures(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresFailureCounters:
        return PostgresFailureCounters(Database(pool), BACKOFF)

    @pytest.fixture
    def let_pass(self, pool: "asyncpg.Pool[asyncpg.Record]") -> LetPass:
        async def let_pass(seconds: float) -> None:
            await pool.execute(
                "UPDATE failed_attempts SET free_at = free_at - $1::interval, counted_at = counted_at - $1::interval",
                timedelta(seconds=seconds),
            )

        return let_pass


class TestPostgresMessageCounters(MessageCountersContract):
    @pytest.fixture
    def messages(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresMessageCounters:
        return PostgresMessageCounters(Database(pool))

    @pytest.fixture
    def let_pass(self, pool: "asyncpg.Pool[asyncpg.Record]") -> LetPass:
        async def let_pass(seconds: float) -> None:
            await pool.execute(
                "UPDATE sent_messages SET moments = ARRAY(SELECT m - $1::interval FROM unnest(moments) AS m)",
                timedelta(seconds=seconds),
            )

        return let_pass


class InOneProcess:
    """The library asks `time` what time it is: here it is told."""

    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
        # At the beginning of a while of each length that is counted in, or a test would now and then run into the next.
        told = SimpleNamespace(now=time.time() // 3_600 * 3_600 + 1)
        stand_in = SimpleNamespace(time=lambda: told.now, monotonic=time.monotonic)
        for module in (limits.aio.storage.memory, limits.aio.strategies, windows):
            monkeypatch.setattr(module, "time", stand_in)
        return told

    @pytest.fixture
    def let_pass(self, told: SimpleNamespace) -> LetPass:
        async def let_pass(seconds: float) -> None:
            told.now += seconds

        return let_pass


class TestProcessClientLimits(InOneProcess, ClientLimitsContract):
    @pytest.fixture
    def clients(self, told: SimpleNamespace) -> ProcessClientLimits:
        return ProcessClientLimits(RATES)


class TestClientLimitsWhoseRedisIsAway(InOneProcess, ClientLimitsContract):
    @pytest.fixture
    async def clients(self, told: SimpleNamespace) -> AsyncIterator[RedisClientLimits]:
        clients = RedisClientLimits(f"redis://127.0.0.1:{free_port()}/0", RATES)
        yield clients
        await clients.close()


class TestRedisClientLimits(ClientLimitsContract):
    @pytest.fixture
    async def clients(self, redis_url: str) -> AsyncIterator[RedisClientLimits]:
        # What is promised here does not depend on a quick machine.
        clients = RedisClientLimits(redis_url, RATES, answer_seconds_max=10)
        yield clients
        await clients.close()

    @pytest.fixture
    def let_pass(self, redis_url: str) -> LetPass:
        async def let_pass(seconds: float) -> None:
            with redis.Redis.from_url(redis_url, socket_timeout=5) as client:
                for key in client.keys("*"):
                    client.pexpire(key, client.pttl(key) - round(seconds * 1000))

        return let_pass
