"""What goes over the wires to PostgreSQL and Redis, counted where nobody can miscount it: on the wire."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from adapters.postgres.queries import SQL_DIRECTORY, load_queries
from tests.faults.proxy import HEALTHY, Proxy, proxy_to

_LATENCY_SECONDS: Final = 0.004
"""Of each way: who sends two things without waiting in between has sent both long before an answer arrives."""
_ENCRYPTION_REQUESTS: Final = (80877103, 80877104)
_NAMES: Final = {
    query.sql: f"{path.stem}.{query.name}"
    for path in (SQL_DIRECTORY / "queries").glob("*.sql")
    for query in load_queries(path.stem).values()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How often something was sent and its answer waited for, and how many statements or commands that were."""

    round_trips: int
    statements: int


class _Ear(Protocol):
    """Hears what a client sends over one connection, in pieces of any size."""

    def statements(self, sent: bytes) -> Iterator[str]:
        """The statements or commands that are complete with this piece."""
        ...


class Wire:
    """Counts what goes over all connections of one wire. `unasked` is what is done in the background."""

    def __init__(self, proxy: Proxy, new_ear: Callable[[], _Ear], unasked: frozenset[str]) -> None:
        self._proxy = proxy
        self._proxy.overhear = self._overhear
        self._new_ear = new_ear
        self._unasked = unasked
        self._ears: dict[object, _Ear] = {}
        self._waiting: dict[object, list[str]] = {}
        self._turns: list[list[str]] = []

    def clear(self) -> None:
        """Count anew from here."""
        self._proxy.toxics = replace(HEALTHY, latency_seconds=_LATENCY_SECONDS)
        self._turns = []

    @property
    def turns(self) -> list[list[str]]:
        """The round trips, each by the statements that it carried: none, where it only prepared some."""
        return [turn for turn in self._turns if not turn or not self._unasked.issuperset(turn)]

    @property
    def figures(self) -> Figures:
        """How many there were."""
        return Figures(round_trips=len(self.turns), statements=sum(map(len, self.turns)))

    def _overhear(self, link: object, data: bytes, is_request: bool) -> None:
        if not is_request:
            self._waiting.pop(link, None)
            return
        if link not in self._waiting:
            self._waiting[link] = []
            self._turns.append(self._waiting[link])
        if link not in self._ears:
            self._ears[link] = self._new_ear()
        self._waiting[link] += self._ears[link].statements(data)


@contextmanager
def wire_to_postgres(url: str, *, unasked: frozenset[str] = frozenset()) -> Iterator[tuple[Wire, str]]:
    """A wire that is listened to, and the URL that leads over it."""
    with proxy_to(url) as (proxy, url_through):
        yield Wire(proxy, _PostgresEar, unasked), url_through


@contextmanager
def wire_to_redis(url: str, *, unasked: frozenset[str] = frozenset()) -> Iterator[tuple[Wire, str]]:
    """A wire that is listened to, and the URL that leads over it."""
    with proxy_to(url) as (proxy, url_through):
        yield Wire(proxy, _RedisEar, unasked), url_through


class _PostgresEar:
    """Follows PostgreSQL's protocol, as far as it takes to know which statements are carried out."""

    def __init__(self) -> None:
        self._heard = b""
        self._has_begun = False
        self._prepared: dict[bytes, bytes] = {}
        self._bound = b""

    def statements(self, sent: bytes) -> Iterator[str]:
        """As _Ear.statements."""
        self._heard += sent
        while (message := self._next_message()) is not None:
            kind, content = message
            match kind:
                case b"P":
                    name, text, _ = content.split(b"\0", 2)
                    self._prepared[name] = text
                case b"B":
                    _, self._bound, _ = content.split(b"\0", 2)
                case b"E":
                    yield _name(self._prepared[self._bound])
                case b"Q":
                    yield _name(content.rstrip(b"\0"))

    def _next_message(self) -> tuple[bytes, bytes] | None:
        """The kind of the next message and its content, once it is complete. The first ones are of no kind."""
        head = 1 if self._has_begun else 0
        if len(self._heard) < head + 4:
            return None
        end = head + struct.unpack_from("!I", self._heard, head)[0]
        if len(self._heard) < end:
            return None
        kind, content, self._heard = self._heard[:head], self._heard[head + 4 : end], self._heard[end:]
        if not self._has_begun:
            self._has_begun = struct.unpack_from("!I", content)[0] not in _ENCRYPTION_REQUESTS
        return kind, content


class _RedisEar:
    """Follows the protocol of Redis: a command is a list of strings, each told with its length."""

    def __init__(self) -> None:
        self._heard = b""

    def statements(self, sent: bytes) -> Iterator[str]:
        """As _Ear.statements."""
        self._heard += sent
        while (command := self._next_command()) is not None:
            yield command

    def _next_command(self) -> str | None:
        head, line_end, rest = self._heard.partition(b"\r\n")
        if not line_end:
            return None
        words = []
        for _ in range(int(head.removeprefix(b"*"))):
            length, line_end, rest = rest.partition(b"\r\n")
            size = int(length.removeprefix(b"$")) if line_end else 0
            if not line_end or len(rest) < size + 2:
                return None
            words.append(rest[:size])
            rest = rest[size + 2 :]
        self._heard = rest
        return words[0].decode().upper()


def _name(statement: bytes) -> str:
    """The name that a statement has among our queries, or how it begins."""
    text = statement.decode()
    return _NAMES.get(text) or text.partition(";")[0].strip()
