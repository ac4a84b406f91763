"""What is not counted as it happens but looked at twice a second: how full things are, and how late the process is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import Counter

from entrypoints.metrics.figures import Figures

SAMPLE_SECONDS: Final = 0.5


class ConnectionPool(Protocol):
    """Connections to PostgreSQL."""

    def get_size(self) -> int:
        """How many are open."""
        ...

    def get_idle_size(self) -> int:
        """How many of them wait for something to do."""
        ...


class CountedCache(Protocol):
    """A cache that has counted since the start."""

    hits: int
    misses: int


class CallBreaker(Protocol):
    """What leaves a server alone that does not answer."""

    failures: int
    skipped: int

    @property
    def is_open(self) -> bool:
        """Whether it does."""
        ...


class BatchCount(Protocol):
    """How many batches are being committed."""

    in_flight: int


class CommandCount(Protocol):
    """How many commands are being committed."""

    under_way: int


class Entrance(Protocol):
    """How many commands are with the ledger, and were not let in."""

    inside: int
    turned_away: int


class Streams(Protocol):
    """Live updates, as they stand."""

    polls: int
    dropped: int

    @property
    def open_streams(self) -> int:
        """How many listen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is looked at."""

    pools: Mapping[str, ConnectionPool]
    caches: Mapping[str, CountedCache]
    breaker: CallBreaker | None
    batches: BatchCount
    committing: CommandCount
    entrance: Entrance
    streams: Streams


class Sampling:
    """Takes what its sources have come to into the figures. Belongs to one event loop."""

    def __init__(self, figures: Figures, sources: Sources) -> None:
        self._figures = figures
        self._sources = sources
        self._counted: dict[Counter, int] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look, time and again, while the block runs."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def sample(self) -> None:
        """Look now."""
        figures, sources = self._figures, self._sources
        figures.processes.set(1)
        figures.batches_in_flight.set(sources.batches.in_flight)
        figures.movements_waiting.set(max(sources.entrance.inside - sources.committing.under_way, 0))
        self._advance(figures.turned_away, sources.entrance.turned_away)
        for name, cache in sources.caches.items():
            self._advance(figures.cache_lookups.labels(name, "hit"), cache.hits)
            self._advance(figures.cache_lookups.labels(name, "miss"), cache.misses)
        if sources.breaker is not None:
            self._advance(figures.cache_failures, sources.breaker.failures)
            self._advance(figures.cache_skipped, sources.breaker.skipped)
            figures.cache_breakers_open.set(sources.breaker.is_open)
        for name, pool in sources.pools.items():
            idle = pool.get_idle_size()
            figures.connections.labels(name, "idle").set(idle)
            figures.connections.labels(name, "busy").set(pool.get_size() - idle)
        figures.live_streams.set(sources.streams.open_streams)
        self._advance(figures.live_polls, sources.streams.polls)
        self._advance(figures.live_dropped, sources.streams.dropped)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            self._figures.loop_lag.observe(max(loop.time() - due, 0))
            self.sample()

    def _advance(self, counter: Counter, total: int) -> None:
        """Bring a counter to what was counted elsewhere since the start."""
        counter.inc(total - self._counted.get(counter, 0))
        self._counted[counter] = total
