"""How often a cluster went away and came back: counted, and told when it is often.

Hysteresis keeps a flapping cluster from being worked on again and again (`circuits`), and that is
just what would let nobody notice. Pure: times come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LATELY = timedelta(hours=1)
OFTEN = 6  # three times away and back within an hour: no restart of an API server looks like that
_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns from answering to silent and back: `count` since the start, and when the last were."""

    count: int = 0
    recent: tuple[datetime, ...] = ()

    def turned(self, now: datetime) -> Turns:
        """It went away, or came back."""
        kept = [at for at in self.recent if now - at < LATELY]
        return Turns(self.count + 1, (*kept, now)[-_MOST_KEPT:])

    def lately(self, now: datetime) -> int:
        """How many turns there were within the last hour."""
        return sum(now - at < LATELY for at in self.recent)

    def is_flapping(self, now: datetime) -> bool:
        """Whether that is often."""
        return self.lately(now) >= OFTEN
