"""What happened in a run, line by line: its digest says whether two runs were the same."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field

KEPT = 400


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, when, and how that was seen."""

    at: float
    invariant: str
    message: str

    def __str__(self) -> str:
        return f"{self.at:9.1f} s  {self.invariant}: {self.message}"


@dataclass
class Trace:
    """The newest lines, the digest of all, and counts. `listening` keeps all lines."""

    listening: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    everything: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _state: hashlib._Hash = field(default_factory=hashlib.sha256)

    def note(self, at: float, what: str, text: str) -> None:
        """One line; `what` is counted."""
        self.counts[what] += 1
        line = f"{at:11.3f} {what} {text}"
        self._state.update(line.encode())
        self.lines.append(line)
        if self.listening:
            self.everything.append(line)

    @property
    def digest(self) -> str:
        """Equal when, and only when, the same things happened at the same times."""
        return self._state.hexdigest()
