"""What one run of a row measured, and what many runs of it come to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.processes import Kind
from benchmarks.usage import Usage

_PATIENCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One run: how many operations in how many seconds, latencies in milliseconds, what it used."""

    operations: int
    seconds: float
    p50_ms: float
    p99_ms: float
    usage: Usage

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds

    @property
    def cpu_per_thousand(self) -> dict[Kind, float]:
        """CPU seconds that a thousand operations took."""
        return {kind: seconds / self.operations * 1_000 for kind, seconds in self.usage.cpu_seconds.items()}

    @property
    def wal_per_operation(self) -> float:
        """Bytes of the write-ahead log that an operation took."""
        return self.usage.wal_bytes / self.operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure that was measured once in each round."""

    rounds: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.rounds)

    @property
    def lowest(self) -> float:
        """The lowest of the rounds."""
        return min(self.rounds)

    @property
    def highest(self) -> float:
        """The highest of the rounds."""
        return max(self.rounds)


async def lasting(seconds: float, latencies: Sequence[float]) -> None:
    """Return after that time, or when there is anything at all: the first answer may take longer than a short row."""
    await asyncio.sleep(seconds)
    until = time.monotonic() + _PATIENCE_SECONDS
    while not latencies and time.monotonic() < until:  # noqa: ASYNC110 - filled by what knows of no event
        await asyncio.sleep(_POLL_SECONDS)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of all are not above; zero when there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] if ordered else 0.0
