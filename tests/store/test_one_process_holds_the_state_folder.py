"""The folder: its lock, its permissions, its key, and files that are not what they should be."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shoal.errors import StateInUse, StateUnusable
from shoal.store import PutOwned, open_store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_second_opener_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        with pytest.raises(StateInUse, match=f"process {os.getpid()}.*--state"):
            async with open_store(tmp_path):
                pass

    async with open_store(tmp_path):
        pass


async def test_only_the_owner_can_look_inside(tmp_path: Path, make: Any) -> None:
    folder = tmp_path / "deep" / "state"
    previous = os.umask(0)
    try:
        async with open_store(folder) as store:
            await store.write(make.append(1))
            modes = {path.name: mode(path) for path in folder.iterdir()}
    finally:
        os.umask(previous)

    assert mode(folder) == 0o700
    assert set(modes) >= {"shoal.db", "shoal.db-wal", "installation.key", "lock"}
    assert set(modes.values()) == {0o600}


async def test_the_key_is_made_once(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        first = store.digester.digest("", "Secret", {"password": "hush"})
    async with open_store(tmp_path) as store:
        second = store.digester.digest("", "Secret", {"password": "hush"})
        installation = store.installation

    assert first == second
    assert len((tmp_path / "installation.key").read_bytes()) == 32
    async with open_store(tmp_path) as store:
        assert store.installation == installation


async def test_a_key_file_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "installation.key").write_bytes(b"short")

    with pytest.raises(StateUnusable, match=r"installation\.key is not an installation key"):
        async with open_store(tmp_path):
            pass


async def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(StateUnusable, match="cannot be used"):
        async with open_store(tmp_path / "state"):
            pass


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "shoal.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StateUnusable, match=r"newer Shoal .*9999"):
        async with open_store(tmp_path):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shoal.db").write_bytes(b"not a database, but long enough to be read" * 100)

    with pytest.raises(StateUnusable, match=r"is damaged.*backup"):
        async with open_store(tmp_path):
            pass


async def test_a_damaged_page_is_named_when_the_state_is_loaded(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        await store.write(PutOwned([make.owned(f"name-{n}") for n in range(500)]))
    database = tmp_path / "shoal.db"
    whole = database.read_bytes()
    # The tables' roots are in the first 20 pages; the inventory's leaves come after them.
    database.write_bytes(whole[: 4096 * 40] + b"\xff" * (len(whole) - 4096 * 40))

    with pytest.raises(StateUnusable, match="is damaged"):
        async with open_store(tmp_path) as store:
            await store.load()


async def test_a_path_with_odd_characters_works(tmp_path: Path, make: Any) -> None:
    folder = tmp_path / "100% of ä #1?"
    async with open_store(folder) as store:
        await store.write(make.append(1))

    assert (folder / "shoal.db").exists()
