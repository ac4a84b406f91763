"""Everything that a service leaves behind or passes on: what it logs, what its tables hold, what Redis is told."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import redis

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


async def rows_of(dsn: str) -> dict[tuple[str, str], str]:
    """All values of every column of every table, as one text each."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    try:
        found: dict[tuple[str, str], str] = {}
        for table in [row["tablename"] for row in await connection.fetch(_TABLES)]:
            for row in await connection.fetch(f'SELECT to_jsonb(t) AS row FROM "{table}" AS t'):
                for column, value in json.loads(row["row"]).items():
                    found[table, column] = f"{found.get((table, column), '')}\n{json.dumps(value, ensure_ascii=False)}"
        return found
    finally:
        await connection.close()


def keys_of(url: str) -> str:
    """Every key that Redis holds, and its value."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        return "\n".join(f"{key!r} {_value(client, key)!r}" for key in client.scan_iter("*"))


def _value(client: "redis.Redis", key: bytes) -> Any:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case b"none":
            return None
        case other:
            raise AssertionError(f"nothing here reads a {other!r}")


class Overheard:
    """Every command that a Redis was given while it was listened to, in its own words."""

    def __init__(self) -> None:
        self._said: list[bytes] = []

    def hear(self, said: bytes) -> None:
        self._said.append(said)

    def text(self) -> str:
        return b"".join(self._said).decode(errors="replace")


@contextmanager
def overheard(url: str) -> Iterator[Overheard]:
    """What Redis is told while the block runs."""
    parts, heard = urlsplit(url), Overheard()
    with socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=5) as connection:
        connection.sendall(b"MONITOR\r\n")
        assert connection.recv(64).startswith(b"+OK")
        connection.settimeout(None)

        def listen() -> None:
            while said := connection.recv(65_536):
                heard.hear(said)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield heard
        connection.shutdown(socket.SHUT_RDWR)
        listener.join(5)
