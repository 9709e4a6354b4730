"""The last traces, kept in memory, so that `shoal trace` works without any backend.

A span processor that keeps finished spans by trace, newest traces last. Bounded by traces and by
spans: the trace that was touched longest ago goes first, and one that fills the ring alone loses
its oldest spans. Spans end on any thread, so there is a lock; it is held for microseconds.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from shoal.telemetry.views import EventView, SpanView

__all__ = ["EventView", "Ring", "SpanView", "span_view"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ring(SpanProcessor):
    """Keeps at most `max_traces` traces and `max_spans` spans in all."""

    def __init__(self, *, max_traces: int = 1_000, max_spans: int = 20_000) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._traces: OrderedDict[str, list[SpanView]] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a finished span, and forget what no longer fits."""
        view = span_view(span)
        with self._lock:
            self._traces.setdefault(view.trace_id, []).append(view)
            self._traces.move_to_end(view.trace_id)
            self._count += 1
            self._forget()

    def _forget(self) -> None:
        while len(self._traces) > 1 and (
            len(self._traces) > self._max_traces or self._count > self._max_spans
        ):
            _, spans = self._traces.popitem(last=False)
            self._count -= len(spans)
        while self._count > self._max_spans:
            del next(iter(self._traces.values()))[0]
            self._count -= 1

    def trace(self, trace_id: str) -> Sequence[SpanView]:
        """The spans of one trace by start, the longer first; empty when it is not here."""
        with self._lock:
            spans = list(self._traces.get(trace_id, ()))
        return sorted(spans, key=lambda span: (span.start, -span.duration))

    def latest(self, matches: Callable[[Mapping[str, Any]], bool]) -> Sequence[SpanView]:
        """The newest trace with a span whose attributes match; empty when there is none."""
        with self._lock:
            traces = [(trace_id, list(spans)) for trace_id, spans in self._traces.items()]
        for trace_id, spans in reversed(traces):
            if any(matches(span.attributes) for span in spans):
                return self.trace(trace_id)
        return []

    def __len__(self) -> int:
        return self._count


def span_view(span: ReadableSpan) -> SpanView:
    """A finished span of the SDK as plain data."""
    context = span.get_span_context()
    assert context is not None
    return SpanView(
        name=span.name,
        trace_id=sys.intern(f"{context.trace_id:032x}"),  # one text for all spans of a trace
        span_id=f"{context.span_id:016x}",
        parent_id="" if span.parent is None else f"{span.parent.span_id:016x}",
        start=_time(span.start_time),
        end=_time(span.end_time),
        attributes=dict(span.attributes or {}),
        status=span.status.status_code.name.lower(),
        status_message=_message(span),
        events=tuple(
            EventView(event.name, _time(event.timestamp), dict(event.attributes or {}))
            for event in span.events
        ),
        links=tuple(
            (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links
        ),
    )


def _message(span: ReadableSpan) -> str:
    return (span.status.description or "") if span.status.status_code is StatusCode.ERROR else ""


def _time(nanoseconds: int | None) -> datetime:
    """Exact to the microsecond, which a float of seconds is not."""
    return _EPOCH + timedelta(microseconds=(nanoseconds or 0) // 1_000)
