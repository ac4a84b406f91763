"""Who asks: a client that checks every answer, and people with tokens and wallets."""

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import jwt
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict
from yarl import URL

from entrypoints.http.wire import WireRunner
from tests.http.contract import Answer, Contract, contract_of

NOBODY: Final = "019a0000-0000-7000-8000-000000000000"
"""An id that nothing has."""
PASSWORD: Final = "correct horse battery"
JWT_SECRET: Final = "a secret for tests that is long enough"
_DELIVERY_SECONDS_MAX: Final = 10
_CODE: Final = re.compile(r"\b[0-9]{6}\b")
_LINK: Final = re.compile(r"#token=([A-Za-z0-9_-]{43})(?:\s|$)")
_ANYTHING: Final = re.compile("")

Query = Mapping[str, str] | Sequence[tuple[str, str]]


class Api:
    """Calls operations, and holds every answer against the published document."""

    def __init__(self, client: TestClient, contract: Contract) -> None:
        self.client = client
        self.contract = contract

    async def call(
        self,
        method: str,
        path: str | URL,
        body: object = None,
        *,
        raw: bytes | None = None,
        query: Query | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """The answer to a body that is written as JSON, or to the `raw` bytes that claim to be JSON."""
        sent = raw if body is None else json.dumps(body).encode()
        all_headers = CIMultiDict(headers)
        if token is not None:
            all_headers.setdefault("Authorization", f"Bearer {token}")
        if sent is not None:
            all_headers.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, data=sent, params=query, headers=all_headers) as response:
            is_stream = response.content_type == "text/event-stream"
            # A stream has no end to wait for; what it begins with comes at once.
            raw = await (response.content.readany() if is_stream else response.read())
            answer = Answer(status=response.status, headers=response.headers, raw=raw)
        self.contract.check(method, URL(path).raw_path, answer, body)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has logged in, and their default wallet."""

    api: Api
    id: str
    email: str
    token: str
    refresh_token: str
    wallet_id: str

    @property
    def session_id(self) -> str:
        """The id of their session, as their token has it."""
        claims: dict[str, str] = jwt.decode(self.token, options={"verify_signature": False})
        return claims["sid"]

    def own(self, path: str = "") -> str:
        """A path under their wallet."""
        return f"/wallets/{self.wallet_id}{path}"

    async def ask(self, method: str, path: str | URL, body: object = None, **options: Any) -> Answer:
        """Call an operation."""
        return await self.api.call(method, path, body, token=self.token, **options)

    async def get(self, path: str | URL, **options: Any) -> Answer:
        """Read."""
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        """Call an operation that moves no money, or moves it without a key."""
        return await self.ask("POST", path, body, **options)

    async def move(self, path: str, body: object, key: str | None = None) -> Answer:
        """Move money under an idempotency key, a new one if none is given."""
        return await self.post(path, body, headers={"Idempotency-Key": key or uuid4().hex})

    async def add_funds(self, amount: str, **more: str) -> Answer:
        """Add funds to their wallet."""
        return await self.move(self.own("/add-funds"), {"amount": amount, **more})

    async def withdraw(self, amount: str, key: str | None = None, **more: str) -> Answer:
        """Withdraw from their wallet."""
        return await self.move(self.own("/withdraw"), {"amount": amount, **more}, key)

    async def pay(self, to: "Person | str", amount: str, key: str | None = None, **more: str) -> Answer:
        """Transfer from their wallet to another."""
        to_wallet_id = to.wallet_id if isinstance(to, Person) else to
        return await self.move(self.own("/transfer"), {"to_wallet_id": to_wallet_id, "amount": amount, **more}, key)

    async def open_wallet(self, **chosen: str) -> str:
        """The id of one more wallet."""
        opened = await self.post("/wallets", chosen)
        assert opened.status == 201, opened
        wallet_id: str = opened.body["id"]
        return wallet_id

    async def balance(self, wallet_id: str | None = None, **query: str) -> str:
        """What a wallet holds, theirs if none is named."""
        found = await self.get(f"/wallets/{wallet_id or self.wallet_id}/balance", query=query)
        assert found.status == 200, found
        balance: str = found.body["balance"]
        return balance

    async def history(self, **query: str) -> list[dict[str, Any]]:
        """The first page of what happened in all their wallets."""
        found = await self.get("/transactions", query=query)
        assert found.status == 200, found
        lines: list[dict[str, Any]] = found.body["data"]
        return lines


class _WireServer(TestServer):
    async def _make_runner(self, **options: Any) -> WireRunner:
        return WireRunner(self.app, **options)


async def client_of(app: web.Application, aiohttp_client: Callable[[TestServer], Awaitable[TestClient]]) -> Api:
    """A client of an application that is served as in production, down to the wire."""
    client = await aiohttp_client(_WireServer(app))
    document = await (await client.get("/openapi.json")).read()
    return Api(client, contract_of(document))


_NUMBERS = itertools.count(1)


def an_address() -> str:
    """An email address that nobody has."""
    return f"person-{next(_NUMBERS)}@example.com"


async def sign_up(api: Api, name: str, email: str | None = None, currency: str = "USD") -> Person:
    """A new person with a wallet and an address that is verified, logged in."""
    email = email or an_address()
    user = await api.call("POST", "/auth/signup", {"name": name, "email": email, "password": PASSWORD})
    assert user.status == 201, user
    tokens = await tokens_of(api, email)
    token: str = tokens["access_token"]
    await verify(api, token, email)
    wallet = await api.call("POST", "/wallets", {"currency": currency}, token=token)
    return Person(
        api=api,
        id=user.body["id"],
        email=email,
        token=token,
        refresh_token=tokens["refresh_token"],
        wallet_id=wallet.body["id"],
    )


async def verify(api: Api, token: str, address: str) -> None:
    """Give back the code that was sent to an address of theirs."""
    channel = "email" if "@" in address else "phone"
    code = await code_sent_to(api, address)
    answer = await api.call("POST", f"/me/{channel}/verify", {"code": code}, token=token)
    assert answer.status == 200, answer


async def code_sent_to(api: Api, address: str, *, number: int = 1) -> str:
    """The code that was sent to an address last, once there were so many."""
    return await _last_sent_to(api, address, _CODE, number)


async def token_sent_to(api: Api, address: str, *, number: int = 1) -> str:
    """The token of the link that was sent to an address last, once there were so many."""
    return await _last_sent_to(api, address, _LINK, number)


async def _last_sent_to(api: Api, address: str, form: re.Pattern[str], number: int) -> str:
    [text, *_] = await sent_to(api, address, holding=form, number=number)
    [found] = form.findall(text)
    assert isinstance(found, str)
    return found


async def sent_to(api: Api, address: str, *, holding: re.Pattern[str] = _ANYTHING, number: int = 1) -> list[str]:
    """What messages to an address say that hold such a thing, newest first, once there are so many: as the mailbox
    shows them."""
    async with asyncio.timeout(_DELIVERY_SECONDS_MAX):
        while True:
            async with api.client.get("/dev/mailbox/messages", params={"to": address}) as response:
                messages = (await response.json())["data"]
            found = [message["body"] for message in messages if holding.search(message["body"])]
            if len(found) >= number:
                return found
            await asyncio.sleep(0.01)


async def log_in(api: Api, email: str) -> str:
    """A fresh token of the person with that address, in a session of its own."""
    token: str = (await tokens_of(api, email))["access_token"]
    return token


async def tokens_of(api: Api, email: str) -> dict[str, Any]:
    """What the person with that address gets for logging in."""
    answer = await api.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    tokens: dict[str, Any] = answer.body
    return tokens
