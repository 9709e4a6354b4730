"""Lengths of time as people write them, in documents and on the command line: `30s`, `1h30m`, `7d`.

A day has 24 hours. Light, because it is on the path of every command: the type of a document's
field is in `duration_fields`.
"""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = r"^(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?$"
"""In the words that Python and JSON Schema share."""
_DURATION = re.compile(PATTERN)
_MOST_DAYS = 3650
"""Ten years: a time so far away that there is no date for it could not be waited for."""


def parse_duration(value: object) -> timedelta:
    """Read days, hours, minutes and seconds, in this order; ValueError says what is wrong."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration such as 30s, 5m, 1h30m or 7d")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    if days + hours / 24 + minutes / 1440 + seconds / 86400 > _MOST_DAYS:
        raise ValueError(f"expected a duration of at most {_MOST_DAYS}d, which is ten years")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a duration as `parse_duration` reads it, in the largest units."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = ((value.days, "d"), (hours, "h"), (minutes, "m"))
    parts = [f"{amount}{unit}" for amount, unit in units if amount]
    if seconds or value.microseconds:
        parts.append(f"{seconds}.{value.microseconds:06}".rstrip("0").rstrip(".") + "s")
    return "".join(parts) or "0s"
