"""Notices that the event loop stands still, and says who keeps it from turning.

Everything in the controller waits for one loop, so a plugin that computes or blocks in it holds up
every cluster, and no deadline can end it: nobody is there to see that it has passed. A thread
beside the loop can still look. It asks the loop for a sign of life every second; when none comes,
it logs once what the loop is doing, with its stack. Nothing is stopped: a thread cannot be. How
long it took is told afterwards, and shown by `shoal status`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shoal.engine.stepping import Steps

STALL_SECONDS = 5.0
"""Ten times what the largest piece of honest work takes on a busy machine."""
_log = structlog.get_logger("shoal.loop")


class LoopWatch:
    """Watches the loop that it is started in. `stood_still` hears for whom, and for how long.

    `lagged` hears, once a second, how late the loop was.
    """

    def __init__(
        self,
        steps: Steps,
        stood_still: Callable[[str, float], None],
        *,
        lagged: Callable[[float], None] = lambda seconds: None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._steps = steps
        self._lagged = lagged
        self._stood_still = stood_still
        self._stall_seconds = stall_seconds
        self._ended = threading.Event()
        self._turned_at = time.monotonic()
        self._blamed: str | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch as long as the context is open; call it inside the event loop."""
        loop, ident = asyncio.get_running_loop(), threading.get_ident()
        thread = threading.Thread(
            target=self._watch, args=(loop, ident), name="shoal-loop-watch", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop, ident: int) -> None:
        interval = self._stall_seconds / 5
        looked_at = time.monotonic()
        while not self._ended.wait(interval):
            now = time.monotonic()
            if now - looked_at > self._stall_seconds:
                # The whole process stood still, this thread too: nobody in it is to blame.
                self._turned_at = now
            looked_at = now
            loop.call_soon_threadsafe(self._turned, now)
            if self._blamed is None and now - self._turned_at > self._stall_seconds:
                self._blame(ident)

    def _blame(self, ident: int) -> None:
        self._blamed = self._steps.current or "no call of a plugin"
        frame = sys._current_frames().get(ident)
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        _log.error("the event loop stands still", call=self._blamed, stack=stack)

    def _turned(self, asked_at: float) -> None:
        """Runs in the loop: it turns."""
        now = time.monotonic()
        self._lagged(now - asked_at)
        if self._blamed is not None:
            seconds, blamed, self._blamed = now - self._turned_at, self._blamed, None
            _log.warning("the event loop turns again", call=blamed, seconds=round(seconds, 1))
            self._stood_still(blamed, seconds)
        self._turned_at = now
