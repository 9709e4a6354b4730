"""Times that come again, written as cron: `30 22 * * Mon-Fri` is half past ten on each workday.

Five fields: minute, hour, day of the month, month, day of the week; each `*`, a number, a range, a
list of these, with `/step`. Months and days may be written by name. As in cron(8), a time fits when
either day fits once both are restricted. Pure; the time zone is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CHANGE = timedelta(hours=3)
"""No clock is put forward or back by more nowadays."""
_PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/(\d+))?")


@dataclass(frozen=True, slots=True)
class Cron:
    """When something begins, again and again."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def last_before(self, now: datetime, zone: tzinfo, within: timedelta) -> datetime | None:
        """The latest time that fits, not after `now` and less than `within` before it; in UTC.

        In another zone a duration that is added to it would be one of the clock on the wall, which
        is an hour off when that is changed meanwhile. Times that a change of the clock leaves out
        do not come; those that come twice count once.
        """
        local, earliest = now.astimezone(zone).replace(tzinfo=None), now - within
        for back in range(within.days + 2):
            day = local.date() - timedelta(days=back)
            if self._fits(day):
                for clock in self._clock_times(day, local + _CHANGE):
                    if clock < local - within - _CHANGE:
                        return None
                    at = _read_from(clock, zone)
                    if at is not None and earliest < at <= now:
                        return at
        return None

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (in_month or in_week) if self.either_day else (in_month and in_week)

    def _clock_times(self, day: date, newest: datetime) -> Iterator[datetime]:
        """What a clock on the wall shows when it fits, the latest first."""
        for hour in sorted(self.hours, reverse=True):
            if datetime.combine(day, time(hour)) <= newest:
                for minute in sorted(self.minutes, reverse=True):
                    yield datetime.combine(day, time(hour, minute))


def _read_from(clock: datetime, zone: tzinfo) -> datetime | None:
    """When a clock in this zone shows it, in UTC; None when that is left out."""
    at = clock.replace(tzinfo=zone).astimezone(UTC)
    # A time that the clock jumps over is another one when it is read back.
    return at if at.astimezone(zone).replace(tzinfo=None) == clock else None


def parse_cron(text: str) -> Cron:
    """Read five fields; ValueError, in one sentence, for anything else."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError("expected five fields, such as `0 22 * * *` for every day at 22:00")
    minute, hour, day, month, weekday = fields
    weekdays = _numbers(weekday, 0, 7, "day of the week", _DAYS)
    return Cron(
        _numbers(minute, 0, 59, "minute"),
        _numbers(hour, 0, 23, "hour"),
        _numbers(day, 1, 31, "day of the month"),
        _numbers(month, 1, 12, "month", ("", *_MONTHS)),
        frozenset(number % 7 for number in weekdays),
        day != "*" and weekday != "*",
    )


def _numbers(
    text: str, first: int, last: int, what: str, names: tuple[str, ...] = ()
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        match = _PART.fullmatch(part)
        if match is None or match[2] == "0":
            raise ValueError(f"{part!r} is no {what}")
        span, step = match[1], int(match[2] or 1)
        low, _, high = (f"{first}-{last}" if span == "*" else span).partition("-")
        begin = _number(low, first, last, what, names)
        open_end = last if match[2] else begin
        end = _number(high, first, last, what, names) if high else open_end
        if end < begin:
            raise ValueError(f"{part!r} ends before it begins")
        found.update(range(begin, end + 1, step))
    return frozenset(found)


def _number(text: str, first: int, last: int, what: str, names: tuple[str, ...]) -> int:
    if text in names and text:
        return names.index(text)
    if not (text.isascii() and text.isdigit() and len(text) < 3 and first <= int(text) <= last):
        raise ValueError(f"{text!r} is no {what}, which is {first} to {last}")
    return int(text)
