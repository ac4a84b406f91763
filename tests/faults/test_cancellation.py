"""F8: whoever is cancelled, wherever that is, leaves nothing behind, and what was committed is found by its key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar

import asyncpg
import pytest

from adapters.postgres.database import opened_pool
from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from adapters.redis.pages import RedisPageCache
from tests.contracts.postgres_books import PostgresBooks
from tests.faults.conftest import Tell
from tests.faults.history import Row
from wallet_core.clock import system_clock
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.caching import WriteThrough
from wallet_core.ledger.outcomes import Outcome
from wallet_core.testing.builders import GATEWAY, a_transfer, new_id
from wallet_core.testing.contracts.books import a_person, balances, owner
from wallet_core.testing.contracts.caches import an_account
from wallet_core.testing.gateways import RecordingGateway
from wallet_core.testing.ids import SequentialIds
from wallet_core.wallets.movements import Asked, Movements, Recipient

T = TypeVar("T")
Use: TypeAlias = Callable[[str], Awaitable[Outcome]]
"""A use case under an idempotency key."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

STEPS_MAX = 200
FUNDS = 100_000
ANSWER_SECONDS_MAX = 5.0


class CancelAtStep(Generic[T]):
    """Awaits something and has its task cancelled where it waits for the k-th time, just as Task.cancel does it."""

    def __init__(self, work: Awaitable[T], step: int) -> None:
        self._work = work
        self._step = step
        self.steps = 0

    def __await__(self) -> Generator[Any, Any, T]:
        inner: Generator[Any, Any, T] = self._work.__await__()  # type: ignore[assignment] # coroutines give one
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waiting_for = inner.send(value) if error is None else inner.throw(error)
            except StopIteration as done:
                result: T = done.value
                return result
            self.steps += 1
            if self.steps == self._step:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                value, error = (yield waiting_for), None
            except BaseException as raised:  # noqa: BLE001 - it is handed on
                error = raised


@dataclass(frozen=True, slots=True)
class Scene:
    """Two people, the ledger in both of its forms, and the use cases over the whole of it."""

    books: PostgresBooks
    pool: "asyncpg.Pool[asyncpg.Record]"
    batching: BatchingLedger
    uses: dict[str, Use]
    alice: Account
    bob: Account


@pytest.fixture
async def scene(database: str, redis_url: str) -> AsyncIterator[Scene]:
    connection = RedisConnection(redis_url, answer_seconds_max=ANSWER_SECONDS_MAX)
    async with opened_pool(database, size=3) as pool:
        books = PostgresBooks(pool, system_clock)
        await books.open()
        alice, bob = await a_person(books, balance=FUNDS), await a_person(books)
        batching = BatchingLedger(books.ledger, before_answers=WriteThrough(RedisAccountCache(connection)))
        gateway = RecordingGateway()
        movements = Movements(batching, books.wallets, gateways={GATEWAY: gateway}, payout_gateway=GATEWAY, ids=new_id)

        def asked(key: str) -> Asked:
            return Asked(user_id=owner(alice), wallet_id=alice.wallet_id, currency="USD", amount=1, key=key)

        async def bare(key: str) -> Outcome:
            return (await books.ledger.post([a_transfer(alice, bob, amount=1, key=key)]))[0]

        uses: dict[str, Use] = {
            "add_funds": lambda key: movements.add_funds(asked(key), gateway=GATEWAY),
            "withdraw": lambda key: movements.withdraw(asked(key), destination="bank"),
            "transfer": lambda key: movements.transfer(asked(key), to=Recipient(wallet_id=bob.wallet_id), note=None),
            "transfer_by_address": lambda key: movements.transfer(
                asked(key), to=Recipient(email="nobody@example.org"), note=None
            ),
            "postgres_ledger": bare,
        }
        yield Scene(books, pool, batching, uses, alice, bob)
        await batching.close()
    await connection.close()


@pytest.mark.parametrize("name", ["add_funds", "withdraw", "transfer", "transfer_by_address", "postgres_ledger"])
async def test_f8_a_use_case_that_is_cancelled_at_any_step_happens_once_or_not_at_all(
    scene: Scene, name: str, tell: Tell
) -> None:
    row, use = Row(name=f"F8 {name}"), scene.uses[name]
    committed = 0

    for step in range(1, STEPS_MAX):
        key = f"{name}-{step}"
        sweep = CancelAtStep(use(key), step)
        [ended] = await asyncio.gather(asyncio.ensure_future(_awaited(sweep)), return_exceptions=True)
        if sweep.steps < step:
            assert not isinstance(ended, BaseException), ended
            break
        row.faults += 1
        assert isinstance(ended, asyncio.CancelledError), ended
        row.leaks += await _leaks(scene)
        again = await use(key)
        committed += again.replayed
        row.retried += 1
        row.flipped += (await use(key)).transaction != again.transaction
    row.operations = row.faults + 1
    row.figures |= {"K": row.faults, "committed_while_cancelled": committed}
    row.findings = len(await scene.books.findings())

    moved = {"add_funds": 1, "transfer_by_address": 0}.get(name, -1) * row.operations
    row.doubled += (await balances(scene.books, scene.alice)) != [FUNDS + moved]
    tell(row)
    row.assert_holds()
    assert row.faults >= 1
    assert committed >= (name != "transfer_by_address")


async def test_f8_a_call_to_the_cache_that_is_cancelled_at_any_step_hands_nobody_a_strangers_reply(
    redis_url: str, tell: Tell
) -> None:
    row = Row(name="F8 redis")
    connection = RedisConnection(redis_url, answer_seconds_max=ANSWER_SECONDS_MAX, connections_max=2)
    accounts, pages = RedisAccountCache(connection), RedisPageCache(connection)
    ids = SequentialIds(first=500)
    people = [replace(an_account(balance=n), wallet_id=WalletId(ids()), version=n) for n in range(8)]
    await accounts.put(people)
    for person in people:
        await pages.put(str(person.wallet_id), str(person.wallet_id).encode())
    foreign = 0

    calls: dict[str, Callable[[Account], Awaitable[object]]] = {
        "get": lambda person: accounts.get(*person.key),
        "put": lambda person: accounts.put([person]),
        "page": lambda person: pages.get(str(person.wallet_id)),
        "put page": lambda person: pages.put(str(person.wallet_id), str(person.wallet_id).encode()),
        "ping": lambda _: connection.ping(),
    }
    for call in calls.values():
        for fresh in (False, True):
            for step in range(1, STEPS_MAX):
                if fresh:  # connecting is a part of the call
                    await connection.close()
                sweep = CancelAtStep(call(people[step % 8]), step)
                await asyncio.gather(asyncio.ensure_future(_awaited(sweep)), return_exceptions=True)
                if sweep.steps < step:
                    break
                row.faults += 1
                shown = await asyncio.gather(*[accounts.get(*person.key) for person in people])
                read = await asyncio.gather(*[pages.get(str(person.wallet_id)) for person in people])
                row.operations += len(people) * 2
                foreign += sum(each not in (None, person) for each, person in zip(shown, people, strict=True))
                foreign += sum(
                    each not in (None, str(person.wallet_id).encode())
                    for each, person in zip(read, people, strict=True)
                )
    row.figures |= {"K": row.faults, "foreign": foreign, "failed": connection.breaker.failures}
    await connection.close()

    tell(row)
    row.assert_holds()
    assert row.faults >= len(calls)
    assert foreign == 0
    assert connection.breaker.failures == 0


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def _leaks(scene: Scene) -> int:
    """Connections that are not given back, transactions that are open, and locks that are held."""
    for _ in range(100):
        busy = scene.pool.get_size() - scene.pool.get_idle_size()
        open_ones = 0 if busy else await scene.pool.fetchval(_LEFT_OPEN)
        if busy + open_ones == 0:
            return 0
        await asyncio.sleep(0.02)
    return int(busy + open_ones)


_LEFT_OPEN = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND (state LIKE 'idle in transaction%' OR state = 'active'))
         + (SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'transactionid') AND pid <> pg_backend_pid()
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
