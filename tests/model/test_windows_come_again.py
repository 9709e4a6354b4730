"""Windows that are written as cron: when they open, in which time zone, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.alert_policies import Mute
from shoal.model.crons import parse_cron

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def last(cron: str, now: str, within: timedelta = 8 * DAY, zone: Any = UTC) -> str | None:
    found = parse_cron(cron).last_before(datetime.fromisoformat(now), zone, within)
    return found and found.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 22 * * *", "2026-06-09 22:00"),
        ("*/15 * * * *", "2026-06-10 12:00"),
        ("30 8-10/2 * * *", "2026-06-10 10:30"),
        ("0 6 * * Mon-Fri", "2026-06-10 06:00"),
        ("0 6 * * sat,SUN", "2026-06-07 06:00"),
        ("0 6 * * 7", "2026-06-07 06:00"),
        ("0 0 1 * Mon", "2026-06-08 00:00"),
        ("0 0 9 jun *", "2026-06-09 00:00"),
        ("0 0 31 feb *", None),
    ],
)
def test_the_last_opening_is_found(cron: str, expected: str | None) -> None:
    assert last(cron, "2026-06-10T12:10:00Z") == expected  # a Wednesday


def test_an_opening_is_in_its_time_zone_in_summer_and_in_winter() -> None:
    assert last("0 22 * * *", "2026-07-02T01:00:00Z", zone=BERLIN) == "2026-07-01 20:00"
    assert last("0 22 * * *", "2026-01-02T01:00:00Z", zone=BERLIN) == "2026-01-01 21:00"


def test_a_time_that_the_clock_leaves_out_does_not_come() -> None:
    assert last("30 2 29 3 *", "2026-03-29T10:00:00Z", DAY, BERLIN) is None


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 59),
    st.integers(0, 23),
)
def test_a_daily_opening_is_never_more_than_a_day_ago(
    now: datetime, minute: int, hour: int
) -> None:
    found = parse_cron(f"{minute} {hour} * * *").last_before(now, UTC, 2 * DAY)

    assert found is not None
    assert timedelta() <= now - found < DAY
    assert (found.hour, found.minute) == (hour, minute)


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 22 * *", "expected five fields"),
        ("60 * * * *", "'60' is no minute, which is 0 to 59"),
        ("0 0 * * Lun", "'lun' is no day of the week"),
        ("0 5-3 * * *", "'5-3' ends before it begins"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("0 0 L * *", "'l' is no day of the month"),
        ("0 0 , * *", "'' is no day of the month"),
    ],
)
def test_what_is_no_cron_is_said_in_one_sentence(cron: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("*", r"\*")):
        parse_cron(cron)


def test_a_mute_ends_when_its_window_closes_or_at_its_time() -> None:
    nights = Mute.model_validate({"cron": "0 22 * * *", "duration": "8h"})
    once = Mute.model_validate({"until": "2026-06-10T14:00:00Z"})
    night, noon = datetime(2026, 6, 10, 1, tzinfo=UTC), datetime(2026, 6, 10, 12, tzinfo=UTC)

    assert nights.ends_at(night) == datetime(2026, 6, 10, 6, tzinfo=UTC)
    assert nights.ends_at(noon) is None
    assert once.ends_at(noon) == datetime(2026, 6, 10, 14, tzinfo=UTC)
    assert once.ends_at(noon + DAY) is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({}, "give either until, a time, or cron with a duration"),
        ({"until": "2026-06-10T14:00:00Z", "cron": "0 0 * * *"}, "give either until"),
        ({"until": "9999-12-31T23:00:00-12:00"}, "expected a year from 2 to 9998"),
        ({"cron": "0 0 * * *"}, "cron and duration belong together"),
        ({"until": "2026-06-10T14:00:00"}, "timezone"),
        ({"cron": "0 0 * * *", "duration": "200h"}, "at most 7d"),
        ({"cron": "0 0 * * *", "duration": "1h", "timeZone": "Berlin"}, "no time zone Berlin"),
        ({"cron": "0 0 * * *", "duration": "1h", "timeZone": "../x"}, "no time zone"),
    ],
)
def test_a_mute_that_says_too_little_or_too_much_is_refused(written: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Mute.model_validate(written)


@pytest.mark.parametrize(
    ("opens", "end"),
    [
        ("2026-03-29T00:00:00", "2026-03-29T03:00:00"),
        ("2026-10-24T23:00:00", "2026-10-25T02:00:00"),
    ],
)
def test_a_window_lasts_as_long_as_it_says_when_the_clock_is_changed(opens: str, end: str) -> None:
    window = Mute.model_validate(
        {"cron": "0 1 * * *", "duration": "3h", "timeZone": "Europe/Berlin"}
    )
    now, closes = (datetime.fromisoformat(f"{each}Z") for each in (opens, end))

    while now < closes:
        assert window.ends_at(now) == closes
        now += timedelta(minutes=10)
    assert window.ends_at(now) is None


@given(
    st.sampled_from(["0 1 * * *", "30 2 * * *", "*/15 * * * *", "59 23 * * Sat"]),
    st.sampled_from(["1s", "45m", "3h", "49h"]),
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"]),
    st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-25", "2026-11-01"]),
    st.integers(-24 * 60, 48 * 60),
)
def test_what_is_muted_ends_later_than_now(
    cron: str, duration: str, zone: str, day: str, minutes: int
) -> None:
    window = Mute.model_validate({"cron": cron, "duration": duration, "timeZone": zone})
    now = datetime.fromisoformat(f"{day}T00:00:00Z") + timedelta(minutes=minutes)

    end = window.ends_at(now)

    assert end is None or now < end <= now + timedelta(hours=49)


def test_a_mute_ends_in_utc_wherever_it_was_written() -> None:
    mute = Mute.model_validate({"until": "2026-06-10T14:00:00+02:00"})

    assert f"{mute.ends_at(datetime(2026, 6, 1, tzinfo=UTC))}" == "2026-06-10 12:00:00+00:00"
