"""OTLP over http, by the standard variables, to a receiver in this process."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from opentelemetry import trace as trace_api
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import Tracer

from shoal.telemetry import names
from shoal.telemetry.exporting import Signal, wants_export
from shoal.telemetry.masking import Masking
from shoal.telemetry.spans import opened, parented, trace_id, traceparent
from shoal.telemetry.tracing import Tracing, build_tracing


@dataclass
class Collector:
    """An OTLP/http receiver that keeps what it gets."""

    endpoint: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )

    @property
    def spans(self) -> dict[str, Span]:
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    @property
    def resource(self) -> dict[str, str]:
        attributes = self.requests[0].resource_spans[0].resource.attributes
        return {attribute.key: attribute.value.string_value for attribute in attributes}


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    collector.endpoint = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
    ):
        monkeypatch.delenv(name, raising=False)


def sync_once(tracing: Tracing) -> str:
    with opened(tracing.tracer, names.SHOAL_SYNC, {names.APPLICATION: "default/web"}) as root:
        granted = traceparent(root)
    with (
        opened(tracing.tracer, names.CLUSTER_SYNC, parent=parented(granted)),
        opened(tracing.tracer, names.APPLY, {names.CLUSTER: "prod"}),
    ):
        pass
    return trace_id(root)


async def test_a_collector_gets_the_spans_with_their_parents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        tracing = build_tracing(Masking(), version="1.2.3")
        trace = sync_once(tracing)
        ended = await tracing.shutdown()

    assert ended
    spans = collector.spans
    assert {span.trace_id.hex() for span in spans.values()} == {trace}
    assert spans[names.SHOAL_SYNC].parent_span_id == b""
    assert spans[names.CLUSTER_SYNC].parent_span_id == spans[names.SHOAL_SYNC].span_id
    assert spans[names.APPLY].parent_span_id == spans[names.CLUSTER_SYNC].span_id
    assert collector.resource["service.name"] == "shoal"
    assert collector.resource["service.version"] == "1.2.3"


def trace_carelessly(tracer: Tracer, url: str) -> trace_api.Span:
    """As a plugin might do it, in the SDK's own way."""
    with (
        contextlib.suppress(RuntimeError),
        tracer.start_as_current_span("fetch", attributes={"url": url}) as span,
    ):
        span.set_attribute("urls", [url])
        span.add_event("tried", {"url": url})
        raise RuntimeError(f"cannot reach {url}")
    return span


async def test_user_info_reaches_neither_collector_nor_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        tracing = build_tracing(Masking())
        span = trace_carelessly(tracing.tracer, "https://robot:hush@git.example.com/fleet.git")
        await tracing.shutdown()

    seen = str(collector.requests) + repr(tracing.ring.trace(trace_id(span)))
    assert "git.example.com" in seen
    assert "hush" not in seen
    assert "robot" not in seen


async def test_nothing_is_exported_without_an_endpoint() -> None:
    tracing = build_tracing(Masking())
    trace = sync_once(tracing)

    assert await tracing.shutdown()
    assert not tracing.exports
    assert len(tracing.ring.trace(trace)) == 3


async def test_the_service_name_of_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shoal-east")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")

    tracing = build_tracing(Masking())

    attributes = tracing.provider.resource.attributes
    assert attributes["service.name"] == "shoal-east"
    assert attributes["deployment.environment.name"] == "test"
    await tracing.shutdown()


async def test_what_the_sampler_drops_stays_in_the_ring_and_is_not_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        tracing = build_tracing(Masking())
        trace = sync_once(tracing)
        await tracing.shutdown()

    assert collector.requests == []
    assert tracing.ring.trace(trace)[0].attributes == {names.APPLICATION: "default/web"}


async def test_a_disabled_sdk_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")

    tracing = build_tracing(Masking())
    sync_once(tracing)

    assert not tracing.exports
    assert len(tracing.ring) == 0
    await tracing.shutdown()


async def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with hanging_server() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        tracing = build_tracing(Masking())
        sync_once(tracing)

        assert not await tracing.shutdown(timeout_seconds=0.2)


@asynccontextmanager
async def hanging_server() -> AsyncIterator[str]:
    """Takes connections and says nothing until it is closed."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()


async def test_the_global_tracer_provider_is_left_alone() -> None:
    before = trace_api.get_tracer_provider()

    tracing = build_tracing(Masking())

    assert trace_api.get_tracer_provider() is before
    await tracing.shutdown()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
    ],
)
def test_the_standard_variables_decide_whether_to_export(
    environment: dict[str, str], expected: bool
) -> None:
    assert wants_export(environment, Signal.TRACES) is expected
