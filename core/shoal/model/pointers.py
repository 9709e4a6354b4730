"""JSON Pointers (RFC 6901): where something stands in a document, as one text."""

from __future__ import annotations

from collections.abc import Iterable


def pointer(steps: Iterable[str | int]) -> str:
    """The pointer to where these steps lead."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer; none of what is none, or leads to the whole document."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
