"""Callers that go away in the middle of a call leave nothing behind for the next one to read."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from adapters.redis.accounts import RedisAccountCache
from adapters.redis.breaker import FAILURES_MAX
from adapters.redis.connection import RedisConnection
from adapters.redis.pages import RedisPageCache
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.testing.contracts.caches import an_account
from wallet_core.testing.ids import SequentialIds

CALLS = 600
AT_ONCE = 12
LATENCY_SECONDS = 0.004
ANSWER_SECONDS_MAX = 1.0
"""Longer than the service waits: here a call shall end by its caller's doing, not by its time-out."""


class SlowProxy:
    """Passes bytes on to a Redis, each way after a while, so that a call spends its life waiting for its reply."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self.connections = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """The port to connect to while the block runs."""
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        for source, sink in ((reader, upstream_writer), (upstream_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while part := await source.read(65_536):
                await asyncio.sleep(LATENCY_SECONDS)
                sink.write(part)
                await sink.drain()
        except OSError:
            pass  # one end is gone; the other is told by closing it
        finally:
            sink.close()


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[tuple[SlowProxy, str]]:
    """A slow way to Redis, and the URL of its near end."""
    url = urlsplit(redis_url)
    proxy = SlowProxy(url.hostname or "127.0.0.1", url.port or 6379)
    async with proxy.serving() as port:
        yield proxy, url._replace(netloc=f"127.0.0.1:{port}").geturl()


@pytest.fixture
async def connection(proxy: tuple[SlowProxy, str]) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(proxy[1], answer_seconds_max=ANSWER_SECONDS_MAX, connections_max=6)
    yield connection
    await connection.close()


@pytest.fixture
def people() -> list[Account]:
    """Forty accounts that differ in all that tells them apart."""
    ids = SequentialIds(first=500)
    return [replace(an_account(balance=number), wallet_id=WalletId(ids()), version=number) for number in range(40)]


async def test_after_many_cancellations_everybody_still_reads_their_own(
    connection: RedisConnection, people: list[Account]
) -> None:
    accounts, pages = RedisAccountCache(connection), RedisPageCache(connection)
    dice = random.Random(20)
    await accounts.put(people)
    for person in people:
        await pages.put(str(person.wallet_id), _page(person))

    async def call_and_perhaps_go_away() -> bool:
        person = dice.choice(people)
        calls = (
            lambda: accounts.get(*person.key),
            lambda: accounts.put([person]),
            lambda: pages.get(str(person.wallet_id)),
            lambda: pages.put(str(person.wallet_id), _page(person)),
            lambda: _is_foreign(connection, person),
        )
        call = asyncio.create_task(dice.choice(calls)())
        await asyncio.sleep(dice.uniform(0, 3 * LATENCY_SECONDS))
        call.cancel()
        [ended] = await asyncio.gather(call, return_exceptions=True)
        return isinstance(ended, asyncio.CancelledError)

    went_away = 0
    for _ in range(CALLS // AT_ONCE):
        went_away += sum(await asyncio.gather(*(call_and_perhaps_go_away() for _ in range(AT_ONCE))))
        assert not await _is_foreign(connection, dice.choice(people))

    await accounts.put(people)
    foreign = await asyncio.gather(*(_is_foreign(connection, person) for person in people))
    kept = await asyncio.gather(*(accounts.get(*person.key) for person in people))
    shown = await asyncio.gather(*(pages.get(str(person.wallet_id)) for person in people))
    assert went_away > CALLS / 4
    assert not any(foreign)
    assert kept == people
    assert shown == [_page(person) for person in people]
    assert connection.breaker.failures == 0


async def test_cancelled_and_late_calls_give_their_connections_back(
    proxy: tuple[SlowProxy, str], people: list[Account]
) -> None:
    # Shorter than the way there and back: every call ends by its time-out, in the middle of its work.
    impatient = RedisConnection(proxy[1], answer_seconds_max=LATENCY_SECONDS, connections_max=2)
    patient = RedisConnection(proxy[1], answer_seconds_max=ANSWER_SECONDS_MAX, connections_max=2)
    accounts = RedisAccountCache(patient)

    for _ in range(10):
        await impatient.ask("GET", "k1")
        call = asyncio.create_task(accounts.get(*people[0].key))
        await asyncio.sleep(LATENCY_SECONDS)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await accounts.put([people[0]])
    found = await asyncio.gather(*(accounts.get(*people[0].key) for _ in range(10)))
    await impatient.close()
    await patient.close()

    assert impatient.breaker.failures == FAILURES_MAX
    assert impatient.breaker.skipped == 10 - FAILURES_MAX
    assert found == [people[0]] * 10


async def _is_foreign(connection: RedisConnection, person: Account) -> bool:
    """Whether Redis gave something else than this person's account for their key, as the cache would not show."""
    reply = await connection.ask("GET", f"balance:{person.wallet_id}:{person.currency}")
    return reply is not None and not (isinstance(reply, bytes) and str(person.wallet_id).encode() in reply)


def _page(person: Account) -> bytes:
    return f"the history of {person.wallet_id}".encode() * 20
