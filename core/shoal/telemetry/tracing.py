"""Building the tracing of a process from the standard `OTEL_*` variables, and ending it.

The SDK reads most variables itself (sampler, resource, batches, the exporter's endpoint and
headers); here is decided only *whether* anything is exported: when an OTLP endpoint is named, or
OTEL_TRACES_EXPORTER says `otlp`. Spans always reach the ring, so `shoal trace` needs no backend.
OTEL_SDK_DISABLED=true switches off both. The global tracer provider is left alone: a Tracer is
handed to whoever traces.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer

from shoal.telemetry.guard import Guard, Recording
from shoal.telemetry.masking import Masking
from shoal.telemetry.ring import Ring

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Tracing:
    """The tracing of a process. `exports` says whether spans leave it."""

    provider: TracerProvider
    tracer: Tracer
    ring: Ring
    exports: bool

    async def shutdown(self, *, timeout_seconds: float = 5.0) -> bool:
        """Export what is left, off the loop; False when the deadline cut it short.

        The thread is a daemon: a collector that does not answer cannot keep the process alive.
        """
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        arguments = (self.provider, loop, done)
        threading.Thread(target=_shut_down, args=arguments, name="tracing", daemon=True).start()
        with anyio.move_on_after(timeout_seconds, shield=True):
            await done.wait()
        return done.is_set()


def _shut_down(
    provider: TracerProvider, loop: asyncio.AbstractEventLoop, done: asyncio.Event
) -> None:
    try:
        provider.shutdown()
    finally:
        # The deadline may have passed and the loop be closed: then nobody waits any more.
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)


def build_tracing(masking: Masking, *, version: str = "", ring: Ring | None = None) -> Tracing:
    """Build the tracing as the environment says. Blocks shortly: imports an exporter if needed."""
    ring = Ring() if ring is None else ring
    exporting = wants_export(os.environ)
    following: list[SpanProcessor] = [ring]
    if exporting:
        following.append(_exporting_processor())
    provider = TracerProvider(resource=_resource(version), shutdown_on_exit=False)
    provider.sampler = Recording(provider.sampler)
    provider.add_span_processor(Guard(following, masking))
    return Tracing(provider, provider.get_tracer("shoal", version), ring, exporting)


def wants_export(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for traces to be exported by OTLP.

    OTEL_TRACES_EXPORTER decides where it is set (`none` and exporters we do not have mean no);
    its default, `otlp` to a collector on localhost, counts only when an endpoint is named.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if chosen:
        return "otlp" in (name.strip() for name in chosen.split(","))
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


def _resource(version: str) -> Resource:
    """Service `shoal`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    defaults = Resource(
        {"service.name": "shoal"} | ({"service.version": version} if version else {})
    )
    named = Resource.create()
    if str(named.attributes.get("service.name", "")).startswith("unknown_service"):
        return named.merge(defaults)
    # The right side wins.
    return defaults.merge(named)


def _exporting_processor() -> SpanProcessor:
    # 0.2 s and protobuf, which a process that exports nothing does not pay for.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())
