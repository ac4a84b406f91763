"""Valkey goes away and comes back: every figure stays right, and nobody waits long."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
import redis.asyncio

from tests.outages.conftest import Breakable
from tests.outages.load import percentile
from tests.outages.patience import until
from tests.races.books import findings
from tests.races.client import Api, Person
from tests.races.serving import Service, client_of
from wallet_core.ledger.caching import ACCOUNT_SECONDS_MAX

PAYERS = 8
ROUNDS = 60
ADDED_SECONDS_MAX = 0.15
"""What the service waits for a cache that hangs is 0.05 s, once for a movement and twice for a read; then it leaves it
alone. The rest is for a machine that is busy with other tests."""


@pytest.fixture
async def api(on_own_cache: Breakable) -> AsyncIterator[Api]:
    async with client_of(on_own_cache.service) as api:
        yield api


@pytest.mark.parametrize("end", ["killed", "frozen"])
async def test_without_its_cache_the_service_answers_from_the_books(
    on_own_cache: Breakable, api: Api, end: str
) -> None:
    service, valkey = on_own_cache.service, on_own_cache.machine
    payers = [await api.person("payer", funds="1000.00") for _ in range(PAYERS)]
    shop = await api.person("shop")
    await service.spread(api, PAYERS * 2)

    before = await _pay_and_look(payers, shop, "before")
    await (valkey.kill() if end == "killed" else valkey.freeze())
    without = await _pay_and_look(payers, shop, "without")
    said = (await api.ask("GET", "/readyz")).json
    await (valkey.start() if end == "killed" else valkey.thaw())
    right_seconds, used_seconds = await _recovery(service, on_own_cache.url, payers)

    added = percentile(without, 0.99) - percentile(before, 0.99)
    print(
        f"{end}: p99 {percentile(before, 0.99) * 1000:.1f} ms before and {percentile(without, 0.99) * 1000:.1f} ms "
        f"without, longest {max(without) * 1000:.1f} ms; after its return every figure was right in "
        f"{right_seconds:.2f} s, and both processes used it again {used_seconds:.2f} s later"
    )
    assert said == {"ready": True, "database": "ok", "migrations": "ok", "cache": "unreachable"}
    assert added < ADDED_SECONDS_MAX
    assert right_seconds < ACCOUNT_SECONDS_MAX
    await _pay_and_look(payers, shop, "after")
    assert await shop.balance() == Decimal(3 * PAYERS * ROUNDS)
    assert await findings(service.database) == []


async def _pay_and_look(payers: Sequence[Person], shop: Person, phase: str) -> list[float]:
    """Each pays 1.00 many times and looks at the balance after each, which has to be right; how long requests took."""

    async def pay(payer: Person) -> list[float]:
        seconds = []
        for number in range(ROUNDS):
            paid = await payer.transfer(shop, "1.00", key=f"{phase}-{number}")
            shown = await payer.show_balance()
            assert (paid.status, shown.status) == (201, 200)
            assert shown.json["balance"] == paid.json["balance_after"]
            seconds += [paid.seconds, shown.seconds]
        return seconds

    return [seconds for each in await asyncio.gather(*map(pay, payers)) for seconds in each]


async def _recovery(service: Service, url: str, payers: Sequence[Person]) -> tuple[float, float]:
    """In how many seconds each process gives the right figures, and in how many more each fills the cache again.

    A cache that was only frozen still has what it knew before, for as long as it may.
    """
    expected = [Decimal(1000 - 2 * ROUNDS)] * len(payers)
    key = f"balance:{payers[0].wallet_id}:USD"
    right_seconds = used_seconds = 0.0
    async with AsyncExitStack() as stack:
        cache = await stack.enter_async_context(redis.asyncio.Redis.from_url(url, socket_timeout=5))
        for client in await service.clients_at_each_process(stack, 1):
            here = [payer.by(client) for payer in payers]

            async def is_right(here: Sequence[Person] = here) -> bool:
                return [await payer.balance() for payer in here] == expected

            async def is_used(payer: Person = here[0]) -> bool:
                await cache.delete(key)
                await payer.balance()
                return bool(await cache.exists(key))

            right_seconds += await until(is_right, seconds_max=ACCOUNT_SECONDS_MAX)
            used_seconds += await until(is_used, seconds_max=ACCOUNT_SECONDS_MAX)
    return right_seconds, used_seconds
