"""The database and the store in memory pass one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from shoal.store import open_store
from shoal.testing.memory_store import MemoryDisk, MemoryStore
from shoal.testing.store_conformance import Full, Opened, StoreConformance


@contextmanager
def disk_without_room() -> Iterator[None]:
    """Connections opened within may not let the database grow."""

    def limit(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count=1")
        cursor.close()

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


class TestDatabase(StoreConformance):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return partial(open_store, tmp_path)

    @pytest.fixture
    def full(self) -> Full:
        return disk_without_room


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def disk(self) -> MemoryDisk:
        return MemoryDisk()

    @pytest.fixture
    def room(self) -> dict[str, str]:
        return {"trouble": ""}

    @pytest.fixture
    def opened(self, disk: MemoryDisk, room: dict[str, str]) -> Opened:
        @asynccontextmanager
        async def open_it() -> AsyncIterator[MemoryStore]:
            store = MemoryStore(disk)
            store.trouble = room["trouble"]
            yield store

        return open_it

    @pytest.fixture
    def full(self, room: dict[str, str]) -> Full:
        @contextmanager
        def fill() -> Iterator[None]:
            room["trouble"] = "database or disk is full"
            yield
            room["trouble"] = ""

        return fill

    async def test_a_backup_is_not_touched_by_what_comes_later(
        self, disk: MemoryDisk, opened: Opened, make: Any
    ) -> None:
        async with opened() as store:
            await store.write(make.append(1))
            backup = disk.copy()
            await store.write(make.append(2))
            older = MemoryStore(backup)

            assert (older.last_seq, store.last_seq) == (1, 2)
            assert await older.verify_ledger() is None
