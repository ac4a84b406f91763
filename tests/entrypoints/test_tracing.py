"""Spans reach a collector, and tell nothing personal."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from entrypoints.embedded.ports import LOOPBACK, free_port
from entrypoints.tracing import NotInstalled, traced
from tests.outages.patience import until
from tests.races.client import Api
from tests.races.serving import served


@dataclass
class Collector:
    """What was sent to a collector, by the names of the spans."""

    url: str
    spans: list[Any] = field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """A collector on this machine."""
    port = free_port()
    collector = Collector(f"http://{LOOPBACK}:{port}")
    app = web.Application()
    app.add_routes([web.post("/v1/traces", collector.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield collector
    await runner.cleanup()


def attributes_of(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


async def test_a_request_and_what_it_asks_the_database_arrive_as_one_trace(
    collector: Collector, database: str, redis_url: str, tmp_path: Path
) -> None:
    mailbox = str(tmp_path / "mailbox")
    with served(
        tmp_path / "service.log",
        database=database,
        redis_url=redis_url,
        MAILBOX=mailbox,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
    ) as service:
        async with Api.at(service.url) as api:
            alice = await api.person("alice", funds="5.00")
            await api.ask("GET", f"/wallets/{alice.wallet_id}/transactions?limit=7", token=alice.token)
            await api.ask("GET", "/dev/mailbox/messages?to=alice1@example.com")
            missing = await api.ask("GET", f"/transactions/{alice.id}", token=alice.token)

            async def arrived() -> bool:
                return bool(collector.named("GET /transactions/{transaction_id}"))

            await until(arrived, seconds_max=20)
            exit_code = await asyncio.to_thread(service.stop)

    (listed,) = collector.named("GET /wallets/{wallet_id}/transactions")
    (refused,) = collector.named("GET /transactions/{transaction_id}")
    below = [span for span in collector.spans if span.parent_span_id == listed.span_id]
    assert exit_code == 0
    assert attributes_of(listed)["http.target"] == f"/wallets/{alice.wallet_id}/transactions"
    assert attributes_of(listed)["http.status_code"] == 200
    assert (missing.status, attributes_of(refused)["http.status_code"]) == (404, 404)
    assert below
    assert {span.trace_id for span in below} == {listed.trace_id}
    assert all("$1" in attributes_of(span)["db.statement"] for span in below)
    # Polls, which belong to no request, are not sent at all.
    ids = {span.span_id for span in collector.spans}
    assert all(span.parent_span_id in ids for span in collector.spans if span.name == "SELECT")
    for personal in ("example.com", "alice", alice.token, "password", "limit=7"):
        assert personal.encode() not in collector.raw.replace(b"password_hash", b""), personal


async def test_a_collector_that_is_not_there_delays_and_breaks_nothing(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    with served(
        tmp_path / "service.log",
        database=database,
        redis_url=redis_url,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{LOOPBACK}:{free_port()}",
    ) as service:
        async with Api.at(service.url) as api:
            answers = [await api.ask("GET", "/version") for _ in range(5)]
        exit_code = await asyncio.to_thread(service.stop)

    assert {answer.status for answer in answers} == {200}
    assert exit_code == 0


async def test_who_asks_for_traces_and_has_not_installed_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrypoints.tracing.find_spec", lambda _: None)

    with pytest.raises(NotInstalled, match="the extra `otel` is not installed"):
        async with traced("http://localhost:4318", "0"):
            pass
