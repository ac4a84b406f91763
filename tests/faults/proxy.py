"""A wire of our own before a server: it can be slow, cut, silent, and break at the moment that matters most."""

import asyncio
import random
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar
from urllib.parse import urlsplit

from entrypoints.embedded.ports import LOOPBACK

T = TypeVar("T")

_COMMIT = b"COMMIT;\x00"
COMMIT_MESSAGE = b"Q" + struct.pack("!I", 4 + len(_COMMIT)) + _COMMIT
_CHUNK_BYTES = 65_536
_HELD_POLL_SECONDS = 0.02
_CLOSE_SECONDS_MAX = 5.0
_RESET_INSTEAD_OF_GOODBYE = struct.pack("ii", 1, 0)


class Break(Enum):
    """Where the wire breaks around a commit: the client sees the first two alike."""

    BEFORE_THE_COMMIT_ARRIVES = auto()
    BEFORE_ITS_ANSWER_ARRIVES = auto()
    AFTER_ITS_ANSWER_ARRIVED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxics:
    """What is wrong with the wire. Seconds and bytes a second are those of each way.

    `hold_requests` and `hold_answers` are a black hole one way or the other: connections stay open, nothing arrives,
    and what was sent meanwhile arrives when it is over, as after a partition.
    """

    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    slice_bytes: int | None = None
    bytes_per_second: int | None = None
    hold_requests: bool = False
    hold_answers: bool = False


HEALTHY = Toxics()


class Proxy:
    """Passes bytes between clients and a server, in a thread of its own, so that it goes on whatever a test does.

    `toxics` may be set at any time. `break_at` is asked at each commit of PostgreSQL's; `commits` counts them and
    `breaks` those that broke. `overhear` is told what a client sent when it was sent, and what the server answered
    when that goes to the client, each with the connection and whether it is a request.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._links: set[_Link] = set()
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.toxics = HEALTHY
        self.break_at: Callable[[], Break | None] = _never
        self.overhear: Callable[[object, bytes, bool], None] = _ignore
        self.commits = 0
        self.breaks = 0

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def links(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def break_next(self, where: Break) -> None:
        """Break the next commit, and that one alone."""
        once = [where]

        def break_at() -> Break | None:
            return once.pop() if once else None

        self.break_at = break_at

    def reset(self) -> int:
        """End every connection with RST, on both sides; how many they were."""
        return self._do(self._reset())

    def refuse(self) -> None:
        """Take no more connections and end those that are open, as if nobody listened."""
        self._do(self._refuse())

    def accept(self) -> None:
        """Take connections on the same port again."""
        self._do(self._accept())

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """While the block runs."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        try:
            self.accept()
            yield self
        finally:
            self._do(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(_CLOSE_SECONDS_MAX)
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CLOSE_SECONDS_MAX)

    async def _accept(self) -> None:
        self._listener = socket.create_server((LOOPBACK, self.port), backlog=512)
        self._listener.settimeout(0)
        self.port = self._listener.getsockname()[1]
        # By hand: what asyncio's own server accepts while it is being closed belongs to nobody.
        self._loop.add_reader(self._listener, self._take_connection, self._listener)

    def _take_connection(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # whoever came has left
            return
        connection.settimeout(0)
        task = self._loop.create_task(self._connected(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self._reset()

    async def _reset(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    async def _close(self) -> None:
        await self._refuse()
        # Those that were accepted at the last moment have yet to become links.
        await asyncio.sleep(_HELD_POLL_SECONDS)
        while self._tasks:
            await self._reset()
            await asyncio.wait(self._tasks, timeout=_HELD_POLL_SECONDS)
        for _ in range(3):  # connections are closed a turn of the loop after they are let go
            await asyncio.sleep(0)

    async def _connected(self, connection: socket.socket) -> None:
        with connection:
            client = await asyncio.open_connection(sock=connection)
            try:
                upstream = await asyncio.open_connection(*self._server)
            except OSError:
                await _let_go(client[1])
                return
            try:
                # One end may be gone by now.
                with suppress(OSError):
                    await self._linked(client, upstream)
            finally:
                await _let_go(client[1], upstream[1])

    async def _linked(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        link = _Link(self, client, server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


class _Link:
    """One connection, from beginning to end."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client_reader, self._client = client
        self._server_reader, self._server = server
        self._answers: asyncio.Task[None] | None = None
        self._requests: asyncio.Task[None] | None = None
        self._is_breaking = False
        for writer in (self._client, self._server):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Until one side has had enough."""
        self._answers = asyncio.create_task(self._pass_on(self._server_reader, self._client, is_request=False))
        self._requests = asyncio.create_task(self._pass_requests_on())
        await asyncio.wait([self._answers, self._requests], return_when=asyncio.FIRST_COMPLETED)
        if self._is_breaking:
            await asyncio.wait([self._requests], timeout=_CLOSE_SECONDS_MAX)
        self._answers.cancel()
        self._requests.cancel()
        await asyncio.gather(self._answers, self._requests, return_exceptions=True)

    def reset(self) -> None:
        """End it with RST both ways."""
        for writer in (self._client, self._server):
            connection: socket.socket | None = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_INSTEAD_OF_GOODBYE)
            writer.transport.abort()

    async def _pass_requests_on(self) -> None:
        await self._pass_on(self._client_reader, self._server, is_request=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_request: bool) -> None:
        lane = _Lane(self._proxy, self, writer, is_request=is_request)
        delivering = asyncio.create_task(lane.deliver())
        try:
            while data := await reader.read(_CHUNK_BYTES):
                if is_request:
                    self._proxy.overhear(self, data, is_request)
                if is_request and data == COMMIT_MESSAGE:
                    self._proxy.commits += 1
                    where = self._proxy.break_at()
                    if where is not None:
                        self._proxy.breaks += 1
                        await self._break(where)
                        return
                lane.take(data)
                if delivering.done():
                    return
            await lane.drained()
        except OSError:
            return  # one end is gone; the other is told by closing it
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _break(self, where: Break) -> None:
        assert self._answers is not None
        self._is_breaking = True
        match where:
            case Break.BEFORE_THE_COMMIT_ARRIVES:
                self.reset()
            case Break.BEFORE_ITS_ANSWER_ARRIVES:
                self._answers.cancel()
                await asyncio.gather(self._answers, return_exceptions=True)
                self._server.write(COMMIT_MESSAGE)
                # Its answer says that it has been committed; nobody else will hear of that.
                await self._server_reader.read(_CHUNK_BYTES)
            case Break.AFTER_ITS_ANSWER_ARRIVED:
                self._server.write(COMMIT_MESSAGE)
                # Whatever comes next was sent by somebody who has the answer.
                await self._client_reader.read(_CHUNK_BYTES)


class _Lane:
    """One way of a connection: what was taken is delivered in order, as late and as slowly as the toxics want it."""

    def __init__(self, proxy: Proxy, link: _Link, writer: asyncio.StreamWriter, *, is_request: bool) -> None:
        self._proxy = proxy
        self._link = link
        self._writer = writer
        self._is_request = is_request
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._something = asyncio.Event()
        self._dice = random.Random(proxy.port)

    def take(self, data: bytes) -> None:
        """Deliver it when its time has come."""
        toxics = self._proxy.toxics
        delay = toxics.latency_seconds + self._dice.uniform(-1, 1) * toxics.jitter_seconds
        self._waiting.append((time.monotonic() + max(delay, 0.0), data))
        self._something.set()

    async def drained(self) -> None:
        """Return when everything is delivered."""
        while self._waiting:  # noqa: ASYNC110 - the end of a connection, not its life
            await asyncio.sleep(_HELD_POLL_SECONDS)

    async def deliver(self) -> None:
        """For as long as the connection lasts."""
        while True:
            while not self._waiting:
                self._something.clear()
                await self._something.wait()
            due, data = self._waiting[0]
            await asyncio.sleep(max(due - time.monotonic(), 0.0))
            while self._is_held():  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(_HELD_POLL_SECONDS)
            if not self._is_request:
                self._proxy.overhear(self._link, data, self._is_request)
            await self._write(data)
            self._waiting.popleft()

    def _is_held(self) -> bool:
        toxics = self._proxy.toxics
        return toxics.hold_requests if self._is_request else toxics.hold_answers

    async def _write(self, data: bytes) -> None:
        toxics = self._proxy.toxics
        size = toxics.slice_bytes or (_CHUNK_BYTES if toxics.bytes_per_second is None else 1_024)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            self._writer.write(part)
            await self._writer.drain()
            if toxics.bytes_per_second is not None:
                await asyncio.sleep(len(part) / toxics.bytes_per_second)


@contextmanager
def proxy_to(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy while the block runs, and the URL that leads through it."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    with Proxy((address.hostname, address.port)).running() as proxy:
        yield proxy, through(proxy, url)


def through(proxy: Proxy, url: str) -> str:
    """The same URL, by way of the proxy."""
    address = urlsplit(url)
    credentials, at, _ = address.netloc.rpartition("@")
    return address._replace(netloc=f"{credentials}{at}{proxy.address}").geturl()


async def _let_go(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
    await asyncio.gather(*[writer.wait_closed() for writer in writers], return_exceptions=True)


def _never() -> Break | None:
    return None


def _ignore(_link: object, _data: bytes, _is_request: bool) -> None:
    pass
