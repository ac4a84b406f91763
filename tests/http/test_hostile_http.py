"""HTTP as no honest client speaks it, and what is told of a fault of our own: the contract's error, and never more."""

import asyncio
import io
import json
import logging

import pytest
import structlog

from entrypoints.log_setup import configure_logging
from tests.http.clients import PASSWORD

BODIES = {
    "a name twice": (b'{"email":"a@example.com","password":"x","password":"y"}', "application/json", 400),
    "101 levels": (b'{"email":' + b"[" * 101 + b"]" * 101 + b"}", "application/json", 400),
    "another type": (b'{"email":"a@example.com","password":"x"}', "text/plain", 415),
    "no type at all": (b'{"email":"a@example.com","password":"x"}', "x", 415),
    "no UTF-8": (b'{"email":"a@example.com","password":"\xff"}', "application/json", 400),
    "a NUL": (b'{"email":"a@example.com","password":"a\\u0000b"}', "application/json", 400),
    "a raw NUL": (b'{"email":"a@example.com","password":"a\x00b"}', "application/json", 400),
    "half a pair": (b'{"email":"a@example.com","password":"\\ud800"}', "application/json", 400),
}
HEADS = {
    "two lengths": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "length twice": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
    "a line break in a header": b"GET /me HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nSet-Cookie: b\rc\r\n\r\n",
    "a NUL in a header": b"GET /me HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x00b\r\n\r\n",
    "a folded header": b"GET /me HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET /me HTTP/1.1\r\nHost: x\r\nX-Request-Id : a\r\n\r\n",
    "chunks of no length": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
}
NOT_SERVED = ["TRACE", "PROPFIND", "OPTIONS", "DELETE", "GET"]
NOT_HTTP = ["BREW", "get", "P\xf6ST"]


@pytest.fixture
def log():
    """What the service writes into its log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def answer_to(api, raw: bytes) -> tuple[int, str, dict[str, object]]:
    """Status, head and body of the answer to bytes as they are."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(raw)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    length = int(next(line for line in head.split("\r\n") if line.lower().startswith("content-length")).split(": ")[1])
    body = await asyncio.wait_for(reader.readexactly(length), 5)
    writer.close()
    return int(head.split(" ")[1]), head, json.loads(body)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("path", ["/auth/login", "/auth/signup", "/v1/login"])
async def test_row_61_a_body_that_is_not_what_it_should_be_is_refused(api, path, kind):
    body, content_type, status = BODIES[kind]

    answer = await api.call("POST", path, raw=body, headers={"Content-Type": content_type})

    assert answer.status == status


async def test_row_61_a_megabyte_is_refused_before_it_is_sent(api):
    raw = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n{"

    status, head, body = await answer_to(api, raw)

    assert (status, body["code"]) == (413, "payload_too_large")
    assert "\r\nConnection: close\r\n" in head


@pytest.mark.parametrize("kind", HEADS)
async def test_row_62_a_head_that_can_be_read_in_two_ways_is_refused(api, kind):
    status, head, body = await answer_to(api, HEADS[kind])

    assert status == 400
    assert body["code"] in ("malformed_request", "malformed_json")
    assert "Set-Cookie" not in head


@pytest.mark.parametrize("method", NOT_SERVED)
async def test_row_62_a_method_that_is_not_served_is_told_so(api, method):
    raw = f"{method} /auth/login HTTP/1.1\r\nHost: x\r\nX-Mine: echo me\r\nConnection: close\r\n\r\n"

    status, head, body = await answer_to(api, raw.encode())

    assert (status, body["code"]) == (405, "method_not_allowed")
    assert "\r\nAllow: POST\r\n" in head
    assert "echo me" not in head + json.dumps(body)


@pytest.mark.parametrize("method", NOT_HTTP)
async def test_row_62_a_method_that_http_does_not_know_is_not_even_read(api, method):
    raw = f"{method} /auth/login HTTP/1.1\r\nHost: x\r\nX-Mine: echo me\r\nConnection: close\r\n\r\n"

    status, head, body = await answer_to(api, raw.encode("latin-1"))

    assert (status, body["code"]) == (400, "malformed_request")
    assert "echo me" not in head + json.dumps(body)


@pytest.mark.parametrize("given", ["a\tb", "a b", "é", "x" * 129, "%0d%0aSet-Cookie:a=b", "<script>"])
async def test_row_62_what_a_client_gives_itself_as_an_id_forges_no_header(api, given):
    raw = f"GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Request-Id: {given}\r\nConnection: close\r\n\r\n"

    _, head, body = await answer_to(api, raw.encode())

    assert given not in head
    assert f"X-Request-Id: {body['request_id']}\r\n" in head
    assert "Set-Cookie" not in head


async def test_row_70_a_fault_of_our_own_tells_the_client_its_id_and_the_log_the_rest(api, ada, owner, log):
    await owner.execute("ALTER TABLE transfer_limits RENAME COLUMN day TO daytime")

    status, body, headers = await fault(api, "GET", "/limits", headers={"Authorization": f"Bearer {ada.token}"})

    assert status == 500
    assert json.loads(body)["code"] == "internal"
    assert set(json.loads(body)) == {"error", "code", "status", "type", "detail", "request_id", "errors"}
    for inside in ("traceback", "asyncpg", "select", "column", "transfer_limits", ".py", "postgres", "line "):
        assert inside not in body.lower()
    [line] = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "unhandled"]
    assert line["request_id"] == json.loads(body)["request_id"] == headers["X-Request-Id"]
    assert line["user_id"] == ada.id
    assert "Traceback" in line["exception"]
    assert "UndefinedColumnError" in line["exception"]


async def test_row_70_what_the_database_says_of_somebody_is_not_passed_on(api, ada, owner, log):
    await owner.execute("ALTER INDEX users_email_key RENAME TO another_name")

    status, body, _ = await fault(
        api, "POST", "/auth/signup", json={"name": "Ada again", "email": ada.email, "password": PASSWORD}
    )

    assert status == 500
    assert "another_name" in log.getvalue()
    assert "another_name" not in body
    assert ada.email not in body + log.getvalue()


async def fault(api, method, path, **request):
    """A fault's answer, which no document tells of: its status, its body as it is, and its headers."""
    async with api.client.request(method, path, **request) as response:
        return response.status, await response.text(), response.headers
