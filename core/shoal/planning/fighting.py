"""When somebody else changes an object back again and again: slower, and then a person.

A controller that writes the same field is not convinced by writing it more often. Each correction
of one object within ten minutes makes the next one later (1 s, 2 s, 4 s …); after the fifth the
object is left to whoever wants it otherwise, until a person has decided. Pure: times are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shoal.model.identity import ObjectKey

WINDOW = timedelta(minutes=10)
MOST_CORRECTIONS = 5
FIRST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Struggle:
    """The latest corrections of one object, oldest first."""

    corrections: tuple[datetime, ...] = ()

    def corrected(self, now: datetime) -> Struggle:
        """With one more correction."""
        return Struggle((*self._recent(now)[1 - MOST_CORRECTIONS :], now))

    def next_at(self, now: datetime) -> datetime:
        """When the object may be corrected again; now or earlier: at once."""
        recent = self._recent(now)
        return recent[-1] + FIRST_WAIT * 2 ** (len(recent) - 1) if recent else now

    def is_fight(self, now: datetime) -> bool:
        """Whether it was corrected so often that correcting it once more would change nothing."""
        return len(self._recent(now)) >= MOST_CORRECTIONS

    def is_over(self, now: datetime) -> bool:
        """Whether nothing of it counts any more."""
        return not self._recent(now)

    def _recent(self, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.corrections if now - at < WINDOW)


NONE = Struggle()


def still_counting(
    struggles: Mapping[ObjectKey, Struggle], now: datetime
) -> dict[ObjectKey, Struggle]:
    """Those that still count: only what was corrected lately takes room."""
    return {key: each for key, each in struggles.items() if not each.is_over(now)}


def is_reset(drifted: int, owned: int) -> bool:
    """Whether so much of a target drifted at once that it is one event, and one ordinary sync.

    Somebody restored a backup, deleted a namespace or ran another tool over it.
    """
    return drifted >= 3 and drifted * 5 > owned
