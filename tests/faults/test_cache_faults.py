"""F5: the cache is gone, slow, silent, emptied, old or too small: money moves all the same and figures are right."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import redis.asyncio

from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from tests.faults.conftest import Tell
from tests.faults.history import Attempt, Row
from tests.faults.profile import SEED, often
from tests.faults.proxy import HEALTHY, Toxics
from tests.faults.stage import Stage
from tests.faults.workload import Workload, cents
from tests.outages.load import percentile
from tests.races.client import Api, Person
from tests.races.serving import Service
from wallet_core.clock import system_clock
from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.caching import ACCOUNT_SECONDS_MAX, WriteThrough
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, granted_caps, new_id
from wallet_core.testing.contracts.books import a_person, owner
from wallet_core.wallets.wallets import Wallets

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=7_200))]

SAVERS = 3
SLOW = Toxics(latency_seconds=0.1)
"""There and back: 200 ms."""
SILENT = Toxics(hold_requests=True, hold_answers=True)
ADDED_SECONDS_MAX = 0.15
"""At most 50 ms by the service's own doing; the rest is for a machine that is busy with all of this."""
AVAILABLE_MIN = 0.999
INTERLEAVINGS = often(quick=1_000, full=20_000)


@dataclass(slots=True)
class Savers:
    """People who put a cent aside, again and again, and look each time whether it is there."""

    people: Sequence[Person]
    clients: Sequence[Api]
    looks: int = 0
    stale_seconds: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """While the block runs."""
        over = asyncio.Event()
        tasks = [asyncio.create_task(self._save(person, over)) for person in self.people]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*tasks)

    async def _save(self, person: Person, over: asyncio.Event) -> None:
        told: list[tuple[float, int]] = []
        while not over.is_set():
            saved = await person.add_funds("0.01")
            if saved.status == 201:
                told.append((time.perf_counter(), cents(saved.json["balance_after"])))
            for client in self.clients:
                began = time.perf_counter()
                shown = await person.by(client).show_balance()
                if shown.status != 200:
                    continue
                self.looks += 1
                missing = [moment for moment, balance in told if balance > cents(shown.json["balance"])]
                if missing:
                    self.stale_seconds.append(began - missing[0])
            await asyncio.sleep(0.03)


@pytest.fixture
async def cache(stage: Stage) -> AsyncIterator["redis.asyncio.Redis"]:
    """The cache itself, past the proxy."""
    async with redis.asyncio.Redis.from_url(stage.cache_url, socket_timeout=5) as client:
        yield client


@pytest.mark.parametrize("name", ["refused", "black hole", "slow", "frozen"])
async def test_f5a_without_its_cache_the_service_does_what_it_did_with_it(
    stage: Stage, service: Service, tell: Tell, name: str
) -> None:
    row, seconds = Row(name=f"F5a {name}", faults=1), often(quick=4, full=150)

    async with stage.under_load(service, row, callers=6) as workload, _savers(service) as savers:
        await asyncio.sleep(often(quick=3, full=60))
        began = time.perf_counter()
        await _disturb(stage, name)
        try:
            await asyncio.sleep(seconds)
        finally:
            ended = time.perf_counter()
            await _mend(stage, name)
        await asyncio.sleep(2)
    attempts = _attempts(workload)
    control = [each for each in attempts if each.ended < began]
    without = [each for each in attempts if each.began >= began and each.ended <= ended]
    added = _p99(without) - _p99(control)
    available = sum(each.is_definite for each in without) / len(without)
    row.figures |= {
        "available": f"{available:.4f}",
        "p99": f"{_p99(control) * 1000:.0f}ms->{_p99(without) * 1000:.0f}ms",
        "stale": f"{max(savers.stale_seconds, default=0):.2f}s/{savers.looks}",
    }

    tell(row)
    row.assert_holds()
    assert available >= AVAILABLE_MIN
    assert added <= ADDED_SECONDS_MAX
    assert max(savers.stale_seconds, default=0) <= ACCOUNT_SECONDS_MAX


async def test_f5b_an_emptied_an_old_and_a_small_cache_show_nothing_wrong_for_longer_than_they_may(
    stage: Stage, service: Service, cache: "redis.asyncio.Redis", tell: Tell
) -> None:
    row, seconds = Row(name="F5b"), often(quick=6, full=150)

    async with stage.under_load(service, row, callers=6), _savers(service) as savers:
        for _ in range(round(seconds / 2)):
            await asyncio.sleep(2)
            await cache.flushall()
            row.faults += 1
        for _ in range(often(quick=2, full=20)):
            # Killed and started again from what it wrote down a moment ago.
            await cache.save()
            await asyncio.sleep(1)
            await stage.valkey.kill()
            await stage.valkey.start()
            await cache.connection_pool.disconnect()
            row.faults += 1
            await asyncio.sleep(1)
        row.faults += await _be_small(cache, seconds)
    row.figures |= {"stale": f"{max(savers.stale_seconds, default=0):.2f}s/{savers.looks}"}

    tell(row)
    row.assert_holds()
    assert row.ambiguous == 0
    assert savers.looks > 100
    assert max(savers.stale_seconds, default=0) <= ACCOUNT_SECONDS_MAX


async def test_f5c_a_reader_that_is_overtaken_puts_back_nothing_old(redis_url: str, tell: Tell) -> None:
    row, dice = Row(name="F5c"), random.Random(SEED)
    connection = RedisConnection(redis_url, answer_seconds_max=5)
    cache, books = RedisAccountCache(connection), InMemoryBooks()
    alice, ledger = await a_person(books), BatchingLedger(books.ledger, before_answers=WriteThrough(cache))
    repository = _Paused(books.wallets.account)
    wallets = Wallets(
        repository,  # type: ignore[arg-type] # a reader of balances asks for no more
        cache,
        granted={"USD": granted_caps()},
        wallets_max=1,
        ids=new_id,
        clock=system_clock,
    )
    key, stale_after_loss, left = f"balance:{alice.wallet_id}:USD", 0, 0

    for number in range(INTERLEAVINGS):
        is_lost = number % 4 == 3
        await connection.ask("DEL", key)
        repository.gate.clear()
        reader = asyncio.create_task(wallets.balance(owner(alice), alice.wallet_id, "USD"))
        await repository.has_read.wait()
        moved = (await ledger.post([a_deposit(alice, amount=1) for _ in range(dice.randint(1, 3))]))[-1].accounts
        if is_lost:
            await connection.ask("FLUSHDB")
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        repository.gate.set()
        await reader
        newest = next(account for account in moved if account.id == alice.id)
        kept = await cache.get(*alice.key)
        is_stale = kept is not None and kept.revision < newest.revision
        row.operations += 1
        row.faults += is_lost
        if is_lost:
            stale_after_loss += is_stale
            left = max(left, await connection.ask("PTTL", key))
        else:
            row.flipped += is_stale or kept is None
    row.figures |= {"stale_after_a_loss": stale_after_loss, "for_at_most": f"{left / 1000:.2f}s"}
    await connection.close()

    tell(row)
    row.assert_holds()
    assert stale_after_loss > 0
    assert left <= ACCOUNT_SECONDS_MAX * 1000


class _Paused:
    """Reads an account from the books, and hands it on when the gate opens."""

    def __init__(self, read: Callable[[UserId, WalletId, str | None], Awaitable[Account | None]]) -> None:
        self._read = read
        self.gate = asyncio.Event()
        self.has_read = asyncio.Event()

    async def account(self, user_id: UserId, wallet_id: WalletId, currency: str | None) -> Account | None:
        account = await self._read(user_id, wallet_id, currency)
        self.has_read.set()
        await self.gate.wait()
        self.has_read.clear()
        return account


@asynccontextmanager
async def _savers(service: Service) -> AsyncIterator[Savers]:
    async with Api.at(service.url) as here, Api.at(service.url) as there:
        savers = Savers([await here.person("saver") for _ in range(SAVERS)], [here, there])
        async with savers.at_work():
            yield savers


async def _disturb(stage: Stage, name: str) -> None:
    match name:
        case "refused":
            await asyncio.to_thread(stage.cache_wire.refuse)
        case "black hole":
            stage.cache_wire.toxics = SILENT
        case "slow":
            stage.cache_wire.toxics = SLOW
        case "frozen":
            await stage.valkey.freeze()


async def _mend(stage: Stage, name: str) -> None:
    match name:
        case "refused":
            await asyncio.to_thread(stage.cache_wire.accept)
        case "frozen":
            await stage.valkey.thaw()
        case _:
            stage.cache_wire.toxics = HEALTHY


async def _be_small(cache: "redis.asyncio.Redis", seconds: int) -> int:
    """Leave room for a few keys only; how many were pushed out."""
    evicted_before = (await cache.info("stats"))["evicted_keys"]
    used = (await cache.info("memory"))["used_memory"]
    await cache.config_set("maxmemory", used + 100_000)
    try:
        for number in range(seconds * 100):
            await cache.set(f"filler:{number}", b"x" * 1_000)
            await asyncio.sleep(0.005)
    finally:
        await cache.config_set("maxmemory", "64mb")
    await cache.flushall()
    evicted = int((await cache.info("stats"))["evicted_keys"] - evicted_before)
    assert evicted > 0
    return evicted


def _attempts(workload: Workload) -> list[Attempt]:
    return [attempt for record in workload.records for attempt in record.attempts]


def _p99(attempts: Sequence[Attempt]) -> float:
    return percentile([each.ended - each.began for each in attempts], 0.99)
