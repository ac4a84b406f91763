"""Past a number of requests at a time the next is sent away at once."""

import asyncio

import pytest
from aiohttp import web

from entrypoints.http import middlewares
from entrypoints.http.parsing import BodyLimits, read_body
from entrypoints.http.problems import json_response

REQUESTS_MAX = 3


@pytest.fixture
def let_go() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def client(aiohttp_client, let_go):
    async def slow(_: web.Request) -> web.Response:
        await let_go.wait()
        return json_response({"done": True})

    async def health(_: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    slow.__apispec__ = {"x-needs-database": True}

    async def reading(request: web.Request) -> web.Response:
        await read_body(request, BodyLimits(read_seconds=5))
        return json_response({"read": True})

    reading.__apispec__ = {"x-needs-database": True}
    app = web.Application()
    app.add_routes([web.get("/slow", slow), web.get("/healthz", health), web.post("/read", reading)])
    middlewares.setup(app, access_log=False, requests_max=REQUESTS_MAX)
    return await aiohttp_client(app)


async def test_one_more_than_may_be_is_told_to_come_back_and_the_others_are_served(client, let_go):
    working = [asyncio.create_task(client.get("/slow")) for _ in range(REQUESTS_MAX)]
    await asyncio.sleep(0.2)

    refused = await asyncio.wait_for(client.get("/slow"), 1)
    healthy = await asyncio.wait_for(client.get("/healthz"), 1)
    let_go.set()
    served = await asyncio.gather(*working)
    afterwards = await client.get("/slow")

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert (await refused.json())["code"] == "overloaded"
    assert healthy.status == 200
    assert [response.status for response in served] == [200] * REQUESTS_MAX
    assert afterwards.status == 200


async def test_bodies_that_trickle_in_take_no_room_from_others(client, let_go):
    let_go.set()
    trickling = []
    for _ in range(REQUESTS_MAX * 2):
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        trickling.append(writer)
    await asyncio.sleep(0.2)

    served = await asyncio.wait_for(client.get("/slow"), 1)
    for writer in trickling:
        writer.close()

    assert served.status == 200


async def test_bodies_on_their_way_have_a_bound_of_their_own(client):
    many = REQUESTS_MAX * 8
    trickling = []
    for _ in range(many):
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        trickling.append(writer)
    await asyncio.sleep(0.3)

    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    answer = await asyncio.wait_for(reader.readline(), 2)
    for each in [writer, *trickling]:
        each.close()

    assert answer.startswith(b"HTTP/1.1 503")
