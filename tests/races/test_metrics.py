"""The figures of two processes, asked of either."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import aiohttp

from tests.http.figures import Figures
from tests.outages.patience import until
from tests.races.client import Api
from tests.races.serving import Service

_REQUESTS = 15
_MADE = {"method": "GET", "route": "/version", "status": "200"}


async def figures(api: Api) -> Figures:
    answer = await api.ask("GET", "/metrics")
    assert answer.status == 200, answer
    return Figures.read(answer.body.decode())


async def test_each_process_tells_what_both_have_counted(service: Service) -> None:
    async with AsyncExitStack() as stack:
        here, there = await service.clients_at_each_process(stack, 1)
        before = (await figures(here))("wallet_http_request_seconds_count", **_MADE)
        for api in (here, there):
            for _ in range(_REQUESTS):
                await api.ask("GET", "/version")
        alice = await here.person("alice", funds="5.00")
        await alice.by(there).add_funds("1.00")
        # What is looked at now and then is looked at by each process for itself.
        await asyncio.sleep(1)

        told = [await figures(api) for api in (here, there)]

    for found in told:
        assert found("wallet_http_request_seconds_count", **_MADE) - before == 2 * _REQUESTS
        assert found("wallet_postings_total", type="deposit", outcome="posted", reason="") >= 2
        assert found("wallet_processes") == 2
        assert sum(found("wallet_database_connections", pool="sessions", state=each) for each in ("idle", "busy")) == 2


async def test_a_process_that_died_is_still_counted_and_no_longer_lives(service: Service, api: Api) -> None:
    async with AsyncExitStack() as stack:
        clients = await service.clients_at_each_process(stack, 1)
        for each in clients:
            for _ in range(_REQUESTS):
                await each.ask("GET", "/version")
        before = (await figures(clients[0]))("wallet_http_request_seconds_count", **_MADE)
    workers = service.workers()

    os.kill(min(workers), signal.SIGKILL)

    async def is_replaced() -> bool:
        return len(service.workers()) == 2 and service.workers() != workers

    async def two_live() -> bool:
        try:
            return (await figures(api))("wallet_processes") == 2
        except aiohttp.ClientError:
            return False

    await until(is_replaced, seconds_max=20)
    await until(two_live, seconds_max=10)
    after = (await figures(api))("wallet_http_request_seconds_count", **_MADE)
    assert after >= before
