"""Opening spans and carrying them across a wait: a grant remembers its trace as a `traceparent`.

Spans are opened with `opened`, because the SDK's own way writes the text and the stack of any
exception into the span: a stranger's exception may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from shoal.errors import ShoalError
from shoal.telemetry import names
from shoal.telemetry.masking import safe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROPAGATOR = TraceContextTextMapPropagator()


def traceparent(span: Span) -> str:
    """The W3C `traceparent` of a span; empty when it belongs to no trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=set_span_in_context(span, Context()))
    return carrier.get("traceparent", "")


def parented(traceparent: str) -> Context:
    """The context whose children continue that trace; an empty one when it cannot be read."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


def linked(traceparent: str) -> Sequence[Link]:
    """A link to that span, for a retry; none when it cannot be read."""
    context = get_current_span(parented(traceparent)).get_span_context()
    return [Link(context)] if context.is_valid else []


def trace_id(span: Span | None = None) -> str:
    """The trace id in hex of a span, of the current one when left out; empty without a trace."""
    context = (get_current_span() if span is None else span).get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def span_id() -> str:
    """The id in hex of the current span; empty without one."""
    context = get_current_span().get_span_context()
    return f"{context.span_id:016x}" if context.is_valid else ""


@contextmanager
def opened(
    tracer: Tracer,
    name: str,
    attributes: Mapping[str, AttributeValue] | None = None,
    *,
    parent: Context | None = None,
    links: Sequence[Link] = (),
    start: datetime | None = None,
) -> Iterator[Span]:
    """A span around a block, current inside it; `parent` left out means the current span.

    `start` dates it back to when the thing began that it stands for.

    An error that leaves the block marks the span: ours with its sentence, a stranger's with the
    name of its type alone.
    """
    with tracer.start_as_current_span(
        name,
        context=parent,
        attributes=attributes,
        links=links,
        start_time=None if start is None else _nanoseconds(start),
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            mark_failed(span, error)
            raise


def past(
    tracer: Tracer,
    name: str,
    start: datetime,
    end: datetime,
    attributes: Mapping[str, AttributeValue] | None = None,
    *,
    parent: Context | None = None,
) -> None:
    """A span of something that is over; `parent` left out means the current span."""
    span = tracer.start_span(
        name, context=parent, attributes=attributes, start_time=_nanoseconds(start)
    )
    span.end(_nanoseconds(end))


def _nanoseconds(at: datetime) -> int:
    """Exact to the microsecond, which a float of seconds is not."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000


def mark_failed(span: Span, error: BaseException) -> None:
    """Give the span the status of an error and its type, without anything it might leak."""
    span.set_attribute(names.ERROR_TYPE, type(error).__name__)
    description = safe(error.message) if isinstance(error, ShoalError) else None
    span.set_status(Status(StatusCode.ERROR, description))
