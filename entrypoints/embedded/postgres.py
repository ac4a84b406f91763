"""PostgreSQL 18 from a wheel: one server on 127.0.0.1, its data in a folder, its life tied to ours."""

import shutil
import signal
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from entrypoints.embedded.cluster import SUPERUSER, Cluster
from entrypoints.embedded.ports import LOOPBACK, free_port
from entrypoints.embedded.process import ServerFailed, ServerProcess, StopStep
from entrypoints.embedded.quarters import quarters_for
from entrypoints.embedded.wheels import postgres_install

_START_SECONDS_MAX = 30.0
_PREDECESSOR_SECONDS_MAX = 2.0
_RETRY_SECONDS = 0.2
# Fast shutdown (open transactions are rolled back, a checkpoint is written), then immediate.
_STOP_STEPS = (
    StopStep(signal=signal.SIGINT, seconds_max=10.0),
    StopStep(signal=signal.SIGQUIT, seconds_max=5.0),
)


class EmbeddedPostgres:
    """A PostgreSQL server of our own, reached over TCP on the loopback with a password made for it.

    The cluster is made at the first start (UTF8, C locale, scram-sha-256) and kept: a second start finds its data.
    `settings` are server settings for this run; without them the server is as durable as PostgreSQL is by default.
    Start it from a thread that outlives it (the main one).
    """

    def __init__(self, home: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self._home = home.resolve()
        self._wanted_port = port
        self._settings = dict(settings or {})
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
    def dsn(self) -> str:
        """How the superuser reaches the database `postgres`. Raises ServerFailed when the server does not run."""
        return self.dsn_of("postgres")

    @property
    def port(self) -> int:
        """The port it listens on. Raises ServerFailed when the server does not run."""
        if self._port is None:
            raise ServerFailed("PostgreSQL does not run")
        return self._port

    @property
    def pid(self) -> int:
        """The server's process id. Raises ServerFailed when it does not run."""
        if self._process is None:
            raise ServerFailed("PostgreSQL does not run")
        return self._process.pid

    @property
    def place(self) -> Path:
        """Where data, password and log lie: the home, or a folder under /var/tmp where root could do no better."""
        return self._cluster.quarters.place

    def dsn_of(self, database: str, *, user: str = SUPERUSER, password: str | None = None) -> str:
        """How that user reaches that database; no password means the superuser's."""
        secret = self._cluster.password() if password is None else password
        return (
            f"postgresql://{quote(user, safe='')}:{quote(secret, safe='')}"
            f"@{LOOPBACK}:{self.port}/{quote(database, safe='')}"
        )

    def start(self, seconds_max: float = _START_SECONDS_MAX) -> None:
        """Start the server, making the cluster if there is none, and wait until it accepts connections.

        A lock file left by a killed run is no obstacle. Raises ServerFailed, with the end of the server's log, when
        another server runs on the same data, the port is taken, or it is not ready after `seconds_max`.
        """
        if self._process is not None:
            raise ServerFailed(f"PostgreSQL runs already (process {self.pid})")
        deadline = time.monotonic() + seconds_max
        self._wait_for_predecessor()
        self._cluster.make(durable=self._settings.get("fsync") != "off")
        while True:
            try:
                self._start_on(self._wanted_port or free_port(), deadline)
            except ServerFailed as failure:
                if time.monotonic() > deadline or not self._may_pass(failure):
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def stop(self) -> None:
        """Stop the server within 25 seconds, politely at first. Stopping twice is no error."""
        process, self._process, self._port = self._process, None, None
        if process is not None:
            process.stop()

    def wipe(self) -> None:
        """Remove the data, the password and the log. Raises ServerFailed while a server runs on them."""
        self._wait_for_predecessor()
        self._cluster.wipe()
        if self.place != self._home:
            shutil.rmtree(self.place)
            # The next start claims its place under /var/tmp again.
            del self._cluster

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster(quarters=quarters_for(self._home, postgres_install()))

    def _wait_for_predecessor(self) -> None:
        """Give a server whose parent was killed the moment it needs to shut down; another one is there to stay."""
        deadline = time.monotonic() + _PREDECESSOR_SECONDS_MAX
        while (pid := self._cluster.live_server()) is not None:
            if time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL runs already on {self._cluster.data} (process {pid}): stop it first")
            time.sleep(_RETRY_SECONDS)
        self._cluster.clear_stale_lock()

    def _start_on(self, port: int, deadline: float) -> None:
        cluster = self._cluster
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            # TCP alone: a socket file would need a short path and a folder that both sides can reach.
            "unix_socket_directories": "",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = ServerProcess("PostgreSQL", log=cluster.log, run_as=cluster.quarters.run_as, stop_steps=_STOP_STEPS)
        process.start(
            [cluster.program("postgres"), "-D", str(cluster.data), *arguments],
            is_ready=cluster.accepts_connections,
            seconds_max=max(deadline - time.monotonic(), 1.0),
        )
        self._process, self._port = process, port

    def _may_pass(self, failure: ServerFailed) -> bool:
        """Whether another attempt can do better: a port chosen for us was snatched, or a killed server's last
        processes still hold its memory."""
        snatched = self._wanted_port is None and "Address already in use" in str(failure)
        return snatched or "pre-existing shared memory block" in str(failure)
