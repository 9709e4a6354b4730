"""Building the tracing of a process from the standard `OTEL_*` variables, and ending it.

Spans always reach the ring, so `shoal trace` needs no backend; whether they are exported says
`exporting`. OTEL_SDK_DISABLED=true switches off both. The global tracer provider is left alone: a
Tracer is handed to whoever traces.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer

from shoal.telemetry.exporting import Signal, ended, resource, wants_export
from shoal.telemetry.guard import Guard, Recording
from shoal.telemetry.masking import Masking
from shoal.telemetry.ring import Ring

SCOPE = "shoal"
"""The instrumentation scope of the core's own spans."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """The tracing of a process. `exports` says whether spans leave it."""

    provider: TracerProvider
    tracer: Tracer
    ring: Ring
    exports: bool

    async def shutdown(self, *, timeout_seconds: float = 5.0) -> bool:
        """Export what is left, off the loop; False when the deadline cut it short."""
        return await ended(self.provider.shutdown, timeout_seconds=timeout_seconds)


def build_tracing(
    masking: Masking,
    *,
    version: str = "",
    ring: Ring | None = None,
    watching: Sequence[SpanProcessor] = (),
) -> Tracing:
    """Build the tracing as the environment says. Blocks shortly: imports an exporter if needed.

    `watching` see every finished span as it is, and let no text of it out.
    """
    ring = Ring() if ring is None else ring
    exporting = wants_export(os.environ, Signal.TRACES)
    following: list[SpanProcessor] = [ring]
    if exporting:
        following.append(_exporting_processor())
    provider = TracerProvider(resource=resource(version), shutdown_on_exit=False)
    provider.sampler = Recording(provider.sampler)
    for processor in (*watching, Guard(following, masking)):
        provider.add_span_processor(processor)
    return Tracing(provider, provider.get_tracer(SCOPE, version), ring, exporting)


def _exporting_processor() -> SpanProcessor:
    # 0.2 s and protobuf, which a process that exports nothing does not pay for.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())
