"""Sessions while a server is away: nobody is let in on old knowledge, and nobody is logged out for it."""

import asyncio

import pytest

from tests.outages.conftest import Breakable
from tests.outages.patience import until
from tests.races.client import Api
from tests.races.serving import client_of
from tests.sessions.devices import Devices, seconds_let_in

SETTLED_SECONDS = 2.0


@pytest.mark.parametrize("end", ["killed", "frozen"])
async def test_an_end_is_known_within_a_second_while_the_cache_is_away(on_own_cache: Breakable, end: str) -> None:
    """Row 4 with its Redis down."""
    service, redis = on_own_cache.service, on_own_cache.machine
    async with client_of(service) as api:
        devices = Devices(api)
        pairs = [(mine, await devices.another(mine)) for mine in [await devices.new() for _ in range(3)]]
        for mine, other in pairs:
            assert await mine.is_let_in(api)
            assert await other.is_let_in(api)

        await (redis.kill() if end == "killed" else redis.freeze())
        try:
            out = [await mine.ask(api, "POST", "/auth/logout-all") for mine, _ in pairs]
            seconds = await asyncio.gather(*[seconds_let_in(other, api) for _, other in pairs])
        finally:
            await (redis.start() if end == "killed" else redis.thaw())

    print(f"{end}: let in for {max(seconds):.2f} s after the last answer")
    assert [answer.status for answer in out] == [204] * 3
    assert max(seconds) < 1


async def test_while_the_database_is_away_nobody_is_let_in_and_afterwards_everybody_is(
    on_own_database: Breakable,
) -> None:
    service, postgres = on_own_database.service, on_own_database.machine
    async with client_of(service) as api:
        device = await Devices(api).new()
        assert await device.is_let_in(api)

        await postgres.stop()
        await asyncio.sleep(SETTLED_SECONDS)
        meanwhile = [await device.ask(api) for _ in range(20)]
        health = await api.ask("GET", "/healthz")
        await postgres.start()
        await until(lambda: _is_served(api, device.access), seconds_max=20)

    assert {(answer.status, answer.code) for answer in meanwhile} == {(503, "unavailable")}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in meanwhile)
    assert max(answer.seconds for answer in meanwhile) < 8
    assert health.status == 200


async def _is_served(api: Api, token: str) -> bool:
    answer = await api.ask("GET", "/me", token=token)
    assert answer.status in (200, 503), answer
    return answer.status == 200
