"""The ring: finished spans by trace, bounded, as plain data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from shoal.errors import ClusterUnreachable
from shoal.telemetry import names
from shoal.telemetry.ring import Ring
from shoal.telemetry.spans import linked, opened, parented, past, trace_id, traceparent
from shoal.telemetry.views import SpanView


def tracer_into(ring: Ring) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ring)
    return provider.get_tracer("test")


def record_trace(tracer: Tracer, application: str, children: int = 0) -> str:
    with opened(tracer, names.SHOAL_SYNC, {names.APPLICATION: application}) as root:
        for _ in range(children):
            with opened(tracer, names.RENDER):
                pass
        return trace_id(root)


def test_a_trace_is_read_back_by_its_id_in_order_of_start() -> None:
    ring = Ring()

    found = ring.trace(record_trace(tracer_into(ring), "default/web", children=2))

    assert [span.name for span in found] == [names.SHOAL_SYNC, names.RENDER, names.RENDER]
    assert [span.parent_id for span in found] == ["", found[0].span_id, found[0].span_id]


def test_the_newest_trace_of_an_application_is_found() -> None:
    ring = Ring()
    tracer = tracer_into(ring)
    record_trace(tracer, "default/web")
    newest = record_trace(tracer, "default/web")
    record_trace(tracer, "default/other")

    found = ring.latest(lambda attributes: attributes.get(names.APPLICATION) == "default/web")

    assert {span.trace_id for span in found} == {newest}


def test_nothing_is_found_where_nothing_is() -> None:
    ring = Ring()

    assert ring.trace("0" * 32) == []
    assert ring.latest(lambda attributes: True) == []


@given(sizes=st.lists(st.integers(0, 12), max_size=12))
def test_the_ring_never_holds_more_than_it_may(sizes: list[int]) -> None:
    ring = Ring(max_traces=3, max_spans=10)
    tracer = tracer_into(ring)

    made = [record_trace(tracer, "default/web", children=size) for size in sizes]

    kept = [trace for trace in made if ring.trace(trace)]
    assert len(ring) == sum(len(ring.trace(trace)) for trace in made) <= 10
    assert len(kept) <= 3
    assert kept == made[len(made) - len(kept) :]


def test_a_span_is_plain_data_that_json_can_hold() -> None:
    ring = Ring()
    tracer = tracer_into(ring)
    with opened(tracer, "first") as first:
        first.add_event("waited", {"seconds": 1})
    with opened(tracer, "again", links=linked(traceparent(first))) as again:
        pass

    (view,) = ring.trace(trace_id(again))
    (original,) = ring.trace(trace_id(first))

    assert view.links == ((original.trace_id, original.span_id),)
    read = orjson.loads(orjson.dumps(original.as_json()))
    assert read["events"][0]["attributes"] == {"seconds": 1}
    assert read["duration_seconds"] == original.duration.total_seconds()
    assert SpanView.from_json(read) == original
    assert SpanView.from_json(orjson.loads(orjson.dumps(view.as_json()))) == view


def test_a_traceparent_carries_a_trace_across_a_wait() -> None:
    ring = Ring()
    tracer = tracer_into(ring)
    with opened(tracer, names.SHOAL_SYNC) as root:
        granted = traceparent(root)

    with opened(tracer, names.CLUSTER_SYNC, parent=parented(granted)) as child:
        pass

    assert trace_id(child) == trace_id(root)
    assert traceparent(child).split("-")[1] == granted.split("-")[1]
    first, second = ring.trace(trace_id(root))
    assert second.parent_id == first.span_id


def test_what_is_over_becomes_a_span_of_that_time() -> None:
    ring = Ring()
    tracer = tracer_into(ring)
    start = datetime(2026, 3, 1, 9, 30, 0, 123_457, tzinfo=UTC)
    end = start + timedelta(seconds=2)
    with opened(tracer, names.SHOAL_SYNC, start=start) as root:
        past(tracer, names.FETCH, start, end)

    view, fetched = ring.trace(trace_id(root))

    assert (fetched.start, fetched.end, view.start) == (start, end, start)
    assert fetched.parent_id == view.span_id


@pytest.mark.parametrize("text", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_an_unreadable_traceparent_begins_a_new_trace(text: str) -> None:
    tracer = tracer_into(Ring())

    with opened(tracer, "outer"), opened(tracer, "inner", parent=parented(text)) as inner:
        assert getattr(inner, "parent", None) is None

    assert list(linked(text)) == []


def test_our_own_error_marks_the_span_with_its_sentence() -> None:
    ring = Ring()
    tracer = tracer_into(ring)

    with pytest.raises(ClusterUnreachable), opened(tracer, "apply") as span:
        raise ClusterUnreachable("no answer from https://me:hush@prod:6443")

    (view,) = ring.trace(trace_id(span))
    assert (view.status, view.status_message) == ("error", "no answer from https://prod:6443")
    assert view.attributes[names.ERROR_TYPE] == "ClusterUnreachable"


def test_a_strangers_error_marks_the_span_with_its_type_alone() -> None:
    ring = Ring()
    tracer = tracer_into(ring)

    with pytest.raises(RuntimeError), opened(tracer, "apply") as span:
        raise RuntimeError("the password is hush")

    assert "hush" not in repr(ring.trace(trace_id(span)))
    assert "RuntimeError" in repr(ring.trace(trace_id(span)))
