"""Every answer tells browsers what they may not do, whoever answers: a handler, the framework, or the wire below it."""

import asyncio
from typing import Final

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import PASSWORD, Api, client_of, sign_up
from tests.http.operations import operations_of

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
HSTS: Final = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
NOTHING_BUT_DATA: Final = "default-src 'none'; frame-ancestors 'none'"
RAW: Final = {
    "nonsense": b"nonsense\r\n\r\n",
    "two lengths": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an unmet expectation": b"GET /me HTTP/1.1\r\nHost: x\r\nExpect: money\r\nConnection: close\r\n\r\n",
    "too long a head": b"GET /me HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "no method": b"BREW /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a file": b"GET /docs/assets/start.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a page": b"GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a document": b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "the other document": b"GET /swagger.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "nothing there": b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a head alone": b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.fixture
async def behind_tls(environment, redis_url, aiohttp_client):
    """A service that people reach by TLS."""
    settings = Settings.from_environment(environment | {"REDIS_URL": redis_url, "PUBLIC_URL": "https://wallet.example"})
    async with opened_api(settings) as app:
        yield await client_of(app, aiohttp_client)


async def headers_of_answer(api: Api, raw: bytes) -> dict[str, str]:
    """The headers of the answer to those bytes, by their names in small letters; a name given twice is a mistake."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(raw)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    writer.close()
    lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
    headers = {name.lower(): value for name, _, value in lines}
    assert len(headers) == len(lines), head
    return headers


def assert_safe(headers: dict[str, str]) -> None:
    assert headers.items() >= ALWAYS.items()
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert not any(word in str(headers).lower() for word in ("aiohttp", "python", "uvloop"))
    assert headers.get("server", "wallet") == "wallet"
    assert "access-control-allow-origin" not in headers


async def test_row_63_every_operation_answers_with_them_whatever_it_answers(api, app, ada):
    answers = [
        await api.call(each.method, each.path.replace("{wallet_id}", ada.wallet_id), each.good_body(), token=token)
        for each in operations_of(app, api.contract)
        for token in (None, ada.token)
    ]

    assert len({answer.status for answer in answers}) > 4
    for answer in answers:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert_safe(headers)
        assert headers["content-security-policy"] == NOTHING_BUT_DATA
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", RAW)
async def test_row_63_so_does_what_no_operation_answers(api, kind):
    assert_safe(await headers_of_answer(api, RAW[kind]))


@pytest.mark.parametrize("kind", RAW)
async def test_row_63_behind_tls_browsers_are_told_to_stay_there(behind_tls, kind):
    headers = await headers_of_answer(behind_tls, RAW[kind])

    assert_safe(headers)
    assert headers.items() >= HSTS.items()


async def test_row_63_without_tls_nobody_is_told_to_stay_where_they_cannot_come_back_to(api):
    for raw in RAW.values():
        assert "strict-transport-security" not in await headers_of_answer(api, raw)


async def test_row_63_the_page_may_load_its_own_and_nothing_else(api):
    policy = (await headers_of_answer(api, RAW["a page"]))["content-security-policy"]

    sources = {directive.split()[0]: directive.split()[1:] for directive in policy.split("; ")}
    assert sources.pop("default-src") == ["'none'"]
    assert sources["script-src"] == ["'self'"]
    assert {source for each in sources.values() for source in each} <= {"'self'", "'none'", "data:"}


async def test_row_67_logging_out_clears_what_a_browser_has_kept(api):
    for path in ("/auth/logout", "/auth/logout-all"):
        person = await sign_up(api, "Ada")

        answer = await person.post(path)

        assert answer.status == 204
        assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


async def test_row_67_nothing_else_clears_anything(api, ada):
    login = await api.call("POST", "/auth/login", {"email": ada.email, "password": PASSWORD})

    for answer in (login, await ada.get("/me"), await api.call("POST", "/auth/logout")):
        assert "Clear-Site-Data" not in answer.headers
