"""How things stand, read anew for each look at the metrics and shared by all that are told of it.

A look (a scrape, an export) happens in a thread, and what it looks at belongs to the event loop. So
the first question of a look asks the loop once, and all that follow within a second are answered
from the same reading. A reading that fails or does not come tells nothing, rather than old numbers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout

import structlog

from shoal.model.metrics import Attributes, Metric

Series = tuple[float, Attributes]
Readings = Mapping[Metric, Sequence[Series]]
"""Of each metric, the value of each of its series now."""

SAME_LOOK_SECONDS = 1.0
LOOP_SECONDS = 10.0
_log = structlog.get_logger("shoal.metrics")


class Latest:
    """The newest reading. `read` is awaited in the loop that this is made in; `beside` is not."""

    def __init__(
        self, read: Callable[[], Awaitable[Readings]], beside: Callable[[], Readings]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = read
        self._beside = beside
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._readings: Readings = {}

    def of(self, metric: Metric) -> Sequence[Series]:
        """The series of one metric; blocks until the loop has answered, so not called from it."""
        with self._lock:
            if time.monotonic() - self._at > SAME_LOOK_SECONDS:
                self._readings = {**self._asked(), **self._beside()}
                self._at = time.monotonic()
            return self._readings.get(metric, ())

    def _asked(self) -> Readings:
        asking = self._awaited()
        try:
            answer = asyncio.run_coroutine_threadsafe(asking, self._loop)
        except RuntimeError:  # the loop is closed: the controller has ended
            asking.close()
            return {}
        try:
            return answer.result(LOOP_SECONDS)
        except (FutureTimeout, CancelledError):
            answer.cancel()
            return {}

    async def _awaited(self) -> Readings:
        try:
            return await self._read()
        except Exception:  # a border: what cannot be told must not end what is told of it
            _log.exception("the state could not be read for its metrics")
            return {}
