"""What a metric is: its name, unit and meaning, and the few words that tell its numbers apart.

Plain frozen values that stand beside the code that counts; the reference is written from them.
Names follow OpenTelemetry: the semantic conventions where they know the thing, else `shoal.*`.
Prometheus calls the same metric by `prometheus_name`, whichever way it gets there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Attributes = Mapping[str, str | int]
"""What tells one series of a metric from another."""

SHORT = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets, in seconds, of what a machine waits for."""
LONG = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)
"""Buckets, in seconds, of what a person waits for."""

_UNITS = {"s": "seconds", "By": "bytes"}


class Kind(StrEnum):
    """What is done with the numbers."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `unit` is UCUM: `s`, `By`, or `{thing}` for a count of things.

    `attributes` are all that a series may have; `boundaries` those of a histogram's buckets.
    `is_read`: it is looked up when somebody asks for it, and not counted when it happens.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = SHORT
    is_read: bool = False

    @property
    def prometheus_name(self) -> str:
        """Its name there, of a histogram without `_bucket`, `_sum` or `_count`."""
        return prometheus_name(self.name, self.unit, is_counter=self.kind is Kind.COUNTER)


def prometheus_name(name: str, unit: str, *, is_counter: bool) -> str:
    """As OpenTelemetry translates names: the unit is spelt out, and counters end in `_total`."""
    parts = [name.replace(".", "_")]
    spelt = _UNITS.get(unit, "")
    if spelt and spelt not in parts[0].split("_"):
        parts.append(spelt)
    if is_counter and not parts[-1].endswith("_total"):
        parts.append("total")
    return "_".join(parts)
