"""How many requests one API server gets at a time: fewer when it is slow or says so.

One limiter per session. It starts at what the Cluster document allows, halves when the server
answers 429 or when more than one in a hundred requests took over a second, and grows back by one
for every full round of good answers. Watches are not counted: they cost a server next to nothing
and would otherwise hold every slot for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

import anyio

SLOW_SECONDS = 1.0
"""A request that takes longer counts as slow (SAFETY: p99 above 1 s halves the limit)."""

_WINDOW = 100
"""Requests judged together: with two slow ones among them, p99 is above the line."""


class Limiter:
    """Bounds requests in flight; `clock` is monotonic seconds."""

    def __init__(self, requests_in_flight: int, clock: Callable[[], float]) -> None:
        self._most = requests_in_flight
        self._clock = clock
        self._slots = anyio.CapacityLimiter(requests_in_flight)
        self._not_before = 0.0
        self._seen = 0
        self._slow = 0
        self._good = 0

    @property
    def capacity(self) -> int:
        """How many requests may be in flight now."""
        return int(self._slots.total_tokens)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Wait for a place, hold it, and learn from how long the holder took."""
        return _Slot(self)

    async def enter(self, borrower: object) -> float:
        """Wait for a place; the time at which it was had."""
        try:
            # A free place is taken without a turn of the loop.
            self._slots.acquire_on_behalf_of_nowait(borrower)
        except anyio.WouldBlock:
            await self._slots.acquire_on_behalf_of(borrower)
        try:
            if (pause := self._not_before - self._clock()) > 0:
                await anyio.sleep(pause)
        except BaseException:
            self._slots.release_on_behalf_of(borrower)
            raise
        return self._clock()

    def leave(self, borrower: object, entered: float, *, is_answered: bool) -> None:
        """Give the place back; only an answer tells how fast the server is."""
        if is_answered:
            self._learn(self._clock() - entered)
        self._slots.release_on_behalf_of(borrower)

    def push_back(self, after_seconds: float) -> None:
        """The server said 429: nothing is sent before `after_seconds`, and then half as much."""
        self._not_before = max(self._not_before, self._clock() + after_seconds)
        self._halve()

    def _learn(self, seconds: float) -> None:
        self._seen += 1
        if seconds > SLOW_SECONDS:
            self._slow += 1
            self._good = 0
            if self._slow > 1:
                self._halve()
        else:
            self._good += 1
        if self._seen >= _WINDOW:
            self._seen = self._slow = 0
        if self._good >= self.capacity and self.capacity < self._most:
            self._slots.total_tokens = self.capacity + 1
            self._good = 0

    def _halve(self) -> None:
        self._slots.total_tokens = max(1, self.capacity // 2)
        self._seen = self._slow = self._good = 0


class _Slot(AbstractAsyncContextManager[None]):
    """One place; a class, because a generator would cost as much again as the place itself."""

    __slots__ = ("_entered", "_limiter")

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._entered = 0.0

    async def __aenter__(self) -> None:
        self._entered = await self._limiter.enter(self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._limiter.leave(self, self._entered, is_answered=error is None)
