"""A cache may be wrong: readers may be shown it for a moment, and no decision is made from it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from wallet_core.ids import WalletId


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisAccountCache]:
    """The cache of the service, in other hands."""
    connection = RedisConnection(redis_url, answer_seconds_max=10)
    yield RedisAccountCache(connection)
    await connection.close()


@pytest.mark.parametrize("claimed", [0, 1_000_000_00])
async def test_a_cache_that_lies_about_a_balance_moves_no_money_and_stops_none(ada, bob, cache, claimed):
    known = await cache.get(WalletId(UUID(bob.wallet_id)), "USD")
    await cache.put([replace(known, balance=claimed, version=known.version + 1_000)])

    shown = await bob.balance()
    too_much = await bob.pay(ada, "20.01")
    all_of_it = await bob.pay(ada, "20.00")

    assert shown == f"{claimed / 100:.2f}"
    assert too_much.refused == (400, "insufficient_funds")
    assert (all_of_it.status, all_of_it.body["balance_after"]) == (201, "0.00")
    assert await ada.balance() == "520.00"
