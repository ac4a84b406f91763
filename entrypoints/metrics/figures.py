"""The figures of one process, by the names under which they are read.

Where several processes serve one port each keeps its own in a file, and whoever is asked adds them up: counters and
histograms of all that ever ran, gauges of those that live.
"""

import platform
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from entrypoints.http.measuring import method_of, route_of

_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

_OF_THE_LIVING: Final = "livesum"
"""A gauge of all processes is the sum of those that live."""


class Figures:
    """Everything that is counted, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = RequestFigures(registry)
        self.postings = Counter(
            "wallet_postings_total",
            "Movements that were decided, by what became of them",
            ["type", "outcome", "reason"],
            registry=registry,
        )
        self.batch_sizes = Histogram(
            "wallet_batch_size", "Movements that were committed together", buckets=_BATCH_SIZES, registry=registry
        )
        self.batch_seconds = Histogram(
            "wallet_batch_seconds", "From a batch's locks to its commit", buckets=_BATCH_SECONDS, registry=registry
        )
        self.batch_faults = Counter(
            "wallet_batch_faults_total", "Batches that met a fault", ["fault"], registry=registry
        )
        self.batches_in_flight = _gauge("wallet_batches_in_flight", "Batches that are being committed", registry)
        self.movements_waiting = _gauge("wallet_movements_waiting", "Movements that wait for their batch", registry)
        self.turned_away = Counter(
            "wallet_movements_turned_away_total", "Movements that found the queue full", registry=registry
        )
        self.cache_lookups = Counter(
            "wallet_cache_lookups_total", "Look-ups in the cache", ["cache", "outcome"], registry=registry
        )
        self.cache_failures = Counter(
            "wallet_cache_failures_total", "Calls to the cache that were not answered in time", registry=registry
        )
        self.cache_skipped = Counter(
            "wallet_cache_skipped_total", "Calls to the cache that were left out as too many failed", registry=registry
        )
        self.cache_breakers_open = _gauge(
            "wallet_cache_breakers_open", "Processes that leave the cache alone for now", registry
        )
        self.connections = Gauge(
            "wallet_database_connections",
            "Connections to PostgreSQL",
            ["pool", "state"],
            multiprocess_mode=_OF_THE_LIVING,
            registry=registry,
        )
        self.live_streams = _gauge("wallet_live_streams", "Streams of live updates that are open", registry)
        self.live_polls = Counter(
            "wallet_live_polls_total", "Times that a process looked what is new for its streams", registry=registry
        )
        self.live_dropped = Counter(
            "wallet_live_dropped_total", "Streams that were ended because nobody read them", registry=registry
        )
        self.loop_lag = Histogram(
            "wallet_event_loop_lag_seconds",
            "How much later than it should a process gets to what is due",
            buckets=_LAG_SECONDS,
            registry=registry,
        )
        self.processes = _gauge("wallet_processes", "Processes that serve", registry)
        self._build = Gauge(
            "wallet_build_info",
            "Which version this is",
            ["version", "python"],
            multiprocess_mode="livemax",
            registry=registry,
        )

    def say_version(self, version: str) -> None:
        """Tell which version is counted here."""
        self._build.labels(version, platform.python_version()).set(1)


class RequestFigures:
    """The Measures of HTTP. What a label leads to is looked up once, and then remembered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "wallet_http_request_seconds",
            "Answers, and how long they took",
            ["method", "route", "status"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._refusals = Counter(
            "wallet_http_refusals_total",
            "Requests that were refused, by the code",
            ["route", "code"],
            registry=registry,
        )
        self._logins = Counter(
            "wallet_logins_total", "Attempts to log in, by what became of them", ["outcome"], registry=registry
        )
        # As many as there are templates of paths, methods and statuses.
        self._known: dict[tuple[str, web.AbstractResource | None, int], Histogram] = {}

    def answered(self, method: str, resource: web.AbstractResource | None, status: int, seconds: float) -> None:
        """As Measures.answered."""
        known = self._known.get((method, resource, status))
        if known is None:
            known = self._seconds.labels(method_of(method), route_of(resource), str(status))
            # What has no route may have any method.
            if resource is not None:
                self._known[method, resource, status] = known
        known.observe(seconds)

    def refused(self, resource: web.AbstractResource | None, code: str) -> None:
        """As Measures.refused."""
        self._refusals.labels(route_of(resource), code).inc()

    def logged_in(self, outcome: str) -> None:
        """As Measures.logged_in."""
        self._logins.labels(outcome).inc()


def _gauge(name: str, meaning: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, meaning, multiprocess_mode=_OF_THE_LIVING, registry=registry)
