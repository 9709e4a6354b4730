"""One trace as text: a tree of spans with durations, and a bar that shows when each ran. Pure.

shoal.sync                1.24 s  ████████████████████████
  fetch                   0.31 s  ██████
  cluster.sync dev        0.62 s        ████████████
    apply                 0.58 s         ███████████
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from shoal.telemetry import names
from shoal.telemetry.views import SpanView

_LABELS = (names.CLUSTER, names.SOURCE, names.PLUGIN)
_LONGEST_NAME = 44
_SHORTEST_BAR = 10
_DURATION = 9


def render_waterfall(spans: Sequence[SpanView], *, width: int = 100) -> Sequence[str]:
    """Lines of at most `width` columns, parents before children, by start; nothing for no spans.

    A span whose parent is not here (still open, forgotten, another process's) stands at the left.
    """
    if not spans:
        return []
    rows, known = list(_tree(spans)), {span.span_id: span for span in spans}
    titles = [_title(span, depth, known.get(span.parent_id)) for span, depth in rows]
    column = min(_LONGEST_NAME, max(map(len, titles)))
    room = max(_SHORTEST_BAR, width - column - _DURATION - 5)
    scale = _Scale.over(spans, room)
    lines: list[str] = []
    for title, (span, _) in zip(titles, rows, strict=True):
        name = title if len(title) <= column else title[: column - 1] + "…"
        took = format_duration(span.duration)
        mark = "✖" if span.status == "error" else " "
        lines.append(f"{name:<{column}} {took:>{_DURATION}} {mark} {scale.bar(span)}".rstrip())
        if span.status_message:
            note = f"{'':<{column}} {'':>{_DURATION}} └ {span.status_message}"
            lines.append(note if len(note) <= width else note[: width - 1] + "…")
    return lines


def format_duration(duration: timedelta) -> str:
    """`850 µs`, `12.3 ms`, `1.24 s`, `3m 05s`."""
    seconds = duration.total_seconds()
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{int(seconds // 60)}m {int(seconds % 60):02d}s"


def _tree(spans: Sequence[SpanView]) -> Iterator[tuple[SpanView, int]]:
    """Every span once, depth first."""
    known = {span.span_id for span in spans}
    children: dict[str, list[SpanView]] = {}
    for span in sorted(spans, key=lambda one: (one.start, -one.duration, one.span_id)):
        parent = span.parent_id if span.parent_id in known else ""
        children.setdefault(parent, []).append(span)
    waiting = [(span, 0) for span in reversed(children.get("", []))]
    while waiting:
        span, depth = waiting.pop()
        yield span, depth
        below = reversed(children.get(span.span_id, []))
        waiting.extend((child, depth + 1) for child in below)


def _title(span: SpanView, depth: int, parent: SpanView | None) -> str:
    """What the line begins with; a label that the parent has is said there."""
    label = _label(span.attributes)
    if parent is not None and label == _label(parent.attributes):
        label = ""
    removal = " (removal)" if names.REMOVAL in span.attributes else ""
    return f"{'  ' * depth}{span.name}{' ' + label if label else ''}{removal}"


def _label(attributes: Mapping[str, object]) -> str:
    return next((str(attributes[key]) for key in _LABELS if key in attributes), "")


class _Scale:
    """Where times fall on a line of `room` columns."""

    def __init__(self, first: datetime, whole: timedelta, room: int) -> None:
        self._first = first
        self._whole = whole.total_seconds() or 1e-6
        self._room = room

    @classmethod
    def over(cls, spans: Sequence[SpanView], room: int) -> _Scale:
        """The scale on which the first start and the last end are the edges."""
        first = min(span.start for span in spans)
        return cls(first, max(span.end for span in spans) - first, room)

    def bar(self, span: SpanView) -> str:
        """Blanks up to the start, then at least one mark."""
        start = self._column(span.start)
        end = self._column(span.end)
        start = min(start, self._room - 1)
        return " " * start + "█" * max(1, end - start)

    def _column(self, at: datetime) -> int:
        return round((at - self._first).total_seconds() / self._whole * self._room)
