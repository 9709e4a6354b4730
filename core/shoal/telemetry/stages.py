"""How long the stages of delivery take, from the spans that stand around them.

Every span reaches this, sampled or not, so the numbers are whole whatever is exported as a trace.
"""

from __future__ import annotations

from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from shoal.telemetry import names

STAGES = frozenset({names.RENDER, names.PLAN, names.APPLY, names.PRUNE})


class Told(Protocol):
    """Hears of each stage that is over."""

    def __call__(self, stage: str, seconds: float, *, is_failed: bool) -> None:
        """A stage, by its name, how long it took and how it ended."""
        ...


class Stages(SpanProcessor):
    """Tells the duration of each of the core's own spans that is a stage."""

    def __init__(self, told: Told, scope: str) -> None:
        self._told = told
        self._scope = scope

    def on_end(self, span: ReadableSpan) -> None:
        """Tell it, if it is one: a plugin may call a span of its own the same."""
        scope, start, end = span.instrumentation_scope, span.start_time, span.end_time
        is_ours = scope is not None and scope.name == self._scope
        if span.name in STAGES and is_ours and start is not None and end is not None:
            is_failed = span.status.status_code is StatusCode.ERROR
            self._told(span.name, (end - start) / 1e9, is_failed=is_failed)
