"""The operations that an application serves, from its router, and requests for each that are in order.

What is tested of every operation is taken from here, so that one that is added is tested without being named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from tests.http.clients import NOBODY, PASSWORD
from tests.http.contract import Contract

# Where the document cannot say what makes sense together.
_GOOD_BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "lower_limits": {"currency": "USD", "transfer": {"daily": "50.00"}, "withdrawal": {"monthly": "50.00"}},
    "change_wallet": {"name": "Renamed"},
    "mark_read": {"ids": [NOBODY]},
    "choose_preferences": {"data": [{"kind": "transfer.received", "mail": False}]},
    "grant_limits": {"currency": "USD", "transfer": {"daily": "50.00"}, "reason": "Asked for"},
}
_KNOWN: Final = {"password": PASSWORD, "current_password": PASSWORD, "new_password": PASSWORD}
"""What makes sense under these names wherever they stand."""
_NOT_TOGETHER: Final = {"transfer": ("to",), "log_in": ("code", "mfa_token"), "end_sessions_of": ("session_id",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as it is served and published."""

    name: str
    method: str
    path: str
    published: Mapping[str, Any]
    contract: Contract

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, **ids: str) -> str:
        """Its path with those ids in it, and that of nothing where none is given."""
        return re.sub(r"\{(\w+)\}", lambda part: ids.get(part[1], NOBODY), self.path)

    @property
    def is_open(self) -> bool:
        """Whether it needs no token."""
        return not self.published.get("security")

    @property
    def body_schema(self) -> Mapping[str, Any] | None:
        """The schema of its body, where it takes one."""
        taken = self.published.get("requestBody")
        return None if taken is None else self._resolved(taken["content"]["application/json"]["schema"])

    @property
    def query(self) -> Mapping[str, Mapping[str, Any]]:
        """The schemas of its query's parameters by their names."""
        parameters = self.published.get("parameters", ())
        return {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}

    def members(self) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """Where each plain value of its body stands, nested ones included, and that value's schema."""
        yield from self._members((), self.body_schema or {})

    def good_body(self, **known: Any) -> dict[str, Any] | None:
        """A body with a sensible value in each of its fields; `known` gives those that only the test knows."""
        schema = self.body_schema
        if schema is None:
            return None
        if self.name in _GOOD_BODIES:
            return dict(_GOOD_BODIES[self.name])
        left_out = _NOT_TOGETHER.get(self.name, ())
        return {
            name: known.get(name) or _KNOWN.get(name) or _sensible(each)
            for name, each in schema.get("properties", {}).items()
            if name not in left_out
        }

    def _members(
        self, place: tuple[str, ...], schema: Mapping[str, Any]
    ) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        for name, each in schema.get("properties", {}).items():
            resolved = self._resolved(each)
            if "properties" in resolved:
                yield from self._members((*place, name), resolved)
            else:
                yield (*place, name), resolved

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in schema:
            return schema
        named: Mapping[str, Any] = self.contract.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return named


def operations_of(app: web.Application, contract: Contract) -> list[Operation]:
    """Every operation in the router, its twins under /v1 left out. Raises KeyError for one that is not published."""
    found = []
    for route in app.router.routes():
        path = "" if route.resource is None else route.resource.canonical
        if route.method == "HEAD" or path.startswith("/v1/") or not hasattr(route.handler, "__apispec__"):
            continue
        published = contract.document["paths"][path][route.method.lower()]
        found.append(
            Operation(
                name=route.handler.__name__, method=route.method, path=path, published=published, contract=contract
            )
        )
    return found


def is_amount(schema: Mapping[str, Any]) -> bool:
    """Whether the value is an amount of money as it is sent."""
    return schema.get("type") == ["string", "number"]


def placed(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """An object that holds the value in that place alone."""
    for name in reversed(place):
        value = {name: value}
    return dict(value)


def _sensible(schema: Mapping[str, Any]) -> Any:
    match schema:
        case {"examples": [example, *_]} | {"example": example} | {"enum": [example, *_]}:
            return example
        case {"format": "uuid"}:
            return NOBODY
        case {"type": "boolean"}:
            return True
        case {"type": "integer", "minimum": least}:
            return least
        case _:
            return "sandbox" if schema.get("maxLength") == 40 else "anything at all"
