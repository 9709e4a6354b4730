"""One notation for lengths of time, in documents and on the command line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.durations import PATTERN, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", timedelta(seconds=30)),
        ("0.25s", timedelta(milliseconds=250)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("1d12h0m1.5s", timedelta(days=1, hours=12, seconds=1.5)),
        ("0s", timedelta()),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_days_hours_minutes_and_seconds_are_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5m", "5 m", "5m\n", "30s1h", "1.5h", "1w", "\u0665m", 5, None]
)
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="such as 30s, 5m, 1h30m or 7d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651d", "3650d1s", "87601h", "9" * 5000 + "d"])
def test_more_than_ten_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 3650d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["45s", "12m", "36h", "1d", "1h30m", "0.000001s", "0s"])
def test_a_duration_is_written_in_its_largest_units(text: str) -> None:
    expected = {"36h": "1d12h"}.get(text, text)

    assert format_duration(parse_duration(text)) == expected


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3650)))
def test_what_is_written_is_read_as_the_same_by_us_and_by_the_schema(duration: timedelta) -> None:
    written = format_duration(duration)

    assert parse_duration(written) == duration
    assert re.search(PATTERN, written)
