"""The store of one process: commits take time, may fail, and end with the process that asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import anyio

from shoal.model.records import Record
from shoal.store.changes import Change
from shoal.testing.memory_store import MemoryDisk, MemoryStore

Committed = Callable[[Sequence[Change], Sequence[Record]], None]


class SimulatedStore(MemoryStore):
    """A `MemoryStore` that tells of each commit; `trouble_of` says why none is possible now."""

    def __init__(
        self,
        disk: MemoryDisk,
        draw: random.Random,
        *,
        trouble_of: Callable[[], str],
        is_slow: Callable[[], bool],
        crossing: Callable[[], None],
        committed: Committed,
    ) -> None:
        super().__init__(disk)
        self.is_alive = True
        self._draw = draw
        self._trouble_of = trouble_of
        self._is_slow = is_slow
        self._crossing = crossing
        self._committed = committed

    async def write(self, *changes: Change) -> Sequence[Record]:
        """As `MemoryStore.write`, after a while, and not once the process is dead."""
        await self._wait()
        self._crossing()  # handed in, and not written
        await self._gone_with_the_process()
        self.trouble = self._trouble_of()
        records = await super().write(*changes)
        self._committed(changes, records)
        self._crossing()  # written, and nobody knows
        await self._gone_with_the_process()
        await self._wait()
        return records

    async def _wait(self) -> None:
        slow = self._is_slow()
        await anyio.sleep(self._draw.choice((0.1, 2.0, 5.0) if slow else (0.0, 0.0, 0.002, 0.02)))

    async def _gone_with_the_process(self) -> None:
        while not self.is_alive:
            await anyio.sleep(3600)
