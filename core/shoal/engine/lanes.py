"""Turns for work of which some runs wild: what takes long leaves its turn to others.

A turn is held for a moment only. Work that takes longer goes on in a lane for slow work, so that a
few applications whose charts loop do not keep every other one waiting until they are stopped. Used
by `rendering`, which has deadlines beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")
SLOW_SECONDS = 1.0  # fifty times what a large chart takes


class Lanes:
    """`at_once` pieces of quick work, and beside them `slow_at_once` that turned out to be slow.

    When the slow lane is full too, slow work keeps its turn until there is room.
    """

    def __init__(
        self, at_once: int, *, slow_at_once: int, slow_seconds: float = SLOW_SECONDS
    ) -> None:
        self._quick = anyio.Semaphore(at_once)
        self._slow = anyio.Semaphore(slow_at_once)
        self._slow_seconds = slow_seconds

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for a turn, and do the work; raises what it raises."""
        result: list[T] = []
        error: Exception | None = None
        held = self._quick
        await held.acquire()

        async def leave() -> None:
            nonlocal held
            await anyio.sleep(self._slow_seconds)
            await self._slow.acquire()
            held, quick = self._slow, held
            quick.release()

        try:
            async with anyio.create_task_group() as beside:
                beside.start_soon(leave)
                try:
                    result.append(await work())
                except Exception as caught:  # raised again below, where no group wraps it
                    error = caught
                beside.cancel_scope.cancel()
        finally:
            held.release()
        if error is not None:
            raise error
        return result[0]
