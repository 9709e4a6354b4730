"""Metrics of the SDK in Prometheus' text format (0.0.4).

Names and labels are translated as OpenTelemetry says, so that a metric is called the same whether
it was scraped or came through a collector. All series of a metric stand together, whatever part of
the process counts them, and none stands there twice: Prometheus would refuse the whole page.

The SDK's own exporter for this is in beta, registers itself for the whole process, has no place for
our masking, and builds a second tree of objects, which the event loop pays for (ADR 0019).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from opentelemetry.sdk.metrics.export import (
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    Sum,
)

from shoal.model.metrics import prometheus_name

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_NO_NAME = re.compile(r"[^a-zA-Z0-9_:]")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(slots=True)
class _Family:
    """One metric: what kind it is, what it means, and its lines by name and labels."""

    kind: str
    meaning: str
    series: dict[str, str] = field(default_factory=dict)


def exposition(data: MetricsData) -> bytes:
    """The whole page."""
    families: dict[str, _Family] = {}
    for of_resource in data.resource_metrics:
        about = families.setdefault("target_info", _Family("gauge", "What is measured."))
        about.series[f"target_info{_labels(of_resource.resource.attributes)}"] = "1"
        for scope in of_resource.scope_metrics:
            for metric in scope.metrics:
                _add(families, metric)
    return "".join(_text(families)).encode()


def _add(families: dict[str, _Family], metric: Metric) -> None:
    data = metric.data
    is_counter = isinstance(data, Sum) and data.is_monotonic
    if isinstance(data, Histogram):
        kind = "histogram"
    elif isinstance(data, Sum | Gauge):
        kind = "counter" if is_counter else "gauge"
    else:
        return  # exponential histograms have no form in this format
    plain = prometheus_name(metric.name, metric.unit or "", is_counter=is_counter)
    name = _NO_NAME.sub("_", plain)
    family = families.setdefault(name, _Family(kind, metric.description or ""))
    if family.kind != kind:
        return  # two parts call different things the same; the first one has the name
    for point in data.data_points:
        if isinstance(point, HistogramDataPoint):
            lines = _histogram(name, point)
        else:
            lines = iter([(f"{name}{_labels(point.attributes)}", _number(point.value))])
        for series, value in lines:
            family.series.setdefault(series, value)


def _histogram(name: str, point: HistogramDataPoint) -> Iterator[tuple[str, str]]:
    labels = _labels(point.attributes)
    inner = f"{labels[1:-1]}," if labels else ""
    bounds = [*map(_number, point.explicit_bounds), "+Inf"]
    for bound, count in zip(bounds, accumulate(point.bucket_counts), strict=True):
        yield f'{name}_bucket{{{inner}le="{bound}"}}', str(count)
    yield f"{name}_sum{labels}", _number(point.sum)
    yield f"{name}_count{labels}", str(point.count)


def _text(families: Mapping[str, _Family]) -> Iterator[str]:
    for name, family in families.items():
        meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
        yield f"# HELP {name} {meaning}\n# TYPE {name} {family.kind}\n"
        for series, value in family.series.items():
            yield f"{series} {value}\n"


def _labels(attributes: Mapping[str, Any] | None) -> str:
    if not attributes:
        return ""
    named = {_label(key): str(value).translate(_ESCAPES) for key, value in attributes.items()}
    return "{" + ",".join(f'{name}="{named[name]}"' for name in sorted(named)) + "}"


def _label(key: str) -> str:
    name = _NO_LABEL.sub("_", key)
    return f"key_{name}" if name[:1].isdigit() else name


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    return repr(value)
