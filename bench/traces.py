"""A collector of traces: OTLP over HTTP on loopback, kept in memory while a row is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

_EXPORT_SECONDS = 0.5


@dataclass(slots=True)
class Collector:
    """What was exported to `endpoint` so far."""

    endpoint: str = ""
    requests: list[ExportTraceServiceRequest] = field(
        default_factory=list[ExportTraceServiceRequest]
    )

    @property
    def environment(self) -> Mapping[str, str]:
        """The standard variables that make a process export to here."""
        delay = str(round(_EXPORT_SECONDS * 1000))
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": delay}

    def event_values(self, event: str, attribute: str) -> list[float]:
        """A number from every event of this name, in the order in which they came."""
        return [
            each.value.double_value
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            for one in span.events
            if one.name == event
            for each in one.attributes
            if each.key == attribute
        ]

    async def until_exported(self) -> None:
        """Wait until what has ended by now was exported."""
        await anyio.sleep(3 * _EXPORT_SECONDS)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector for as long as the block lasts."""
    collector = Collector()

    async def take(request: web.Request) -> web.Response:
        exported = ExportTraceServiceRequest()
        exported.ParseFromString(await request.read())
        collector.requests.append(exported)
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        collector.endpoint = f"http://127.0.0.1:{port}"
        yield collector
    finally:
        await runner.cleanup()
