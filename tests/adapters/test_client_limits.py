"""A Redis that is away, hangs or forgets never leaves a client without a limit, nor anybody waiting for long."""

import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.throttling.windows import PAUSE_SECONDS, PLACES, ProcessClientLimits, RedisClientLimits
from entrypoints.embedded.ports import free_port
from entrypoints.embedded.valkey import EmbeddedValkey
from tests.services.servers import scratch_folder
from wallet_core.identity.throttling import Act, Rate, Rates

RATES: Rates = {Act.LOG_IN: Rate(most=3, seconds=3_600)}


class SettableSeconds:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def own_redis() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be ill-treated; started again it has the same port."""
    with scratch_folder() as folder, EmbeddedValkey(folder, free_port()) as server:
        yield server


@pytest.fixture
def seconds() -> SettableSeconds:
    return SettableSeconds()


@pytest.fixture
async def limits(own_redis: EmbeddedValkey, seconds: SettableSeconds) -> AsyncIterator[RedisClientLimits]:
    limits = RedisClientLimits(own_redis.url, RATES, answer_seconds_max=5, monotonic=seconds)
    yield limits
    await limits.close()


async def passed(limits: RedisClientLimits | ProcessClientLimits, times: int, client: str = "client") -> int:
    return [await limits.take(Act.LOG_IN, client) for _ in range(times)].count(None)


async def test_processes_that_share_a_redis_share_the_count(limits: RedisClientLimits, own_redis: EmbeddedValkey):
    other = RedisClientLimits(own_redis.url, RATES, answer_seconds_max=5)

    first, second = await passed(limits, 2), await passed(other, 5)
    await other.close()

    assert (first, second) == (2, 1)


async def test_row_18_a_redis_that_stops_midway_leaves_every_process_its_own_limit(
    limits: RedisClientLimits, own_redis: EmbeddedValkey, seconds: SettableSeconds, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "adapters.throttling.windows")
    before = await passed(limits, 5)

    own_redis.stop()
    without = await passed(limits, 10)
    seconds.now += PAUSE_SECONDS
    still_without = await passed(limits, 10)
    own_redis.start()
    seconds.now += PAUSE_SECONDS
    after = await passed(limits, 10)

    assert (before, without, still_without, after) == (3, 3, 0, 3)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_redis_that_hangs_is_waited_for_once_a_while(own_redis: EmbeddedValkey, seconds: SettableSeconds):
    limits = RedisClientLimits(own_redis.url, RATES, answer_seconds_max=0.3, monotonic=seconds)
    os.kill(own_redis.pid, signal.SIGSTOP)
    began = time.monotonic()

    taken = await passed(limits, 100)
    took = time.monotonic() - began
    os.kill(own_redis.pid, signal.SIGCONT)
    await limits.close()

    assert taken == RATES[Act.LOG_IN].most
    assert 0.2 <= took < 2


async def test_a_crowd_of_clients_takes_no_more_memory_than_its_places():
    limits = ProcessClientLimits({Act.LOG_IN: Rate(most=1, seconds=3_600)})

    kept = sum([await passed(limits, 1, f"client-{number}") for number in range(2 * PLACES)])

    assert PLACES / 2 < kept <= PLACES
