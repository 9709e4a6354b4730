"""How many requests one API server gets at a time: fewer when it is slow or says so.

One limiter per session. It starts at what the Cluster document allows, halves when the server
answers 429 or when more than one in a hundred requests took over a second, and grows back by one
for every full round of good answers. Watches are not counted: they cost a server next to nothing
and would otherwise hold every slot for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

import anyio

SLOW_SECONDS = 1.0
"""A request that takes longer counts as slow (SAFETY: p99 above 1 s halves the limit)."""

_WINDOW = 100
"""Requests judged together: with two slow ones among them, p99 is above the line."""

_RECENT_SECONDS = 60.0
_MOST_PUSHED_BACK_SECONDS = 300.0
"""A server may ask for more patience, but a broken proxy must not silence it for a day."""


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
        self._recent: deque[tuple[float, float]] = deque(maxlen=_WINDOW)

    @property
    def capacity(self) -> int:
        """How many requests may be in flight now."""
        return int(self._slots.total_tokens)

    @property
    def pause_seconds(self) -> float:
        """How long nothing may be sent, because the server said so."""
        return max(0.0, self._not_before - self._clock())

    @property
    def latency_seconds(self) -> float | None:
        """What all but one in a hundred of the last minute's answers took at most; None: no answer.

        One that took long says nothing yet, as it does to the limit itself.
        """
        since = self._clock() - _RECENT_SECONDS
        took = sorted(seconds for at, seconds in self._recent if at >= since)
        return took[-2] if len(took) > 1 else took[0] if took else None

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
            while (pause := self.pause_seconds) > 0:  # noqa: ASYNC110  # time is waited for
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
        pause = min(after_seconds, _MOST_PUSHED_BACK_SECONDS)
        is_news = self.pause_seconds == 0  # sixteen that were in flight together are one refusal
        self._not_before = max(self._not_before, self._clock() + pause)
        if is_news:
            self._halve()

    def saw(self, seconds: float) -> None:
        """An answer that needed no place took so long."""
        self._recent.append((self._clock(), seconds))

    def _learn(self, seconds: float) -> None:
        self.saw(seconds)
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
