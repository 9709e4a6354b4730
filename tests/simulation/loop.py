"""The event loop of a simulation: virtual time, and an order of tasks that comes from the seed.

asyncio promises nothing about which of two tasks that became ready together runs first, only that
the callbacks of one future keep their order. So before each pass the tasks that are ready change
places among themselves, and everything else stays where it is.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

from tests.engine.virtual_time import Jumping, VirtualLoop

# So many passes without time going by are no work any more, but somebody who spins.
MOST_PASSES_AT_ONCE = 100_000


class Spinning(Exception):
    """The loop was busy on and on while no time passed, or has nothing left to do."""


class _Deaf(Jumping):
    """Nothing comes from outside of a simulation, so nobody need be asked for it."""

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Spinning("everything waits, and nothing is left that could happen")
        self.seconds += max(0.0, timeout)
        return []


class SimulationLoop(VirtualLoop):
    """A `VirtualLoop` that shuffles the tasks that are ready; `order` is what it draws from."""

    def __init__(self, order: random.Random) -> None:
        super().__init__(_Deaf())
        self._order = order
        self._numbers: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._counter = itertools.count()
        self._passes = 0
        self._at = -1.0

    def _run_once(self) -> None:
        self._count_pass()
        ready: deque[Any] = self._ready  # type: ignore[attr-defined]  # asyncio's own
        if len(ready) > 1:
            self._shuffle(ready)
        super()._run_once()  # type: ignore[misc]  # asyncio's own

    def _shuffle(self, ready: deque[Any]) -> None:
        steps = [index for index, handle in enumerate(ready) if _is_task(handle)]
        if len(steps) < 2:
            return
        # Who woke them may have gone through a set of tasks, whose order is that of addresses.
        handles = sorted((ready[index] for index in steps), key=self._number)
        self._order.shuffle(handles)
        for index, handle in zip(steps, handles, strict=True):
            ready[index] = handle

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """As every loop does; tasks are numbered."""
        task = super().create_task(coro, **options)
        self._numbers[task] = next(self._counter)
        return task

    def _number(self, handle: Any) -> int:
        return self._numbers[handle._callback.__self__]

    def _count_pass(self) -> None:
        if self.time() != self._at:
            self._at, self._passes = self.time(), 0
        self._passes += 1
        if self._passes > MOST_PASSES_AT_ONCE:
            raise Spinning(f"{MOST_PASSES_AT_ONCE} passes of the loop, and no time went by")


def _is_task(handle: Any) -> bool:
    """Whether this is a task that goes on, and not a callback of something else.

    A task has one such handle at a time, so no task overtakes itself.
    """
    owner = getattr(handle._callback, "__self__", None)
    return isinstance(owner, asyncio.Task)
