"""Whose step the event loop is taking: what a loop that stands still is blamed on.

Between two awaits a plugin has the loop for itself. Every call of a seam, and every step of one
that waits in between, says so here, where the watch of the loop looks when the loop stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stall:
    """The event loop stood still: for whom, how long, and when it went on."""

    call: str
    seconds: float
    at: datetime


class Steps:
    """Knows the step that is being taken; one per guard. Read by another thread."""

    def __init__(self) -> None:
        self.current = ""

    @contextmanager
    def under(self, name: str) -> Iterator[None]:
        """A step of this call; what is called meanwhile is a step of its own."""
        before, self.current = self.current, name
        try:
            yield
        finally:
            self.current = before
