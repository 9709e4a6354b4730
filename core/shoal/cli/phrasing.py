"""How values read in a terminal: glyph and word, relative times, short revisions, safe text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import click

from shoal.model.durations import parse_duration

GLYPHS: Mapping[str, tuple[str, str]] = {
    "Synced": ("✔", "green"),
    "Syncing": ("↻", "bright_blue"),
    "Pending": ("↻", "bright_blue"),
    "Differs": ("▲", "bright_yellow"),
    "Drifted": ("▲", "bright_yellow"),
    "Held": ("⏸", "magenta"),
    "Suspended": ("⏸", "magenta"),
    "Removing": ("⏸", "magenta"),
    "Warning": ("▲", "bright_yellow"),
    "Unknown": ("◌", "white"),
    "Failed": ("✖", "bright_red"),
    "NotNamed": ("○", "yellow"),
    "Ok": ("✔", "green"),
    "Made": ("✔", "green"),
    "Kept": ("·", "white"),
    "Answers": ("✔", "green"),
    "Silent": ("✖", "bright_red"),
    "Refused": ("✖", "bright_red"),
    "Healthy": ("✔", "green"),
    "Progressing": ("↻", "bright_blue"),
    "Degraded": ("✖", "bright_red"),
    "Blocked": ("✖", "bright_red"),
    "Missing": ("✖", "bright_red"),
    "True": ("✔", "green"),
    "False": ("✖", "bright_red"),
    "succeeded": ("✔", "green"),
    "partial": ("▲", "bright_yellow"),
    "failed": ("✖", "bright_red"),
    "noted": ("·", "white"),
}
"""State → glyph and colour. What is well is the quietest; the word always stands beside it."""

_SHA = re.compile(r"[0-9a-f]{12,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\t")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def clean(text: str, *, keep_lines: bool = False) -> str:
    """Text from clusters and repositories without what would steer a terminal."""
    return (_CONTROL_IN_LINES if keep_lines else _CONTROL).sub(" ", text)


def with_glyph(state: str) -> str:
    """`✔ Synced`; a state without a glyph is itself."""
    return f"{GLYPHS[state][0]} {state}" if state in GLYPHS else state


def colored(text: str, state: str, *, color: bool) -> str:
    """The text in the colour of a state."""
    return click.style(text, fg=GLYPHS[state][1]) if color and state in GLYPHS else text


def short_revision(revision: str) -> str:
    """Commit hashes as people say them; anything else as it is."""
    return _SHA.sub(lambda found: found.group()[:8], revision)


def read_time(text: str | None) -> datetime | None:
    """A time of the API; None stays None."""
    return datetime.fromisoformat(text) if text else None


def span_of(delta: timedelta) -> str:
    """A length of time in its largest unit that says enough: `45s`, `12m`, `3h`, `9d`."""
    seconds = int(abs(delta.total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 2 * 3600:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h" if seconds < 48 * 3600 else f"{seconds // 86400}d"


def relative(text: str | None, now: datetime) -> str:
    """`4m ago`, `in 23h`, or a dash for never."""
    at = read_time(text)
    if at is None:
        return "-"
    return (
        f"in {span_of(at - now)}" if at > now + timedelta(seconds=1) else f"{span_of(now - at)} ago"
    )


def clock_time(text: str) -> str:
    """A time of the API by the clock of this machine: `01-31 14:05:09`."""
    return datetime.fromisoformat(text).astimezone().strftime("%m-%d %H:%M:%S")


def now_utc() -> datetime:
    """The time that relative times are relative to."""
    return datetime.now(UTC)


class DurationType(click.ParamType[timedelta]):
    """A length of time on the command line: `30s`, `15m`, `24h`, `7d`, `1h30m`."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it, or fail as a usage error."""
        try:
            duration = parse_duration(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not duration:
            self.fail(f"{value!r}: expected more than 0s", param, ctx)
        return duration
