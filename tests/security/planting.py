"""Requests to every published operation with a canary wherever a secret or an address could stand."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.http.clients import NOBODY
from tests.http.contract import Contract
from tests.http.operations import Operation
from tests.security.canaries import Canaries

KEEPSAKE: Final = "keepsake"
"""What is kept on purpose, such as names, begins with it: finding it shows that whoever looks can see."""
_SECRETS: Final = ("password", "code", "token", "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is sent."""

    method: str
    path: str
    body: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def operations_in(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation that a document publishes."""
    contract = Contract(document)
    return [
        Operation(
            name=published["operationId"], method=method.upper(), path=path, published=published, contract=contract
        )
        for path, item in document["paths"].items()
        for method, published in item.items()
    ]


class Planter:
    """Makes them, for one operation after the other."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries

    def requests(self, operation: Operation, token: str, wallet_id: str) -> Iterator[Request]:
        """All for one operation: asked by nobody, by whoever has the token, and by whoever only says so."""
        path = operation.path.replace("{wallet_id}", wallet_id)
        bearer = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{KEEPSAKE}-{operation.name}"}
        what = str(operation)
        for headers in ({}, bearer, self._forged(what), self._basic(what)):
            yield self._one(operation, path, self._body(operation), headers)
        for body in self._broken_bodies(operation):
            yield self._one(operation, path, body, bearer)
        yield self._one(operation, path, self._body(operation), bearer | {"Content-Type": "text/plain"})
        yield self._elsewhere(operation, bearer)

    def _one(self, operation: Operation, path: str, body: bytes | None, headers: Mapping[str, str]) -> Request:
        return Request(
            method=operation.method,
            path=_filled(path),
            body=body,
            headers={"Content-Type": "application/json", **headers},
        )

    def _elsewhere(self, operation: Operation, headers: Mapping[str, str]) -> Request:
        """With canaries in the path, the query and the headers that anybody may send."""
        secret = self._canaries.secret
        what = f"{operation}, elsewhere"
        path = operation.path
        while "{" in path:
            before, _, rest = path.partition("{")
            path = before + secret(what) + rest.partition("}")[2]
        return Request(
            method=operation.method,
            path=path,
            body=None,
            query={"token": secret(what), "email": self._canaries.email(what), "cursor": secret(what)},
            headers={
                **headers,
                "Cookie": f"wallet_device={secret(what)}; session={secret(what)}",
                "Referer": f"https://wallet.example/reset#token={secret(what)}",
                "X-Forwarded-For": secret(what),
                "X-Api-Key": secret(what),
                "If-None-Match": f'"{secret(what)}"',
            },
        )

    def _forged(self, what: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._canaries.secret(what)}"}

    def _basic(self, what: str) -> dict[str, str]:
        pair = f"{self._canaries.email(what)}:{self._canaries.secret(what)}"
        return {"Authorization": f"Basic {self._canaries.learn(what, base64.b64encode(pair.encode()).decode())}"}

    def _body(self, operation: Operation) -> bytes | None:
        schema = operation.body_schema
        if schema is None:
            return None
        return json.dumps(operation.good_body(**self._values(operation, schema))).encode()

    def _values(self, operation: Operation, schema: Mapping[str, Any]) -> dict[str, str]:
        values, what = {}, str(operation)
        for name in schema.get("properties", {}):
            if any(part in name for part in _SECRETS):
                values[name] = self._canaries.secret(what)
            elif name in ("email", "to"):
                values[name] = self._canaries.email(what)
            elif name == "phone":
                values[name] = self._canaries.phone(what)
            elif name in ("name", "note"):
                values[name] = f"{KEEPSAKE} {operation.name}"
        return values

    def _broken_bodies(self, operation: Operation) -> Iterator[bytes]:
        """What is no body of that operation, in ways that are found out by one part after the other."""
        secret = self._canaries.secret
        what = f"{operation}, broken"
        yield f'{{"password":"{secret(what)}","email":"{self._canaries.email(what)}'.encode()
        yield json.dumps({secret(what): secret(what)}).encode()
        names = list((operation.body_schema or {}).get("properties", {})) or ["password"]
        yield json.dumps({name: [secret(what)] for name in names}).encode()
        yield json.dumps({name: secret(what) * 50 for name in names}).encode()
        yield json.dumps({name: f"{secret(what)}\x00" for name in names}).encode()
        yield json.dumps([secret(what)]).encode()
        yield b"\xff" + secret(what).encode()


def _filled(path: str) -> str:
    """The path of something that nobody has."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + NOBODY + rest.partition("}")[2]
    return path
