"""The row that the others are held against: SQL alone, called by pgbench."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from benchmarks.books import Books
from benchmarks.children import plain_environment, run_program
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures, percentile
from benchmarks.processes import Kind, reaped_seconds
from benchmarks.usage import Meter
from entrypoints.embedded.wheels import postgres_install

_THREADS: Final = 2
"""Two did as well or better than one; more than there are processors take turns."""
_FEW: Final = 5
"""Transactions of each client, where there is no second for them: pgbench knows whole seconds alone."""
_SCRIPT: Final = Path(__file__).with_name("sql") / "baseline.pgbench"
# What pgbench --log writes for each transaction: client, number, microseconds, script, and when it ended.
_MICROSECONDS: Final = 2


def run_pgbench(
    books: Books, *, clients: int, people: int, seconds: float, run: int, meter: Meter, scratch: Path
) -> Figures:
    """Transfers between that many people for whole seconds; a few for less than one. `run` makes the keys new ones.

    Raises BenchFailed when a transaction failed.
    """
    folder = Path(tempfile.mkdtemp(dir=scratch))
    lasting = f"time={round(seconds)}" if seconds >= 1 else f"transactions={_FEW}"
    address = urlsplit(books.service_dsn)
    try:
        asyncio.run(meter.start())
        own = reaped_seconds()
        said = run_program(
            [
                str(postgres_install() / "bin" / "pgbench"),
                *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={_THREADS}"),
                *(f"--{lasting}", f"--file={_SCRIPT}", "--log", f"--log-prefix={folder / 'log'}"),
                *(f"--define=people={people}", "--define=n=0", f"--define=run={run}"),
                f"--host={address.hostname}",
                f"--port={address.port}",
                f"--username={unquote(address.username or '')}",
                books.database,
            ],
            cwd=folder,
            seconds=seconds,
            environment={**plain_environment(), "PGPASSWORD": unquote(address.password or "")},
        )
        own = reaped_seconds() - own
        used = asyncio.run(meter.stop())
        latencies = _latencies(folder)
    finally:
        shutil.rmtree(folder)
    if "number of failed transactions: 0 " not in said or not latencies:
        raise BenchFailed(f"pgbench met failures.\n{said}")
    return Figures(
        operations=len(latencies),
        seconds=_rate_seconds(said, len(latencies)),
        p50_ms=percentile(latencies, 50) / 1_000,
        p99_ms=percentile(latencies, 99) / 1_000,
        usage=used.with_cpu(Kind.GENERATOR, own),
    )


def _latencies(folder: Path) -> list[int]:
    """In microseconds, of every transaction."""
    return [
        int(line.split()[_MICROSECONDS])
        for log in folder.glob("log.*")
        for line in log.read_text(encoding="ascii").splitlines()
    ]


def _rate_seconds(said: str, operations: int) -> float:
    """How long it took by pgbench's own rate, which leaves out the time that connecting takes."""
    line = next(line for line in said.splitlines() if line.startswith("tps = "))
    return operations / float(line.split()[2])
