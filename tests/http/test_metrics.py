"""What the service counts of itself, and who may read it."""

import asyncio

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import NOBODY, PASSWORD, client_of
from tests.http.figures import Figures
from tests.http.test_live import quiet, stream_of

TOKEN = "a token for a Prometheus that is long enough"


async def figures(api, **options) -> Figures:
    answer = await api.call("GET", "/metrics", **options)
    assert answer.status == 200, answer
    return Figures.read(answer.raw.decode())


@pytest.fixture
async def guarded(environment, aiohttp_client):
    """A service whose operator gave a token."""
    async with opened_api(Settings.from_environment(environment | {"METRICS_TOKEN": TOKEN})) as app:
        yield await client_of(app, aiohttp_client)


async def test_requests_are_counted_by_the_template_of_their_path_and_never_by_the_path(api, ada, bob):
    for _ in range(3):
        await ada.pay(bob, "1.00")
    await ada.pay(bob, "1000000.00")
    await ada.get(f"/v1/wallets/{NOBODY}/balance")
    await api.call("GET", f"/nowhere/{NOBODY}")
    await api.call("POST", "/me")

    found = await figures(api)

    seconds, transfer = "wallet_http_request_seconds_count", "/wallets/{wallet_id}/transfer"
    assert found(seconds, method="POST", route=transfer, status="201") == 3
    assert found(seconds, method="POST", route=transfer, status="400") == 1
    assert found(seconds, method="GET", route="/wallets/{wallet_id}/balance", status="404") == 1
    assert found(seconds, method="GET", route="unmatched", status="404") == 1
    assert found("wallet_http_refusals_total", route=transfer, code="insufficient_funds") == 1
    assert found("wallet_http_refusals_total", route="unmatched", code="method_not_allowed") == 1
    assert all(personal not in found.text for personal in (ada.id, ada.wallet_id, NOBODY, ada.email, ada.token))
    assert {route for route in found.labels_of("route") if route.startswith("/v1")} == set()


async def test_whatever_methods_and_paths_are_made_up_there_are_no_more_figures(api):
    async def make_up(*methods: str) -> None:
        for method in methods:
            async with api.client.request(method, f"/{method}/healthz") as response:
                assert response.status == 404

    await make_up("PROPFIND")
    await figures(api)
    before = len((await figures(api)).samples)

    await make_up("LOCK", "MKCOL", "MOVE", "UNLOCK", "SEARCH", "REPORT", "MERGE")

    after = len((await figures(api)).samples)

    assert after == before


async def test_postings_are_counted_by_what_became_of_them(api, ada, bob):
    await ada.pay(bob, "1.00", key="once")
    await ada.pay(bob, "1.00", key="once")
    await ada.pay(bob, "1000000.00")
    await ada.withdraw("2.00")

    found = await figures(api)

    postings = "wallet_postings_total"
    assert found(postings, type="deposit", outcome="posted", reason="") == 2
    assert found(postings, type="transfer", outcome="posted", reason="") == 1
    assert found(postings, type="transfer", outcome="replayed", reason="") == 1
    assert found(postings, type="transfer", outcome="declined", reason="insufficient_funds") == 1
    assert found(postings, type="withdraw", outcome="posted", reason="") == 1
    assert found("wallet_batch_size_sum") == 6
    assert found("wallet_batch_seconds_count") == found("wallet_batch_size_count") == 6
    assert found("wallet_movements_waiting") == found("wallet_batches_in_flight") == 0


async def test_movements_that_come_together_are_one_batch(api, ada, bob):
    before = await figures(api)

    await asyncio.gather(*[ada.pay(bob, "0.10") for _ in range(40)])

    after = await figures(api)
    assert after("wallet_batch_size_sum") - before("wallet_batch_size_sum") == 40
    assert after("wallet_batch_size_count") - before("wallet_batch_size_count") < 40


async def test_the_cache_the_connections_and_the_log_ins_are_counted(api, ada):
    for _ in range(2):
        await ada.balance()
        await ada.history()
    wrong = await api.call("POST", "/auth/login", {"email": ada.email, "password": f"not {PASSWORD}"})

    found = await figures(api)

    lookups = "wallet_cache_lookups_total"
    assert found(lookups, cache="accounts", outcome="hit") == 2
    assert (found(lookups, cache="pages", outcome="miss"), found(lookups, cache="pages", outcome="hit")) == (1, 1)
    assert found("wallet_cache_breakers_open") == 0
    for pool in ("sessions", "ledger"):
        assert sum(found("wallet_database_connections", pool=pool, state=each) for each in ("idle", "busy")) >= 1
    assert wrong.refused == (401, "invalid_credentials")
    assert found("wallet_logins_total", outcome="let_in") == 1
    assert found("wallet_logins_total", outcome="invalid_credentials") == 1


async def test_streams_are_counted_and_are_no_answers_that_take_long(api, ada):
    async with stream_of(ada) as stream:
        await quiet(stream)
        found = await figures(api)

    assert found("wallet_live_streams") == 1
    assert found("wallet_live_polls_total") >= 1
    assert found("wallet_http_request_seconds_count", method="GET", route="/events", status="200") == 0


async def test_what_waits_to_be_told_and_the_version_are_there(api, ada):
    found = await figures(api)

    version = (await api.call("GET", "/version")).body["version"]
    assert version in found.labels_of("version")
    # Nobody relays events here.
    assert found("wallet_events_not_relayed") >= 1
    assert found("wallet_events_oldest_seconds") > 0
    assert found("wallet_deliveries_parked") == 0


async def test_without_a_token_only_who_is_on_this_machine_reads_them(api):
    """Row 73."""
    here = await api.call("GET", "/metrics")
    forwarded = [
        await api.call("GET", "/metrics", headers={name: "127.0.0.1"})
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")
    ]

    assert here.status == 200
    assert [answer.refused for answer in forwarded] == [(404, "not_found")] * 3


async def test_with_a_token_who_brings_it_reads_them_and_nobody_else(guarded):
    """Row 73."""
    brought = await guarded.call("GET", "/metrics", token=TOKEN)
    others = [
        await guarded.call("GET", "/metrics"),
        await guarded.call("GET", "/metrics", token=TOKEN[:-1]),
        await guarded.call("GET", "/metrics", token=f"{TOKEN} "[1:]),
        await guarded.call("GET", "/metrics", headers={"Authorization": TOKEN}),
    ]

    assert brought.status == 200
    assert [answer.refused for answer in others] == [(404, "not_found")] * 4
