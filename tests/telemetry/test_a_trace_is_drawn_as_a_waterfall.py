"""The waterfall: a tree with durations and bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.telemetry import names
from shoal.telemetry.views import SpanView
from shoal.telemetry.waterfall import format_duration, render_waterfall

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def span(
    name: str,
    id: str,
    parent: str = "",
    *,
    at: float = 0,
    took: float = 1,
    cluster: str = "",
    error: str = "",
) -> SpanView:
    return SpanView(
        name=name,
        trace_id="t",
        span_id=id,
        parent_id=parent,
        start=START + timedelta(seconds=at),
        end=START + timedelta(seconds=at + took),
        attributes={names.CLUSTER: cluster} if cluster else {},
        status="error" if error else "unset",
        status_message=error,
    )


def test_children_stand_below_their_parent_in_order_of_start() -> None:
    spans = [
        span("apply", "4", "3", at=1.5, took=0.5),
        span("cluster.sync", "3", "1", at=1, took=1, cluster="prod"),
        span("fetch", "2", "1", took=1),
        span("shoal.sync", "1", took=2),
    ]

    assert render_waterfall(spans, width=53) == [
        "shoal.sync             2.00 s   ████████████████████",
        "  fetch                1.00 s   ██████████",
        "  cluster.sync prod    1.00 s             ██████████",
        "    apply            500.0 ms                  █████",
    ]


def test_a_removal_is_told_from_a_sync() -> None:
    removal = span("cluster.sync", "1", took=1, cluster="prod")
    removal = replace(removal, attributes={**removal.attributes, names.REMOVAL: "it left Git"})

    (line,) = render_waterfall([removal], width=60)

    assert line.startswith("cluster.sync prod (removal) ")


def test_a_cluster_is_named_once_and_not_again_below() -> None:
    spans = [
        span("shoal.sync", "1", took=2),
        span("cluster.sync", "2", "1", at=1, cluster="prod"),
        span("apply", "3", "2", at=1.5, took=0.5, cluster="prod"),
    ]

    lines = render_waterfall(spans, width=53)

    assert lines[1].startswith("  cluster.sync prod")
    assert lines[2].startswith("    apply ")
    assert "prod" not in lines[2]


def test_a_failed_span_says_why() -> None:
    lines = render_waterfall([span("apply", "1", error="quota exceeded")], width=60)

    assert "✖" in lines[0]
    assert lines[1].endswith("└ quota exceeded")


def test_a_span_without_its_parent_is_shown_all_the_same() -> None:
    assert render_waterfall([span("apply", "1", "gone")])[0].startswith("apply")


def test_no_spans_are_no_lines() -> None:
    assert render_waterfall([]) == []


@given(
    spans=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.integers(0, 20)), max_size=20)
)
def test_every_span_is_drawn_once_and_fits_the_width(
    spans: list[tuple[float, float, int]],
) -> None:
    views = [
        span("step", str(number), str(parent) if parent < number else "", at=at, took=took)
        for number, (at, took, parent) in enumerate(spans)
    ]

    lines = render_waterfall(views, width=80)

    assert len(lines) == len(views)
    assert all(len(line) <= 80 and "█" in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00085, "850 µs"), (0.0123, "12.3 ms"), (1.239, "1.24 s"), (185, "3m 05s")],
)
def test_durations_read_naturally(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
