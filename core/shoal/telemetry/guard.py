"""Span processors and the sampler that stand between a span and everybody who sees it.

`Guard` makes every text of a finished span safe before the ring or an exporter gets it, whoever
wrote it: plugins are handed a tracer too. `Recording` keeps spans that the sampler would drop for
the ring; they are still not exported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes

from shoal.telemetry.masking import safe, safe_value


class Guard(SpanProcessor):
    """Hands finished spans on to the next processors, masked."""

    def __init__(self, following: Sequence[SpanProcessor]) -> None:
        self._following = following

    def on_end(self, span: ReadableSpan) -> None:
        """Mask once, then hand on to all."""
        masked = masked_span(span)
        for processor in self._following:
            processor.on_end(masked)

    def shutdown(self) -> None:
        """Shut the following processors down, in order."""
        for processor in self._following:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the following processors, in order."""
        flushed = [processor.force_flush(timeout_millis) for processor in self._following]
        return all(flushed)


def masked_span(span: ReadableSpan) -> ReadableSpan:
    """The same span with every text in it made safe."""
    return ReadableSpan(
        name=safe(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_masked(span.attributes),
        events=[
            Event(safe(event.name), _masked(event.attributes), event.timestamp)
            for event in span.events
        ],
        links=[Link(link.context, _masked(link.attributes)) for link in span.links],
        kind=span.kind,
        status=_masked_status(span.status),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _masked(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: safe_value(value) for key, value in (attributes or {}).items()}


def _masked_status(status: Status) -> Status:
    if not status.description:
        return status
    return Status(status.status_code, safe(status.description))


class Recording(Sampler):
    """As another sampler, but what that one drops is still recorded (and not exported)."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Ask the other sampler; raise DROP to RECORD_ONLY."""
        result = self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if result.decision is Decision.DROP:
            # A dropped result carries no attributes, the ring wants them.
            return SamplingResult(Decision.RECORD_ONLY, attributes, result.trace_state)
        return result

    def get_description(self) -> str:
        """For the SDK's own messages."""
        return f"Recording({self._sampler.get_description()})"
