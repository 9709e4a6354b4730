"""Numbers and lists of names as sentences have them, said alike wherever a person reads them."""

from __future__ import annotations

from collections.abc import Sequence, Sized


def counted(number: int, one: str, many: str = "") -> str:
    """`1 object`, `2 objects`; `many` is given where an s is not enough."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def some_of(names: Sequence[object], most: int) -> str:
    """`dev-1, dev-2 and 36 more`; all of them when there are not more than `most`."""
    shown = ", ".join(map(str, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def and_more(many: Sized) -> str:
    """` (and 2 more)`, after the one of them that was named; empty when it is the only one."""
    return f" (and {len(many) - 1} more)" if len(many) > 1 else ""
