"""Servers of a test's own, to be stopped, killed and frozen while requests are under way."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from entrypoints.embedded.ports import free_port
from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.valkey import EmbeddedValkey
from tests.services.servers import scratch_folder

T = TypeVar("T")


class Machine:
    """A server that comes back on the same port with the same data, if it keeps any.

    All starts and stops happen in one thread of its own: Linux ends a server when the thread that started it ends, and
    the event loop has requests to attend to.
    """

    def __init__(self, server: EmbeddedPostgres | EmbeddedValkey, thread: ThreadPoolExecutor) -> None:
        self._server = server
        self._thread = thread
        self._frozen: list[int] = []

    async def start(self) -> float:
        """Start it; the moment from which it took connections."""
        return await self._do(self._started)

    async def stop(self) -> None:
        """Have it shut down in its own order: PostgreSQL's fast shutdown, which ends whatever is under way."""
        await self._do(self._server.stop)

    async def kill(self) -> None:
        """SIGKILL to all its processes."""
        await self._do(self._kill)

    async def freeze(self) -> None:
        """Stop all its processes where they are: connections stay open and nothing answers."""
        self._frozen = self._processes()
        _signal(signal.SIGSTOP, self._frozen)

    async def thaw(self) -> float:
        """Let them go on; the moment from which they do."""
        self._thaw()
        return time.perf_counter()

    def shut_down(self) -> None:
        """Stop it in whatever state it is. From outside the event loop."""
        self._thread.submit(self._thaw).result()
        self._thread.submit(self._server.stop).result()

    async def _do(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    def _started(self) -> float:
        self._server.start()
        return time.perf_counter()

    def _kill(self) -> None:
        _signal(signal.SIGKILL, self._processes())
        # Only the server's own process is left to be waited for.
        self._server.stop()

    def _thaw(self) -> None:
        _signal(signal.SIGCONT, self._frozen)
        self._frozen = []

    def _processes(self) -> list[int]:
        """The server and its children. Reads Linux's /proc."""
        pid = self._server.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


@contextmanager
def own_postgres(place: Path | None = None) -> Iterator[tuple[Machine, str]]:
    """A PostgreSQL server, as durable as it is by default, and the DSN of its superuser.

    Its data lies in the place, which is on a disk where commits are to take as long as they do; else in memory.
    """
    folder_is = scratch_folder() if place is None else nullcontext(place)
    with ThreadPoolExecutor(1, "postgres") as thread, folder_is as folder:
        server = EmbeddedPostgres(folder, port=free_port())
        thread.submit(server.start).result()
        machine = Machine(server, thread)
        try:
            yield machine, server.dsn
        finally:
            machine.shut_down()
            server.wipe()


@contextmanager
def own_valkey() -> Iterator[tuple[Machine, str]]:
    """A Valkey server and its URL."""
    with ThreadPoolExecutor(1, "valkey") as thread, scratch_folder() as folder:
        server = EmbeddedValkey(folder, port=free_port())
        thread.submit(server.start).result()
        machine = Machine(server, thread)
        try:
            yield machine, server.url
        finally:
            machine.shut_down()


def _signal(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it went with the others
            continue
