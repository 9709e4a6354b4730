"""The clock of the engine: the wall clock, except that it never goes back.

Everything that waits for a time compares it with this clock. A wall clock that is set back by an
hour, as NTP does soon after a machine has started, would stop all of it for that hour: probes,
fetches, retries. So time goes on at half its speed then, until the wall clock has caught up. What
is set forward, or has slept, is believed at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _wall() -> datetime:
    return datetime.now(UTC)


class EngineClock:
    """Tells the time; never earlier than before. Used from one thread."""

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._told, self._told_at = wall(), monotonic()

    def __call__(self) -> datetime:
        """Now."""
        at = self._monotonic()
        slowly = self._told + timedelta(seconds=(at - self._told_at) / 2)
        self._told, self._told_at = max(self._wall(), slowly), at
        return self._told
