"""Durations as people write them: `30s`, `5m`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?$",
    "examples": ["30s", "5m", "1h30m"],
}
_MOST_HOURS = 10 * 365 * 24
"""Ten years: a time so far away that there is no date for it could not be waited for."""


def parse_duration(value: object) -> timedelta:
    """Read a Go-style duration of hours, minutes and seconds: `30s`, `5m`, `1h30m`."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    if hours + minutes / 60 + seconds / 3600 > _MOST_HOURS:
        raise ValueError(f"a duration is at most {_MOST_HOURS}h, which is ten years")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a duration as `parse_duration` reads it."""
    total = value.total_seconds()
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{int(hours)}h" if hours else "", f"{int(minutes)}m" if minutes else ""]
    if seconds or not any(parts):
        parts.append(f"{seconds:g}s")
    return "".join(parts)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
