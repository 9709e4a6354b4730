"""What stands between spans and metrics and everybody who sees them.

`Guard` makes every text of a finished span safe before the ring or an exporter gets it, whoever
wrote it: plugins are handed a tracer too. `Recording` keeps spans that the sampler would drop for
the ring; they are still not exported. `masked_metrics` does for metrics what `Guard` does for
spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.metrics.export import Metric, MetricsData
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes

from shoal.telemetry.masking import Masking


class Guard(SpanProcessor):
    """Hands finished spans on to the next processors, masked."""

    def __init__(self, following: Sequence[SpanProcessor], masking: Masking) -> None:
        self._following = following
        self._masking = masking

    def on_end(self, span: ReadableSpan) -> None:
        """Mask once, then hand on to all."""
        masked = masked_span(span, self._masking)
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


def masked_span(span: ReadableSpan, masking: Masking) -> ReadableSpan:
    """The same span with every text in it made safe."""
    return ReadableSpan(
        name=masking.text(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=masking.value(dict(span.attributes or {})),
        events=[
            Event(
                masking.text(event.name),
                masking.value(dict(event.attributes or {})),
                event.timestamp,
            )
            for event in span.events
        ],
        links=[
            Link(link.context, masking.value(dict(link.attributes or {}))) for link in span.links
        ],
        kind=span.kind,
        status=_masked_status(span.status, masking),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _masked_status(status: Status, masking: Masking) -> Status:
    if not status.description:
        return status
    return Status(status.status_code, masking.text(status.description))


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


def masked_metrics(data: MetricsData, masking: Masking) -> MetricsData:
    """The same numbers, with every text that tells them apart made safe.

    Whoever counts gives the texts, plugins too. Most of them come again and again, so each is
    looked at once per call.
    """
    safe: dict[str, str] = {}

    def masked(value: Any) -> Any:
        if not isinstance(value, str):
            return masking.value(value)
        if value not in safe:
            safe[value] = masking.value(value)
        return safe[value]

    def attributes(given: Attributes) -> Attributes:
        return {key: masked(value) for key, value in (given or {}).items()}

    def point(given: Any) -> Any:
        exemplars = [
            replace(each, filtered_attributes=attributes(each.filtered_attributes))
            for each in given.exemplars
        ]
        return replace(given, attributes=attributes(given.attributes), exemplars=exemplars)

    def metric(given: Metric) -> Metric:
        points = [point(each) for each in given.data.data_points]
        data: Any = given.data  # one of four kinds, each with points of its own
        inner = replace(data, data_points=points)
        return replace(given, description=masking.text(given.description or ""), data=inner)

    return MetricsData(
        [
            replace(
                of_resource,
                scope_metrics=[
                    replace(scope, metrics=[metric(each) for each in scope.metrics])
                    for scope in of_resource.scope_metrics
                ],
            )
            for of_resource in data.resource_metrics
        ]
    )
