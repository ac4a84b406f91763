"""The service as its operator runs it: a process of its own with two that serve, on a real port."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from entrypoints.embedded.ports import LOOPBACK, free_port
from tests.races.client import Api

PROJECT = Path(__file__).parents[2]
WORKERS = 2

_START_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 20.0
_LOG_CHARACTERS_SHOWN = 6_000
_ESTABLISHED = "01"

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "WALLET_ENV": "development",
    "REQUIRE_DURABLE_DATABASE": "false",
    "JWT_SECRET": "an example of 32 bytes or rather more",
    "PASSWORD_PEPPER": "an example of 32 bytes or rather more",
    "SEALING_KEYS": f"k1:{'5e' * 32}",
    "BCRYPT_COST": "4",
    "CURRENCIES": "USD",
    "TRANSFER_LIMITS": "USD=1000000.00/1000000.00",
    "WITHDRAWAL_LIMITS": "USD=1000000.00/1000000.00",
    # All tests come from one address, and those that share a Redis share what is counted there.
    "CLIENT_LIMITS": "login=1000000/60,signup=1000000/60,reset=1000000/60,code=1000000/60,message=1000000/60",
    "LOGINS_PER_ACCOUNT": "1000000",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running `serve --workers 2`, and the database it works on."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    database: str

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{LOOPBACK}:{self.port}"

    def log_text(self) -> str:
        """What it has logged so far."""
        return self.log.read_text()

    def workers(self) -> set[int]:
        """The processes that serve, by their ids. Reads Linux's /proc."""
        lines = map(json.loads, filter(None, self.log_text().splitlines()))
        return {line["pid"] for line in lines if line["event"] == "listening" and Path(f"/proc/{line['pid']}").exists()}

    def connections(self) -> dict[int, int]:
        """Which process holds the other end of each of our connections: its id by our port. Reads Linux's /proc."""
        ours = _established(self.port)
        return {ours[inode]: pid for pid in self.workers() for inode in _sockets(pid) if inode in ours}

    async def spread(self, api: Api, number: int) -> Counter[int]:
        """Open about that many connections, and say how many of them each process got."""
        await asyncio.gather(*[api.ask("GET", "/healthz") for _ in range(number)])
        ours, all_connections = set(api.ports()), self.connections()
        return Counter(pid for port, pid in all_connections.items() if port in ours)

    async def clients_at_each_process(self, stack: AsyncExitStack, number: int) -> list[Api]:
        """Clients of one connection each, so many at every process, open as long as the stack."""
        clients: dict[int, list[Api]] = {pid: [] for pid in self.workers()}
        while any(len(each) < number for each in clients.values()):
            client = await stack.enter_async_context(Api.at(self.url, connections_max=1))
            await client.ask("GET", "/healthz")
            (port,) = client.ports()
            clients[self.connections()[port]].append(client)
        return [client for each in clients.values() for client in each[:number]]

    def stop(self) -> int:
        """SIGTERM, unless it has ended already; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(_STOP_SECONDS_MAX)


@contextmanager
def served(
    log: Path, *, database: str, redis_url: str, port: int | None = None, **environment: str
) -> Iterator[Service]:
    """The service while the block runs; in the end it must stop in order, and never have met what it did not expect."""
    port = free_port() if port is None else port
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrypoints", "serve", "--workers", str(WORKERS)],
            cwd=PROJECT,
            env={**_ENVIRONMENT, "PORT": str(port), "DATABASE_URL": database, "REDIS_URL": redis_url, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, port, log, database)
    try:
        _wait_until_ready(service)
        yield service
        assert service.stop() == 0
        assert '"unhandled' not in service.log_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[Api]:
    """A client while the block runs. What the service logged meanwhile is shown where the test fails."""
    before = len(service.log_text())
    try:
        async with Api.at(service.url) as api:
            yield api
    finally:
        print(f"--- what the service logged\n{service.log_text()[before:][-_LOG_CHARACTERS_SHOWN:]}---")


def _wait_until_ready(service: Service) -> None:
    """Return once every process serves and says that it is ready."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    while len(service.workers()) < WORKERS:
        assert service.process.poll() is None, f"the service ended: {service.log_text()}"
        assert time.monotonic() < deadline, f"the service did not start: {service.log_text()}"
        time.sleep(0.05)
    with urllib.request.urlopen(f"{service.url}/readyz", timeout=5) as answer:
        assert answer.status == 200


def _established(port: int) -> dict[str, int]:
    """Our ports of the connections to that port, by the inode of the server's end."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {row[9]: _port(row[2]) for row in rows if row[3] == _ESTABLISHED and _port(row[1]) == port and row[9] != "0"}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _sockets(pid: int) -> Iterable[str]:
    for descriptor in _descriptors(pid):
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed in the meantime
            continue
        if target.startswith("socket:["):
            yield target.removeprefix("socket:[").rstrip("]")


def _descriptors(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # it ended in the meantime
        return []
