"""Tells readers of the ledger that there is more, so that nobody asks again and again.

A reader has a cursor, the seq of the last record it has seen, and waits for a later one. However
many wait, whatever they do meanwhile: nothing is kept for them here, they read the ledger itself.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio


class News:
    """`tell` wakes all who `wait_past` a seq that is not the last one any more."""

    def __init__(self, last_seq: Callable[[], int]) -> None:
        self._last_seq = last_seq
        self._told = anyio.Event()

    def tell(self) -> None:
        """The last seq is another one."""
        told, self._told = self._told, anyio.Event()
        told.set()

    async def wait_past(self, seq: int) -> None:
        """Return once there is a record after `seq`: at once when there is one already."""
        while self._last_seq() <= seq:
            await self._told.wait()
