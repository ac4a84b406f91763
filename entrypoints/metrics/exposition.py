"""The figures as text, for whoever asks: those of all processes, and what the database says of events."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from entrypoints.metrics.figures import Figures
from entrypoints.metrics.processes import registry_to_read
from wallet_core.faults import Unavailable
from wallet_core.notifications.outbox import EventBacklog

ASK_SECONDS_MAX: Final = 1.0
"""How long a reader waits for what the database has to say. It is left out then."""


class Exposition:
    """Answers `/metrics`."""

    def __init__(
        self, figures: Figures, sample: Callable[[], None], backlog: Callable[[], Awaitable[EventBacklog]]
    ) -> None:
        self._figures = figures
        self._sample = sample
        self._backlog = backlog
        self._one_at_a_time = asyncio.Lock()

    async def text(self) -> bytes:
        """The figures in Prometheus's own format."""
        async with self._one_at_a_time:
            backlog = await self._ask_for_backlog()
            self._sample()
            # Other processes' files are read, and hundreds of lines written: nobody else waits for that.
            return await asyncio.to_thread(self._written, backlog)

    async def _ask_for_backlog(self) -> EventBacklog | None:
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                return await self._backlog()
        except (Unavailable, TimeoutError):
            return None

    def _written(self, backlog: EventBacklog | None) -> bytes:
        text: bytes = generate_latest(registry_to_read(self._figures.registry))
        if backlog is None:
            return text
        registry = CollectorRegistry()
        registry.register(_BacklogFigures(backlog))
        return text + generate_latest(registry)


class _BacklogFigures(Collector):
    def __init__(self, backlog: EventBacklog) -> None:
        self._backlog = backlog

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "wallet_events_oldest_seconds",
            "How long ago the oldest event happened that is not relayed or not delivered",
            value=self._backlog.oldest_seconds,
        )
        yield GaugeMetricFamily(
            "wallet_events_not_relayed", "Events that nobody has looked at", value=self._backlog.not_relayed
        )
        yield GaugeMetricFamily(
            "wallet_deliveries_pending", "Deliveries that are to be made", value=self._backlog.pending
        )
        yield GaugeMetricFamily("wallet_deliveries_parked", "Deliveries that were given up", value=self._backlog.parked)
