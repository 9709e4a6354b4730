"""Real faults of a disk: each is one clear sentence, and what can heal by itself does."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shoal.errors import StateUnusable, StoreUnavailable
from shoal.model.records import Deed
from shoal.store import PutOwned, PutSetting, connecting, open_store

FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from shoal.errors import StoreUnavailable
from shoal.store import PutSetting, open_store

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with open_store(Path(sys.argv[1])) as store:
        await store.write(PutSetting("before", "1"))
        whole = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, whole[1]))
        try:
            await store.write(PutSetting("full", "x" * 100_000))
        except StoreUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
        await store.write(PutSetting("after", "1"))
        state = await store.load()
        print(sorted(set(state.settings) & {"before", "full", "after"}))

asyncio.run(main())
"""


async def test_a_file_that_cannot_grow_writes_nothing_until_it_can(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL, str(tmp_path), stdout=subprocess.PIPE
    )
    async with asyncio.timeout(60):
        told, _ = await child.communicate()

    *_, refused, kept = told.decode().splitlines()
    assert refused.startswith("the state database cannot be written: ")
    assert "free space on its disk" in refused
    assert kept == "['after', 'before']"


async def test_a_lock_held_by_another_process_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BUSY_TIMEOUT_MILLISECONDS", 100)
    async with open_store(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / "shoal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="database is locked"):
                await store.write(PutSetting("locked", "1"))
            other.execute("ROLLBACK")
        await store.write(PutSetting("free", "1"))
        settings = (await store.load()).settings

    assert "free" in settings
    assert "locked" not in settings


@pytest.mark.parametrize("is_replaced", [False, True], ids=["deleted", "replaced"])
async def test_a_file_that_is_deleted_or_replaced_takes_no_more_writes(
    tmp_path: Path, make: Any, is_replaced: bool
) -> None:
    database = tmp_path / "shoal.db"
    async with open_store(tmp_path) as store:
        await store.write(make.append(1))
        if is_replaced:
            shutil.copy(database, tmp_path / "copy")
        database.unlink()
        if is_replaced:
            (tmp_path / "copy").rename(database)
        with pytest.raises(StoreUnavailable, match=r"deleted or replaced.*shoal restore"):
            await store.write(make.append(2))
        with pytest.raises(StoreUnavailable, match="deleted or replaced"):
            await store.write(make.append(3))


async def test_a_page_that_is_damaged_while_it_is_open_is_said(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        await store.write(PutOwned([make.owned(f"name-{n}") for n in range(500)]))
    database = tmp_path / "shoal.db"
    async with open_store(tmp_path) as store:
        damage(database)
        with pytest.raises(StoreUnavailable, match="malformed"):
            await store.write(PutOwned([make.owned(f"name-{n}", uid="new") for n in range(500)]))


async def test_a_ledger_that_cannot_be_read_is_said(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        await store.write(*(make.append(number) for number in range(500)))
    async with open_store(tmp_path) as store:
        damage(tmp_path / "shoal.db")
        with pytest.raises(StoreUnavailable, match="the ledger cannot be read"):
            await store.records(limit=500)
        with pytest.raises(StoreUnavailable, match="the ledger cannot be read"):
            await store.first_times(Deed.TARGET_SYNCED, revision="", subject_prefix="")


def damage(database: Path) -> None:
    """Overwrite all but the roots of the tables, in place."""
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096 * 45)
        file.write(b"\xff" * (size - 4096 * 45))


async def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    database = tmp_path / "shoal.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()

    with pytest.raises(StateUnusable, match="newer Shoal"):
        async with open_store(tmp_path):
            pass

    assert database.read_bytes() == before


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A state folder on a file system that takes no writes."""
    state = tmp_path / "state"
    state.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", state]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    yield state
    subprocess.run(["umount", state], check=True)


async def test_a_read_only_file_system_is_said(read_only: Path) -> None:
    with pytest.raises(StateUnusable, match="cannot be used: Read-only file system"):
        async with open_store(read_only):
            pass
