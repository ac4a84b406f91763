"""Spans of requests and of what they ask the database, by OpenTelemetry; needs the extra `otel`.

What leaves the process is a list of what may: no query of a URL, no header, no argument of a statement, and of an error
its kind alone, because PostgreSQL's words for one name the values that it is about.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import Status

_INSTRUMENTATION: Final = "opentelemetry.instrumentation"
_STATEMENT_LENGTH_MAX: Final = 500
_PLAIN: Final = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.scheme",
        "url.scheme",
        "http.status_code",
        "http.response.status_code",
        "http.flavor",
        "network.protocol.version",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        "error.type",
    }
)
_PATHS: Final = frozenset({"http.target", "url.path"})
_STATEMENTS: Final = frozenset({"db.statement", "db.query.text"})
_OF_AN_ERROR: Final = "exception.type"


def begin(endpoint: str, version: str, *, flush_seconds_max: float) -> Callable[[], None]:
    """Trace from now on; what it gives ends that and blocks until the last spans are sent, or it has been so long."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "wallet", "service.version": version}), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=flush_seconds_max)
    provider.add_span_processor(BatchSpanProcessor(_Discreet(exporter), schedule_delay_millis=1_000))
    # It replaces the class of applications, and has to do so before there is one.
    web_server = AioHttpServerInstrumentor()
    database = AsyncPGInstrumentor(capture_parameters=False)  # type: ignore[no-untyped-call]  # it has no types
    web_server.instrument(tracer_provider=provider)
    database.instrument(tracer_provider=provider)

    def end() -> None:
        database.uninstrument()
        web_server.uninstrument()
        provider.shutdown()

    return end


def put_outermost(app: web.Application) -> None:
    """Have a request's span stand around everything, so that it sees the answer and no refusal on its way to one."""
    for middleware in [each for each in app.middlewares if each.__module__.startswith(_INSTRUMENTATION)]:
        app.middlewares.remove(middleware)
        app.middlewares.insert(0, middleware)


class _Discreet(SpanExporter):
    """Hands on spans without what is nobody's business, and none of what belongs to no request: polls, say."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        wanted = [_discreet(span) for span in spans if span.parent is not None or span.kind is SpanKind.SERVER]
        return self._exporter.export(wanted) if wanted else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        return self._exporter.force_flush(timeout_millis)


def _discreet(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes or {}),
        events=[
            Event(event.name, {_OF_AN_ERROR: str(event.attributes[_OF_AN_ERROR])}, event.timestamp)
            for event in span.events
            if event.attributes and _OF_AN_ERROR in event.attributes
        ],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(attributes: Mapping[str, object]) -> dict[str, str | int | float | bool]:
    kept: dict[str, str | int | float | bool] = {}
    for name, value in attributes.items():
        if name in _PATHS:
            kept[name] = str(value).partition("?")[0]
        elif name in _STATEMENTS:
            kept[name] = str(value)[:_STATEMENT_LENGTH_MAX]
        elif name in _PLAIN and isinstance(value, str | int | float | bool):
            kept[name] = value
    return kept
