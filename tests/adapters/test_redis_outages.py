"""Redis killed, stopped, flushed, or never there: nobody waits for it, and it is used again when it is back."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from adapters.redis.accounts import RedisAccountCache
from adapters.redis.breaker import FAILURES_MAX, PAUSE_SECONDS
from adapters.redis.connection import ANSWER_SECONDS_MAX, RedisConnection
from adapters.redis.pages import RedisPageCache
from entrypoints.embedded.ports import free_port
from entrypoints.embedded.valkey import EmbeddedValkey
from tests.services.servers import scratch_folder
from wallet_core.faults import Unavailable
from wallet_core.testing.contracts.caches import an_account
from wallet_core.testing.ids import SequentialIds

ACCOUNT = an_account()
SLACK_SECONDS = 0.6  # for a machine on which others run too; without the breaker it would be seconds
"""What a busy machine may add to a wait."""
SKIPPED_SECONDS = 0.02


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be ill-treated; started again it has the same port."""
    with scratch_folder() as folder, EmbeddedValkey(folder, free_port()) as server:
        yield server


@pytest.fixture
async def connection(server: EmbeddedValkey) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(server.url)
    yield connection
    await connection.close()


@pytest.fixture
def accounts(connection: RedisConnection) -> RedisAccountCache:
    return RedisAccountCache(connection)


@pytest.fixture
def pages(connection: RedisConnection) -> RedisPageCache:
    return RedisPageCache(connection)


async def took(call: Awaitable[object]) -> float:
    """How many seconds the call took."""
    start = time.monotonic()
    await call
    return time.monotonic() - start


async def until_back(accounts: RedisAccountCache) -> float:
    """How many seconds passed until the cache kept an account again."""
    start = time.monotonic()
    async with asyncio.timeout(10):
        while await accounts.get(*ACCOUNT.key) is None:
            await accounts.put([ACCOUNT])
            await asyncio.sleep(0.02)
    return time.monotonic() - start


async def test_a_killed_server_costs_few_waits_and_is_used_again_when_it_is_back(
    server: EmbeddedValkey, accounts: RedisAccountCache, pages: RedisPageCache
) -> None:
    await accounts.put([ACCOUNT])
    server.stop()

    first = [await took(accounts.get(*ACCOUNT.key)) for _ in range(FAILURES_MAX)]
    others = [await took(call()) for call in _calls(accounts, pages) for _ in range(20)]
    server.start()
    back = await until_back(accounts)

    assert max(first) < ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert sorted(others)[len(others) // 2] < SKIPPED_SECONDS
    assert sum(others) < ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert back < PAUSE_SECONDS + SLACK_SECONDS + 0.5


async def test_a_stopped_server_that_still_takes_connections_costs_few_waits_and_then_one_a_pause(
    server: EmbeddedValkey, connection: RedisConnection, accounts: RedisAccountCache, pages: RedisPageCache
) -> None:
    await accounts.put([ACCOUNT])
    os.kill(server.pid, signal.SIGSTOP)
    try:
        first = [await took(accounts.get(*ACCOUNT.key)) for _ in range(FAILURES_MAX)]
        others = [await took(call()) for call in _calls(accounts, pages) for _ in range(20)]
        await asyncio.sleep(PAUSE_SECONDS)
        trial = await took(accounts.put([ACCOUNT]))
        after_the_trial = await took(pages.get("k1"))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    back = await until_back(accounts)

    assert all(ANSWER_SECONDS_MAX * 0.9 < each < ANSWER_SECONDS_MAX + SLACK_SECONDS for each in first)
    assert sum(others) < SLACK_SECONDS
    assert ANSWER_SECONDS_MAX * 0.9 < trial < ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert after_the_trial < SKIPPED_SECONDS
    assert connection.breaker.failures == FAILURES_MAX + 1
    assert back < PAUSE_SECONDS + SLACK_SECONDS + 0.5


async def test_a_crowd_before_a_stopped_server_waits_together_and_soon_not_at_all(
    server: EmbeddedValkey, accounts: RedisAccountCache, connection: RedisConnection
) -> None:
    await accounts.put([ACCOUNT])
    os.kill(server.pid, signal.SIGSTOP)
    try:
        crowds = [await took(asyncio.gather(*(accounts.get(*ACCOUNT.key) for _ in range(500)))) for _ in range(2)]
        later = await took(asyncio.gather(*(accounts.get(*ACCOUNT.key) for _ in range(500))))
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert max(crowds) < 2 * ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert later < SLACK_SECONDS
    assert connection.breaker.skipped >= 500


async def test_what_a_stopped_server_was_sent_is_too_old_when_it_goes_on(
    server: EmbeddedValkey, connection: RedisConnection
) -> None:
    accounts = RedisAccountCache(connection, seconds_max=0.5)
    await accounts.put([ACCOUNT])
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await accounts.put([ACCOUNT.moved(1)])
        await asyncio.sleep(0.6)
    finally:
        os.kill(server.pid, signal.SIGCONT)

    found = await accounts.get(*ACCOUNT.key)

    assert connection.breaker.failures == 1
    assert found is None


async def test_nothing_behind_the_address_is_an_empty_cache() -> None:
    connection = RedisConnection(f"redis://127.0.0.1:{free_port()}/0")
    accounts, pages = RedisAccountCache(connection), RedisPageCache(connection)

    spent = await took(asyncio.gather(*(call() for call in _calls(accounts, pages))))
    found = [await accounts.get(*ACCOUNT.key), await pages.get("k1")]
    await connection.close()

    assert spent < ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert found == [None, None]


async def test_a_flushed_server_is_an_empty_cache_and_no_failure(
    connection: RedisConnection, accounts: RedisAccountCache, pages: RedisPageCache
) -> None:
    await accounts.put([ACCOUNT.moved(1)])
    await pages.put("k1", b"page")

    await connection.ask("FLUSHALL")
    await connection.ask("SCRIPT", "FLUSH")
    found = [await accounts.get(*ACCOUNT.key), await pages.get("k1")]
    await accounts.put([ACCOUNT])

    assert found == [None, None]
    assert await accounts.get(*ACCOUNT.key) == ACCOUNT
    assert connection.breaker.failures == 0


async def test_a_server_that_drops_its_connections_is_used_again_after_one_failure_at_most(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    await asyncio.gather(*(accounts.put([ACCOUNT]) for _ in range(20)))

    await connection.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert await until_back(accounts) < PAUSE_SECONDS + SLACK_SECONDS + 0.5
    assert connection.breaker.failures <= 1


async def test_readiness_is_asked_of_the_server_itself(server: EmbeddedValkey, connection: RedisConnection) -> None:
    await connection.ping()
    server.stop()

    with pytest.raises(Unavailable):
        await connection.ping()
    server.start()
    await connection.ping()

    assert not connection.breaker.is_open


async def test_an_account_and_a_page_are_kept_for_their_time_and_no_longer(
    connection: RedisConnection, accounts: RedisAccountCache, pages: RedisPageCache
) -> None:
    await accounts.put([ACCOUNT])
    await pages.put("k1", b"page")

    left = {key[:5]: await connection.ask("PTTL", key) for key in await connection.ask("KEYS", "*")}

    assert 4_000 < left[b"balan"] <= 5_000
    assert 59_000 < left[b"page:"] <= 60_000


async def test_an_account_has_a_key_of_its_wallet_and_currency(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    await accounts.put([ACCOUNT])

    assert await connection.ask("KEYS", "*") == [f"balance:{ACCOUNT.wallet_id}:USD".encode()]


async def test_what_cannot_be_read_is_absent_and_makes_room(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    key = f"balance:{ACCOUNT.wallet_id}:USD"
    await accounts.put([ACCOUNT])
    whole = (await connection.ask("GET", key)).decode()
    prefix, fields = whole[:23], json.loads(whole[23:])
    unreadable = [
        "", "{}", "null", "\0", "9" * 30, prefix, prefix + "null", prefix + "[]", whole[:-1], whole[1:],
        whole.replace("1:", "2:", 1),
        whole.replace("000004:", "000005:", 1),
        prefix + json.dumps(fields | {"balance": 500.0}),
        prefix + json.dumps(fields | {"balance": "500"}),
        prefix + json.dumps(fields | {"status": "unheard of"}),
        prefix + json.dumps(fields | {"id": 7}),
        prefix + json.dumps(fields | {"wallet_id": str(SequentialIds(first=9)())}),
        prefix + json.dumps({name: fields[name] for name in fields if name != "held"}),
        prefix + "[" * 100_000,
    ]  # fmt: skip

    for value in unreadable:
        await connection.ask("SET", key, value, "PX", 5_000)
        assert await accounts.get(*ACCOUNT.key) is None, value[:60]

    for value in ("", "{}", whole.replace("1:", "9:", 1), "1:99:{}", "zzz"):
        await connection.ask("SET", key, value, "PX", 5_000)
        await accounts.put([ACCOUNT])
        assert await accounts.get(*ACCOUNT.key) == ACCOUNT, value[:60]
    assert connection.breaker.failures == 0


async def test_a_value_of_another_type_is_absent_and_makes_room(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    key = f"balance:{ACCOUNT.wallet_id}:USD"
    await connection.ask("HSET", key, "v", 99)

    found = await accounts.get(*ACCOUNT.key)
    await accounts.put([ACCOUNT])

    assert found is None
    assert await accounts.get(*ACCOUNT.key) == ACCOUNT
    assert connection.breaker.failures == 0


async def test_a_page_under_another_pages_key_is_not_handed_out(
    connection: RedisConnection, pages: RedisPageCache
) -> None:
    await pages.put("alice", b"alice's page")
    [alice] = await connection.ask("KEYS", "*")
    await pages.put("bob", b"bob's page")
    [bob] = set(await connection.ask("KEYS", "*")) - {alice}

    await connection.ask("COPY", bob, alice, "REPLACE")

    assert await pages.get("alice") is None
    assert await pages.get("bob") == b"bob's page"


async def test_a_crowd_larger_than_one_pipeline_is_served_and_one_larger_than_the_queue_is_not(
    server: EmbeddedValkey,
) -> None:
    connection = RedisConnection(server.url, answer_seconds_max=5, connections_max=2, pipeline_max=3, waiting_max=10)
    accounts = RedisAccountCache(connection)
    await accounts.put([ACCOUNT])

    found = await asyncio.gather(*(accounts.get(*ACCOUNT.key) for _ in range(100)))
    clients = await connection.ask("CLIENT", "LIST")
    await connection.close()

    assert found.count(ACCOUNT) == 10
    assert connection.busy == 90
    assert not connection.breaker.is_open
    assert len(clients.splitlines() if isinstance(clients, bytes) else clients) <= 2


async def test_what_is_asked_at_once_is_one_message_to_the_server(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    await accounts.put([ACCOUNT])
    before = await _messages_read(connection)

    found = await asyncio.gather(*(accounts.get(*ACCOUNT.key) for _ in range(50)))

    assert found == [ACCOUNT] * 50
    assert await _messages_read(connection) - before == 2  # the crowd's, and the one that asks


async def test_what_the_server_refuses_fails_nobody_else_who_asked_at_once(
    connection: RedisConnection, accounts: RedisAccountCache
) -> None:
    await accounts.put([ACCOUNT])

    found = await asyncio.gather(accounts.get(*ACCOUNT.key), connection.ask("NOSUCH"), accounts.get(*ACCOUNT.key))

    assert found == [ACCOUNT, None, ACCOUNT]
    assert connection.breaker.failures == 1


async def test_whoever_waits_too_long_to_be_sent_is_not_sent(server: EmbeddedValkey) -> None:
    connection = RedisConnection(server.url, connections_max=1, pipeline_max=1)
    await connection.ask("SET", "k1", "before")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        spent = await took(asyncio.gather(*(connection.ask("APPEND", "k1", ".") for _ in range(20))))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    kept = await connection.ask("GET", "k1")
    await connection.close()

    assert spent < 2 * ANSWER_SECONDS_MAX + SLACK_SECONDS
    assert connection.busy == 19
    assert kept in (b"before", b"before.")


async def test_closing_waits_for_what_is_under_way(server: EmbeddedValkey) -> None:
    connection = RedisConnection(server.url, answer_seconds_max=5)

    asked = asyncio.create_task(connection.ask("SET", "k1", "kept"))
    await asyncio.sleep(0)
    await connection.close()

    assert await asked is True


async def _messages_read(connection: RedisConnection) -> int:
    """How many times the server has read from a client since its start."""
    reads: int = (await connection.ask("INFO", "stats"))["total_reads_processed"]
    return reads


def _calls(accounts: RedisAccountCache, pages: RedisPageCache) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: accounts.get(*ACCOUNT.key),
        lambda: accounts.put([ACCOUNT]),
        lambda: pages.get("k1"),
        lambda: pages.put("k1", b"page"),
    ]
