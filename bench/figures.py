"""What is made of measured values: medians, percentiles, slopes, and the table with its limits.

A figure is the list of its repeats; its median is what a limit judges. Pure, and tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Figures = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Limit:
    """What a median must keep. Only a *count* fails the bench: walls depend on the machine."""

    bound: float
    is_count: bool = False
    # A count that must be met exactly; fewer would mean that something was not done.
    is_exact: bool = False
    # A speed-up must be at least this; everything else at most.
    is_least: bool = False

    def __str__(self) -> str:
        sign = "" if self.is_exact else "≥ " if self.is_least else "≤ "
        return f"{sign}{self.bound:g}"

    def is_met(self, value: float) -> bool:
        """Whether a median keeps the limit."""
        if self.is_exact:
            return value == self.bound
        return value >= self.bound if self.is_least else value <= self.bound


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of both middle ones where their number is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line that fits best by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return covariance / sum((x - mean_x) ** 2 for x, _ in points)


def summary(figures: Figures) -> dict[str, dict[str, Any]]:
    """What the file that the bench writes holds of each key."""
    return {
        key: {"median": rounded(median(values)), "repeats": [rounded(value) for value in values]}
        for key, values in figures.items()
    }


def rounded(value: float) -> float:
    """Four significant digits; whole numbers stay whole, and infinity what it is."""
    if not math.isfinite(value):
        return value
    return float(round(value)) if abs(value) >= 1000 else float(f"{value:.4g}")


def failures(figures: Figures, limits: Mapping[str, Limit]) -> list[str]:
    """The keys of counts that are beyond their limits."""
    return [
        key
        for key, values in figures.items()
        if (limit := limits.get(key)) and limit.is_count and not limit.is_met(_judged(values))
    ]


def make_table(title: str, figures: Figures, limits: Mapping[str, Limit]) -> Table:
    """One line per row; a row without a limit is told, not judged."""
    table = Table(title=title, title_justify="left")
    for column in ("row", "median", "must reach", "", "repeats"):
        table.add_column(column, overflow="fold")
    for key, values in figures.items():
        told = " ".join(f"{rounded(value):g}" for value in values)
        value = f"{rounded(median(values)):g}"
        limit = limits.get(key)
        if limit is None:
            table.add_row(key, value, "", "", told)
            continue
        table.add_row(key, value, str(limit), "✔" if limit.is_met(_judged(values)) else "✖", told)
    return table


def _judged(values: Sequence[float]) -> float:
    """What a limit judges is what is printed, not the noise behind it."""
    return rounded(median(values))
