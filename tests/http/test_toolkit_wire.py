"""What aiohttp refuses below the application comes out in the same shape."""

import asyncio
import json

import jsonschema
import pytest
from aiohttp import web

from entrypoints.http import wire
from entrypoints.http.wire import WireRunner
from tests.http.toolkit_app import PROBLEM_SCHEMA, tiny_app


@pytest.fixture
async def port(unused_tcp_port_factory):
    runner = WireRunner(tiny_app(), access_log=None)
    await runner.setup()
    port = unused_tcp_port_factory()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield port
    await runner.cleanup()


async def answer_to(port, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), json.loads(body)


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_told_so_in_the_one_shape(port, raw):
    head, problem = await answer_to(port, raw)

    assert head.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert "aiohttp" not in head.lower()
    assert "X-Content-Type-Options: nosniff" in head
    assert problem["code"] == "malformed_request"
    jsonschema.validate(problem, PROBLEM_SCHEMA)


async def test_an_expectation_that_is_not_met_is_a_417_in_the_one_shape(port):
    head, problem = await answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\nExpect: money\r\nConnection: close\r\n\r\n")

    assert head.startswith("HTTP/1.1 417 ")
    assert "aiohttp" not in head.lower()
    assert problem["code"] == "expectation_failed"
    assert f"X-Request-Id: {problem['request_id']}" in head
    jsonschema.validate(problem, PROBLEM_SCHEMA)


async def test_a_proper_request_is_served_as_ever(port):
    head, table = await answer_to(port, b"GET /problems HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert head.startswith("HTTP/1.1 200 ")
    assert table["data"]


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_whose_head_does_not_arrive_in_time_is_not_waited_for(port, monkeypatch, beginning):
    monkeypatch.setattr(wire, "HEAD_SECONDS_MAX", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(beginning)

    answer = await asyncio.wait_for(reader.read(), 5)

    writer.close()
    assert answer == b""


async def test_a_connection_between_two_requests_is_waited_for_until_the_second_begins(port, monkeypatch):
    monkeypatch.setattr(wire, "HEAD_SECONDS_MAX", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"

    writer.write(request)
    first = await reader.readuntil(b"}")
    await asyncio.sleep(0.5)
    writer.write(request[:10])
    await asyncio.sleep(0.05)
    writer.write(request[10:])
    second = await reader.readuntil(b"}")
    writer.write(request[:10])
    rest = await asyncio.wait_for(reader.read(), 5)

    writer.close()
    assert first.startswith(b"HTTP/1.1 404 ")
    assert second.startswith(b"HTTP/1.1 404 ")
    assert rest == b""
