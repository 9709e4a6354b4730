"""The page for Prometheus, as Prometheus' own reader reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from tests.telemetry.conftest import Prometheus

from shoal.model.metrics import Metric
from shoal.telemetry import measures
from shoal.telemetry.masking import Masking
from shoal.telemetry.metering import Metering, build_metering

Series = list[Mapping[str, Any]]


def metering(masking: Masking | None = None) -> Metering:
    resource = Resource({"service.name": "shoal"})
    return build_metering(masking or Masking(), resource, version="1.2.3", serves=True)


def named(series: Series, name: str) -> Series:
    return [each for each in series if each["labels"]["__name__"] == name]


def test_a_counter_a_gauge_and_a_histogram_are_what_was_counted(prometheus: Prometheus) -> None:
    told = metering()
    told.record(measures.LOOP_STALLS, 1, {})
    told.record(measures.LOOP_STALLS, 1, {})
    for seconds in (0.004, 0.2, 90):
        told.record(measures.STORE_COMMIT, seconds, {measures.OUTCOME: "ok"})
    told.meter_of("plugin").create_up_down_counter("acme.cache.size", "By").add(7)

    series = prometheus.page(told.exposition())

    assert [each["value"] for each in named(series, "shoal_loop_stalls_total")] == [2]
    assert [each["value"] for each in named(series, "acme_cache_size_bytes")] == [7]
    buckets = {
        each["labels"]["le"]: each["value"]
        for each in named(series, "shoal_store_commit_duration_seconds_bucket")
    }
    assert (buckets["0.001"], buckets["0.005"], buckets["0.25"]) == (0, 1, 2)
    assert (buckets["60.0"], buckets["+Inf"]) == (2, 3)
    (count,) = named(series, "shoal_store_commit_duration_seconds_count")
    (total,) = named(series, "shoal_store_commit_duration_seconds_sum")
    assert (count["value"], total["value"]) == (3, pytest.approx(90.204))
    assert count["labels"]["shoal_outcome"] == "ok"


def test_a_label_may_be_any_text(prometheus: Prometheus) -> None:
    told, odd = metering(), 'a "quoted"\nback\\slash, ümläut {}= 1'
    told.meter_of("plugin").create_counter("odd.things", description=odd).add(1, {"a.b-c": odd})

    (series,) = named(prometheus.page(told.exposition()), "odd_things_total")

    assert series["labels"]["a_b_c"] == odd


def test_two_plugins_that_count_the_same_share_one_metric(prometheus: Prometheus) -> None:
    told = metering()
    for plugin in ("one", "two"):
        told.meter_of(plugin).create_counter("acme.calls").add(1, {"plugin": plugin})
    told.meter_of("three").create_histogram("acme.calls_total").record(1)

    page = told.exposition()

    assert len(named(prometheus.page(page), "acme_calls_total")) == 2
    assert page.count(b"# TYPE acme_calls_total ") == 1


def test_what_is_measured_is_told_of_the_process(prometheus: Prometheus) -> None:
    told = metering()
    told.record(measures.LOOP_STALLS, 1, {})

    (about,) = named(prometheus.page(told.exposition()), "target_info")

    assert about["labels"]["service_name"] == "shoal"


def test_no_secret_is_in_a_label_or_a_meaning() -> None:
    masking = Masking()
    masking.known.learn(["correct-horse-battery"])
    told = metering(masking)
    url = "https://robot:hush@git.example.com/fleet.git"
    counter = told.meter_of("plugin").create_counter("calls", description=f"Calls of {url}.")
    counter.add(1, {"url": url, "password": "correct-horse-battery"})

    page = told.exposition().decode()

    assert "git.example.com" in page
    for secret in ("robot", "hush", "correct-horse"):
        assert secret not in page


def test_a_plugin_that_counts_by_object_is_bounded(prometheus: Prometheus) -> None:
    told = metering()
    histogram = told.meter_of("plugin").create_histogram("by.object")
    for number in range(2_500):
        histogram.record(1, {"object": str(number)})

    counts = named(prometheus.page(told.exposition()), "by_object_count")

    assert len(counts) == 2_001
    beyond = [each for each in counts if "otel_metric_overflow" in each["labels"]]
    assert [each["value"] for each in beyond] == [500]


def test_nothing_is_counted_when_nobody_looks() -> None:
    told = build_metering(Masking(), Resource({}))

    told.record(measures.LOOP_STALLS, 1, {})

    assert not told.is_looked_at
    assert told.exposition() == b""


@pytest.mark.parametrize("metric", measures.METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_once_with_a_unit_and_a_meaning(metric: Metric) -> None:
    same = [each for each in measures.METRICS if each.prometheus_name == metric.prometheus_name]

    assert same == [metric]
    assert metric.name.startswith(("shoal.", "process."))
    assert metric.unit
    assert metric.meaning.endswith(".")
