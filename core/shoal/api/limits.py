"""Bounded memories of the webhook listener: how often an address asks, and what was seen before.

Both take a clock and hold a bounded number of entries; the oldest is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

_BURST = 60.0  # a push to a monorepo with many webhooks arrives at once
_PER_SECOND = 2.0
_ADDRESSES = 1024
_REPLAY_SECONDS = 600.0  # forges give up retrying a delivery within minutes
_DELIVERIES = 8192


class RateLimit:
    """A token bucket per address."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Take one token, if there is one."""
        now = self._now()
        tokens, at = self._buckets.pop(address, (_BURST, now))
        tokens = min(_BURST, tokens + (now - at) * _PER_SECOND)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        return allowed


class SeenBefore:
    """What was seen within the replay window."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: OrderedDict[str, float] = OrderedDict()

    def any(self, marks: Iterable[str]) -> bool:
        """Was one of these seen?"""
        oldest = self._now() - _REPLAY_SECONDS
        return any(self._seen.get(mark, oldest) > oldest for mark in marks)

    def add(self, marks: Iterable[str]) -> None:
        """Remember these."""
        for mark in marks:
            self._seen[mark] = self._now()
            self._seen.move_to_end(mark)
        while len(self._seen) > _DELIVERIES:
            self._seen.popitem(last=False)
