"""What a measurement uses of the machine: CPU time by kind of process, and what PostgreSQL writes ahead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import asyncpg

from benchmarks.processes import CpuMeter, Kind

_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds by kind of process, and bytes of the write-ahead log, images of whole pages included."""

    cpu_seconds: Mapping[Kind, float]
    wal_bytes: int

    def with_cpu(self, kind: Kind, seconds: float) -> "Usage":
        """The same, with what a process told of itself."""
        return replace(self, cpu_seconds={**self.cpu_seconds, kind: seconds})


NOTHING = Usage(cpu_seconds={}, wal_bytes=0)
"""Of what cannot be told apart from what others use."""


class Meter:
    """Counts it, of these trees of processes and of that server."""

    def __init__(self, roots: Mapping[Kind, Iterable[int]], postgres_dsn: str) -> None:
        self._cpu = CpuMeter(roots)
        self._postgres_dsn = postgres_dsn
        self._wal_before = 0

    async def start(self) -> None:
        """From now on."""
        self._wal_before = await _wal_position(self._postgres_dsn)
        self._cpu.start()

    async def stop(self) -> Usage:
        """What was used since the start."""
        cpu_seconds = self._cpu.stop()
        return Usage(cpu_seconds=cpu_seconds, wal_bytes=await _wal_position(self._postgres_dsn) - self._wal_before)


async def _wal_position(dsn: str) -> int:
    connection = await asyncpg.connect(dsn, command_timeout=_SECONDS_MAX)
    try:
        return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))
    finally:
        await connection.close()
