"""Aligned tables for people: glyph and word, colour last, cut to the terminal's width.

Made by hand because the library we use for live views costs 100 ms to import.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, zip_longest
from typing import Any

from shoal.cli.phrasing import clean, colored, with_glyph

Item = Mapping[str, Any]
_GAP = "   "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a heading, and the text of a cell. A `state` column has a glyph and a colour."""

    heading: str
    text: Callable[[Item, datetime], str]
    state: bool = False


def field(heading: str, key: str) -> Column:
    """A column that shows a field as it is."""
    return Column(
        heading, lambda item, now: str(item.get(key) if item.get(key) is not None else "")
    )


def state(heading: str, key: str) -> Column:
    """A column that shows a state."""
    return Column(heading, lambda item, now: str(item.get(key) or ""), state=True)


def format_table(
    items: Sequence[Item],
    columns: Sequence[Column],
    *,
    now: datetime,
    headers: bool = True,
    color: bool = False,
    width: int | None = None,
    sizes: list[int] | None = None,
) -> list[str]:
    """The lines of a table; `width` cuts them, None does not.

    `sizes` are those of the columns so far, and are made larger where they must: what a table goes
    on with later stands below what it began with.
    """
    words = [[clean(column.text(item, now)) for column in columns] for item in items]
    cells = [
        [
            with_glyph(word) if column.state else word
            for word, column in zip(row, columns, strict=True)
        ]
        for row in words
    ]
    headings = [[column.heading for column in columns]] if headers else []
    widths = [max(map(len, col)) for col in zip(*headings, *cells, strict=True)]
    if sizes is not None:
        sizes[:] = widths = list(map(max, zip_longest(widths, sizes, fillvalue=0)))
    lines = [_line(row, widths, width) for row in headings]
    for row, plain in zip(words, cells, strict=True):
        line = _line(plain, widths, width)
        lines.append(_color_states(line, row, columns, widths) if color else line)
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], width: int | None) -> str:
    padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
    line = _GAP.join(padded).rstrip()
    return line[: width - 1] + "…" if width is not None and len(line) > width else line


def _color_states(
    line: str, words: Sequence[str], columns: Sequence[Column], widths: Sequence[int]
) -> str:
    """Colour each state where it stands, after widths were counted and cut; the last one first."""
    starts = accumulate(widths, lambda start, size: start + size + len(_GAP), initial=0)
    cells = list(zip(starts, words, columns, strict=False))  # one start more than there are cells
    for start, word, column in reversed(cells):
        shown = with_glyph(word)
        if column.state and shown != word and line.startswith(shown, start):
            painted = colored(shown, word, color=True)
            line = f"{line[:start]}{painted}{line[start + len(shown) :]}"
    return line


def terminal_width() -> int | None:
    """The width to cut at; None when the output is not a terminal and must be whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
