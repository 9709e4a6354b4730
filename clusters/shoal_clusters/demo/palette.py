"""States as glyph, word and colour: what is well is the quietest, trouble the brightest.

The colours were chosen to stay apart for every kind of colour vision, and fill whole cells, so that
they read on a dark terminal and on a light one. The word always stands beside the glyph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich.style import Style
from rich.text import Text


class Look(NamedTuple):
    """How one state is drawn."""

    glyph: str
    style: Style


_LIGHT, _DARK = "#ffffff", "#10151c"
_WELL = Look("✔", Style(color=_LIGHT, bgcolor="#2d4f4c"))
_MOVING = Look("↻", Style(color=_DARK, bgcolor="#518cfd"))
_DRIFTED = Look("▲", Style(color=_DARK, bgcolor="#fcde3e"))
_FAILED = Look("✖", Style(color=_DARK, bgcolor="#ed5038", bold=True))
_WAITING = Look("⏸", Style(color=_LIGHT, bgcolor="#9b3ba2"))
_UNKNOWN = Look("◌", Style(color=_DARK, bgcolor="#adadad"))

_LOOKS: Mapping[str, Look] = {
    "Synced": _WELL,
    "Healthy": _WELL,
    "Syncing": _MOVING,
    "Pending": _MOVING,
    "Progressing": _MOVING,
    "Differs": _DRIFTED,
    "Drifted": _DRIFTED,
    "Held": _WAITING,
    "Removing": _WAITING,
    "Failed": _FAILED,
    "Degraded": _FAILED,
    "Missing": _FAILED,
    "succeeded": _WELL,
    "partial": _DRIFTED,
    "failed": _FAILED,
    "noted": Look("·", Style(dim=True)),
}


def look_of(state: str) -> Look:
    """The look of a state; one that is not known is drawn as unknown."""
    return _LOOKS.get(state, _UNKNOWN)


def with_glyph(state: str) -> str:
    """`✔ Synced`."""
    return f"{look_of(state).glyph} {state}"


def state_cell(state: str) -> Text:
    """A state that fills its cell."""
    return Text(f" {with_glyph(state)} ", style=look_of(state).style)
