"""What the people of these tests do, over HTTP alone."""

import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp.connector import AddrInfoType

SECONDS_MAX = 40.0
"""Longer than any answer may take: a test that measures how long they do must see the late ones too."""

_PASSWORD = "a long enough password"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """What kind of problem it is, if it is one."""
        code: str | None = self.json.get("code")
        return code

    @property
    def replayed(self) -> bool:
        """Whether it says that it is an earlier answer."""
        return self.headers.get("Idempotent-Replayed") == "true"


class Api:
    """Requests to one service. Nothing is tried again by itself."""

    def __init__(self, session: aiohttp.ClientSession, url: str, sockets: list[socket.socket]) -> None:
        self._session = session
        self._sockets = sockets
        self.url = url

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, *, connections_max: int = 0) -> AsyncIterator["Api"]:
        """A client while the block runs; by default with a connection for each request under way."""
        sockets: list[socket.socket] = []

        def make_socket(address: AddrInfoType) -> socket.socket:
            sockets.append(socket.socket(*address[:3]))
            return sockets[-1]

        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections_max, socket_factory=make_socket),
            timeout=aiohttp.ClientTimeout(total=SECONDS_MAX),
        ) as session:
            yield cls(session, url, sockets)

    def ports(self) -> list[int]:
        """Our ends of the connections that are open."""
        return [each.getsockname()[1] for each in self._sockets if each.fileno() >= 0]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        key: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Raises aiohttp.ClientError and TimeoutError when there is no answer."""
        all_headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if key is not None:
            all_headers["Idempotency-Key"] = key
        all_headers |= headers or {}
        began = time.perf_counter()
        async with self._session.request(method, f"{self.url}{path}", headers=all_headers, json=body) as response:
            content = await response.read()
            return Answer(
                status=response.status,
                body=content,
                headers=response.headers,
                seconds=time.perf_counter() - began,
            )

    async def sign_up(self, email: str) -> Answer:
        """Ask for an account."""
        body = {"name": email.partition("@")[0], "email": email, "password": _PASSWORD}
        return await self.ask("POST", "/auth/signup", body=body)

    async def person(self, name: str, *, funds: str | None = None) -> "Person":
        """Somebody new who is logged in and has a wallet, with funds in it where any are named."""
        email = f"{name}{next(_numbers)}@example.com"
        user = await self.sign_up(email)
        assert user.status == 201, user.body
        login = await self.ask("POST", "/auth/login", body={"email": email, "password": _PASSWORD})
        token = login.json["access_token"]
        wallet = await self.ask("POST", "/wallets", token=token, body={})
        assert wallet.status == 201, wallet.body
        person = Person(self, user.json["id"], token, wallet.json["id"])
        if funds is not None:
            assert (await person.add_funds(funds)).status == 201
        return person


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token and a wallet."""

    api: Api
    id: str
    token: str
    wallet_id: str

    def by(self, api: Api) -> "Person":
        """The same person at another client."""
        return Person(api, self.id, self.token, self.wallet_id)

    def at(self, wallet_id: str) -> "Person":
        """The same person with another of their wallets in hand."""
        return Person(self.api, self.id, self.token, wallet_id)

    async def open_wallet(self) -> Answer:
        """Ask for one more wallet."""
        return await self.api.ask("POST", "/wallets", token=self.token, body={})

    async def add_funds(self, amount: str, *, key: str | None = None) -> Answer:
        """Put money into the wallet."""
        return await self._post("add-funds", {"amount": amount}, key)

    async def transfer(self, to: "Person", amount: str, *, key: str) -> Answer:
        """Send money to somebody's wallet."""
        return await self._post("transfer", {"to_wallet_id": to.wallet_id, "amount": amount}, key)

    async def limit_transfers(self, daily: str) -> None:
        """Allow oneself no more than that a day."""
        answer = await self.api.ask("PUT", "/limits", token=self.token, body={"transfer": {"daily": daily}})
        assert answer.status == 200, answer.body

    async def show_balance(self) -> Answer:
        """Ask what the wallet holds."""
        return await self.api.ask("GET", f"/wallets/{self.wallet_id}/balance", token=self.token)

    async def balance(self) -> Decimal:
        """What the wallet holds."""
        shown = await self.show_balance()
        assert shown.status == 200, shown.body
        return Decimal(shown.json["balance"])

    async def _post(self, action: str, body: object, key: str | None) -> Answer:
        return await self.api.ask("POST", f"/wallets/{self.wallet_id}/{action}", token=self.token, key=key, body=body)
