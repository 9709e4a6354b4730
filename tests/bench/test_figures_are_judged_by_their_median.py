"""Medians, percentiles and slopes; what fails the bench, and what the table shows."""

from __future__ import annotations

from io import StringIO
from math import inf

import pytest
from bench.figures import (
    Limit,
    failures,
    make_table,
    median,
    percentile,
    rounded,
    slope,
    summary,
)
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("values", "expected"), [([3], 3), ([3, 1], 2), ([9, 1, 2], 2), ([4, 1, 3, 2], 2.5)]
)
def test_the_median_is_in_the_middle(values: list[float], expected: float) -> None:
    assert median(values) == expected


@given(VALUES)
def test_half_of_all_values_reach_the_median(values: list[float]) -> None:
    middle = median(values)

    assert sum(value <= middle for value in values) * 2 >= len(values)
    assert sum(value >= middle for value in values) * 2 >= len(values)


@given(VALUES, st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)

    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)


def test_the_slope_is_that_of_the_line_through_the_points() -> None:
    assert slope([(1, 10), (2, 12), (3, 14)]) == pytest.approx(2)
    assert slope([(0, 0), (1, 1), (2, 0)]) == pytest.approx(0)


def test_only_a_count_beyond_its_limit_fails_the_bench() -> None:
    limits = {
        "wall": Limit(1.3),
        "count": Limit(1.05, is_count=True),
        "exact": Limit(1, is_count=True, is_exact=True),
    }

    assert failures({"wall": [9], "count": [1], "exact": [1], "told": [7]}, limits) == []
    assert failures({"count": [1.1], "exact": [0.9]}, limits) == ["count", "exact"]


def test_a_limit_says_in_which_direction_it_holds() -> None:
    least, most = Limit(10, is_least=True), Limit(10)

    assert [least.is_met(value) for value in (9, 10, 11)] == [False, True, True]
    assert [most.is_met(value) for value in (9, 10, 11)] == [True, True, False]
    assert [str(least), str(most)] == ["≥ 10", "≤ 10"]


def test_the_summary_holds_the_median_and_every_repeat() -> None:
    assert summary({"row": [1.23456, 2, 3]}) == {"row": {"median": 2, "repeats": [1.235, 2, 3]}}


@pytest.mark.parametrize(
    ("value", "shown"), [(0.123456, 0.1235), (1234.5, 1234), (0, 0), (inf, inf)]
)
def test_what_is_shown_has_four_digits(value: float, shown: float) -> None:
    assert rounded(value) == shown


def test_the_table_marks_what_is_reached_and_tells_the_rest() -> None:
    limits = {"good": Limit(2), "bad": Limit(1)}
    output = StringIO()
    table = make_table("rows", {"good": [1, 2], "bad": [1.5], "told": [4]}, limits)
    Console(file=output, width=100).print(table)
    rows = [row.split("│") for row in output.getvalue().splitlines() if row.startswith("│")]

    assert [[cell.strip() for cell in row[1:-1]] for row in rows] == [
        ["good", "1.5", "≤ 2", "✔", "1 2"],
        ["bad", "1.5", "≤ 1", "✖", "1.5"],
        ["told", "4", "", "", "4"],
    ]
