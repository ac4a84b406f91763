"""Word of sessions while Redis is killed, frozen or was never there: nobody waits for it, and it is heard again."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.redis.connection import RedisConnection
from adapters.redis.session_changes import RedisSessionNews
from entrypoints.embedded.ports import free_port
from entrypoints.embedded.valkey import EmbeddedValkey
from tests.services.servers import scratch_folder

PAUSE_SECONDS = 0.2
SLACK_SECONDS = 1.0
"""What a busy machine may add to a wait."""


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be ill-treated; started again it has the same port."""
    with scratch_folder() as folder, EmbeddedValkey(folder, free_port()) as server:
        yield server


@pytest.fixture
async def news(server: EmbeddedValkey) -> AsyncIterator[RedisSessionNews]:
    connection = RedisConnection(server.url)
    news = RedisSessionNews(connection, server.url, pause_seconds=PAUSE_SECONDS)
    yield news
    await news.close()
    await connection.close()


async def seconds_to_hear(news: RedisSessionNews, *, seconds_max: float) -> float:
    began = time.monotonic()
    await news.heard(seconds_max=seconds_max)
    return time.monotonic() - began


async def hears_again(news: RedisSessionNews) -> bool:
    """Whether, before long, what is announced ends a wait that would be longer."""
    for _ in range(50):
        waiting = asyncio.create_task(seconds_to_hear(news, seconds_max=0.5))
        await asyncio.sleep(0.2)
        await news.announce()
        if await waiting < 0.45:
            return True
    return False


async def test_a_server_that_is_gone_costs_nobody_more_than_the_wait_and_is_heard_when_it_is_back(
    server: EmbeddedValkey, news: RedisSessionNews
) -> None:
    heard_before = await hears_again(news)
    server.stop()

    alone = [await seconds_to_hear(news, seconds_max=0.3) for _ in range(4)]
    await news.announce()
    server.start()
    heard_after = await hears_again(news)

    assert heard_before
    assert heard_after
    assert all(0.25 < seconds < 0.3 + SLACK_SECONDS for seconds in alone)


async def test_a_server_that_hangs_is_no_longer_a_wait_than_one_that_is_silent(
    server: EmbeddedValkey, news: RedisSessionNews
) -> None:
    assert await hears_again(news)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        alone = [await seconds_to_hear(news, seconds_max=0.3) for _ in range(4)]
        await news.announce()
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert all(0.25 < seconds < 0.3 + SLACK_SECONDS for seconds in alone)
    assert await hears_again(news)


async def test_a_server_that_was_never_there_leaves_the_wait_as_it_is() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    connection = RedisConnection(url)
    news = RedisSessionNews(connection, url, pause_seconds=PAUSE_SECONDS)

    alone = [await seconds_to_hear(news, seconds_max=0.3) for _ in range(3)]
    await news.announce()
    await news.close()
    await connection.close()

    assert all(0.25 < seconds < 0.3 + SLACK_SECONDS for seconds in alone)
