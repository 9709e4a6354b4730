"""Numbers and lists of names as sentences have them, said alike wherever a person reads them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """`1 object`, `2 objects`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some_of(names: Sequence[object], most: int) -> str:
    """`dev-1, dev-2 and 36 more`; all of them when there are not more than `most`."""
    shown = ", ".join(map(str, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
