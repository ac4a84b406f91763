"""A wire between the service and PostgreSQL that breaks at the moment that matters: around a commit."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

from entrypoints.embedded.ports import LOOPBACK

_COMMIT = b"COMMIT;\x00"
_COMMIT_MESSAGE = b"Q" + struct.pack("!I", 4 + len(_COMMIT)) + _COMMIT
_CHUNK_BYTES = 65_536


class Break(Enum):
    """Where the wire breaks: the client sees the first two alike."""

    BEFORE_THE_COMMIT_ARRIVES = auto()
    BEFORE_ITS_ANSWER_ARRIVES = auto()
    AFTER_ITS_ANSWER_ARRIVED = auto()


@dataclass(slots=True)
class Wire:
    """Passes everything on, except that the next commit breaks its connection once `break_next` says where."""

    server: tuple[str, int]
    break_next: Break | None = None
    breaks: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from beginning to end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        server_reader, server_writer = await asyncio.open_connection(*self.server)
        back = asyncio.create_task(_pass_on(server_reader, writer))
        try:
            while data := await reader.read(_CHUNK_BYTES):
                if data == _COMMIT_MESSAGE and self.break_next is not None:
                    where, self.break_next = self.break_next, None
                    self.breaks += 1
                    await self._break(where, reader, server_writer, back)
                    return
                server_writer.write(data)
                await server_writer.drain()
        except ConnectionError:
            return
        finally:
            back.cancel()
            await asyncio.wait([back])
            for each in (writer, server_writer):
                each.close()

    async def _break(
        self,
        where: Break,
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        back: "asyncio.Task[None]",
    ) -> None:
        match where:
            case Break.BEFORE_THE_COMMIT_ARRIVES:
                return
            case Break.BEFORE_ITS_ANSWER_ARRIVES:
                back.cancel()
                await asyncio.wait([back])
                server.write(_COMMIT_MESSAGE)
                await asyncio.sleep(0.2)  # for the server to commit what nobody will hear of
            case Break.AFTER_ITS_ANSWER_ARRIVED:
                server.write(_COMMIT_MESSAGE)
                # Whatever comes next was sent by somebody who has the answer.
                await client.read(_CHUNK_BYTES)

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def wire_to(dsn: str) -> AsyncIterator[tuple[Wire, str]]:
    """The wire while the block runs, and the DSN that leads through it. It lives in the running event loop."""
    address = urlsplit(dsn)
    assert address.hostname is not None
    assert address.port is not None
    wire = Wire((address.hostname, address.port))
    async with await asyncio.start_server(wire.connect, LOOPBACK, 0) as listening:
        credentials = address.netloc.rpartition("@")[0]
        port = listening.sockets[0].getsockname()[1]
        try:
            yield wire, address._replace(netloc=f"{credentials}@{LOOPBACK}:{port}").geturl()
        finally:
            await wire.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
