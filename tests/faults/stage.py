"""The stage of these tests: two API processes, and proxies before a PostgreSQL and a Valkey of their own."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.faults.checker import check
from tests.faults.history import Row
from tests.faults.profile import SEED
from tests.faults.proxy import Proxy
from tests.faults.workload import Workload, people_at
from tests.outages.machines import Machine
from tests.races.client import Api
from tests.races.serving import Service, served
from tests.services.databases import run

_SECONDS_MAX = 20.0
_POLL_SECONDS_MAX = 1.5

_ENVIRONMENT = {
    "CURRENCIES": "USD,EUR",
    "TRANSFER_LIMITS": "USD=1000000.00/1000000.00,EUR=1000000.00/1000000.00",
    # Low enough to be met, so that there are refusals of more than one kind.
    "WITHDRAWAL_LIMITS": "USD=80.00/800.00,EUR=80.00/800.00",
    "ACCESS_TOKEN_SECONDS": "86400",
    "REQUIRE_DURABLE_DATABASE": "true",
}

_COMMITTING = """
    SELECT pid FROM pg_stat_activity
     WHERE usename = 'wallet_service' AND state = 'active' AND (query = 'COMMIT;' OR wait_event LIKE 'WAL%')
     LIMIT 1
"""
_ANY_BACKEND = "SELECT pid FROM pg_stat_activity WHERE usename = 'wallet_service' ORDER BY state LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The servers, the wires to them, and the addresses of both: `dsn` and `cache_url` lead past the proxies."""

    postgres: Machine
    valkey: Machine
    database_wire: Proxy
    cache_wire: Proxy
    dsn: str
    server_dsn: str
    cache_url: str
    wired_dsn: str
    wired_cache_url: str
    logs: Path

    @contextmanager
    def serving(self, name: str, *, port: int | None = None, **environment: str) -> Iterator[Service]:
        """Two API processes while the block runs."""
        with served(
            self.logs / f"{name}.log",
            database=self.wired_dsn,
            redis_url=self.wired_cache_url,
            port=port,
            **{**_ENVIRONMENT, **environment},
        ) as service:
            yield service

    @asynccontextmanager
    async def under_load(
        self, service: Service, row: Row, *, callers: int = 16, pause: float = 0.02, chapter: object = 0
    ) -> AsyncIterator[Workload]:
        """People at work while the block runs; then everything is asked for once more and held against the books."""
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Api.at(service.url)) for _ in range(2)]
            people = await people_at(clients[0])
            workload = Workload(people, clients, seed=f"{SEED}/{row.name}/{chapter}", callers=callers, pause=pause)
            workload.start()
            try:
                yield workload
            finally:
                await workload.stop()
            await check(row, workload, self.dsn)

    async def kill_a_backend(self) -> tuple[float, bool]:
        """SIGKILL to a backend, one that is committing if one can be met: the moment, and whether it was."""
        return await asyncio.to_thread(run, _kill_a_backend(self.server_dsn))


async def _kill_a_backend(dsn: str) -> tuple[float, bool]:
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        deadline = time.monotonic() + _POLL_SECONDS_MAX
        pid = None
        while pid is None and time.monotonic() < deadline:
            pid = await connection.fetchval(_COMMITTING)
        victim = pid if pid is not None else await connection.fetchval(_ANY_BACKEND)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
        return time.perf_counter(), pid is not None
    finally:
        connection.terminate()


def living(service: Service) -> list[int]:
    """The API processes that live, oldest first."""
    born: dict[int, int] = {}
    for pid in service.workers():
        try:
            state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            born[pid] = int(numbers[18])
    return sorted(born, key=born.__getitem__)


def dice_for(row: Row) -> random.Random:
    """The row's own dice."""
    return random.Random(f"{SEED}/{row.name}")
