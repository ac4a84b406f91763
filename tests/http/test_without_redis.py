"""Redis is disposable: never there, stopped midway or full of rubbish, every request is answered from the database."""

from collections.abc import Iterator

import pytest
import redis

from entrypoints.api import api as opened_api
from entrypoints.embedded.ports import free_port
from entrypoints.embedded.valkey import EmbeddedValkey
from entrypoints.settings import Settings
from tests.http.clients import Api, client_of, log_in, sign_up
from tests.services.servers import scratch_folder


@pytest.fixture
def own_redis() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be ill-treated; started again it has the same port."""
    with scratch_folder() as folder, EmbeddedValkey(folder, free_port()) as server:
        yield server


def settings_with(environment: dict[str, str], redis_url: str | None) -> Settings:
    return Settings.from_environment(environment | ({} if redis_url is None else {"REDIS_URL": redis_url}))


async def money_journey(api: Api) -> None:
    """Everything that a new person does, each answer checked for what it says."""
    carol, dan = await sign_up(api, "Carol"), await sign_up(api, "Dan")
    assert await log_in(api, carol.email)
    assert (await carol.add_funds("50.00")).body["balance_after"] == "50.00"
    assert await carol.balance() == "50.00"
    assert (await carol.pay(dan, "20.00", key="k")).body["balance_after"] == "30.00"
    assert (await carol.pay(dan, "20.00", key="k")).headers["Idempotent-Replayed"] == "true"
    assert (await carol.balance(), await dan.balance()) == ("30.00", "20.00")
    assert (await dan.pay(carol, "20.01")).refused == (400, "insufficient_funds")
    assert (await dan.withdraw("5.00")).body["balance_after"] == "15.00"
    assert (await dan.balance(), await dan.balance()) == ("15.00", "15.00")
    for _ in range(2):
        statuses = [(line["type"], line["status"]) for line in await dan.history()]
        assert statuses == [("withdraw", "COMPLETED"), ("transfer_out", "FAILED"), ("transfer_in", "COMPLETED")]
    assert (await dan.get("/limits")).body["withdrawal"]["daily"]["used"] == "5.00"
    assert (await dan.get("/wallets/total")).body["totals"][0]["balance"] == "15.00"


async def readiness(api: Api) -> tuple[int, str]:
    answer = await api.call("GET", "/readyz")
    return answer.status, answer.body["cache"]


async def test_a_service_without_a_redis_answers_everything(environment, aiohttp_client):
    async with opened_api(settings_with(environment, None)) as app:
        api = await client_of(app, aiohttp_client)

        await money_journey(api)

        assert await readiness(api) == (200, "off")


async def test_a_service_whose_redis_was_never_there_answers_everything(environment, aiohttp_client):
    async with opened_api(settings_with(environment, f"redis://127.0.0.1:{free_port()}/0")) as app:
        api = await client_of(app, aiohttp_client)

        await money_journey(api)

        assert await readiness(api) == (200, "unreachable")


async def test_a_redis_that_stops_midway_and_returns_changes_no_answer(environment, aiohttp_client, own_redis):
    async with opened_api(settings_with(environment, own_redis.url)) as app:
        api = await client_of(app, aiohttp_client)
        carol, dan = await sign_up(api, "Carol"), await sign_up(api, "Dan")
        await carol.add_funds("50.00")
        assert (await carol.balance(), len(await carol.history())) == ("50.00", 1)

        own_redis.stop()
        stopped = await readiness(api)
        paid = await carol.pay(dan, "20.00")
        after = (await carol.balance(), await dan.balance(), len(await carol.history()), len(await dan.history()))
        await money_journey(api)
        own_redis.start()

        assert stopped == (200, "unreachable")
        assert paid.body["balance_after"] == "30.00"
        assert after == ("30.00", "20.00", 2, 1)
        assert await readiness(api) == (200, "ok")
        assert (await carol.balance(), len(await carol.history())) == ("30.00", 2)
        await money_journey(api)


async def test_a_redis_that_was_flushed_or_filled_with_rubbish_changes_no_answer(
    environment, aiohttp_client, redis_url
):
    async with opened_api(settings_with(environment, redis_url)) as app:
        api = await client_of(app, aiohttp_client)
        carol, dan = await sign_up(api, "Carol"), await sign_up(api, "Dan")
        await carol.add_funds("50.00")
        await carol.pay(dan, "20.00")
        expected = (await carol.balance(), await carol.history())

        with redis.Redis.from_url(redis_url, socket_timeout=5) as kept:
            keys = list(kept.scan_iter("*"))
            for key in keys:
                kept.set(key, b"rubbish")
            with_rubbish = (await carol.balance(), await carol.history())
            kept.flushdb()
        flushed = (await carol.balance(), await carol.history())

        assert len(keys) >= 3
        assert with_rubbish == flushed == expected
