"""A backup is whole at any moment, and what is restored knows that it is old."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import tarfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from shoal.errors import StateInUse, StateUnusable, StoreUnavailable
from shoal.model.records import Deed
from shoal.store import (
    RESTORED,
    PutApproval,
    PutHold,
    PutIdentity,
    PutOwned,
    PutSetting,
    open_store,
    upgrading,
)
from shoal.store.backing_up import back_up
from shoal.store.folder import prepare_folder
from shoal.store.restoring import Restored, restore


async def put_back(make: Any, folder: Path, file: Path) -> Restored:
    now = make.now + timedelta(hours=2)
    return await restore(folder, file, who="ana", reason="the disk died", now=now)


async def backed_up(make: Any, folder: Path, file: Path) -> None:
    """A backup of a folder with a little in it."""
    async with open_store(folder) as store:
        await store.write(PutOwned([make.owned()]), PutHold(make.hold()), make.append(1))
    await asyncio.to_thread(back_up, folder, file, make.now)


async def test_what_was_backed_up_comes_back(tmp_path: Path, make: Any) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    await backed_up(make, state, file)
    key = (state / "installation.key").read_bytes()
    async with open_store(state) as store:
        await store.write(PutIdentity("prod", "later"), make.append(2))
        installation = store.installation

    done = await put_back(make, state, file)

    async with open_store(state) as store:
        loaded, records = await store.load(), await store.records(newest_first=False)
        assert await store.verify_ledger() is None
        assert store.installation == installation
    assert loaded.inventory == {"prod": {make.key(): make.owned()}}
    assert loaded.holds == {make.hold().id: make.hold()}
    assert loaded.identities == {}
    assert (state / "installation.key").read_bytes() == key
    assert [record.entry.what for record in records] == [Deed.TARGET_SYNCED, Deed.STATE_RESTORED]
    told = records[-1].entry
    assert (told.who, told.why, told.body["seq"]) == ("ana", "the disk died", 1)
    assert done.aside is not None


async def test_a_restored_state_says_that_it_is_old_and_believes_no_approval(
    tmp_path: Path, make: Any
) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    async with open_store(state) as store:
        await store.write(PutApproval(make.approval()))
    await asyncio.to_thread(back_up, state, file, make.now)

    await put_back(make, tmp_path / "elsewhere", file)

    async with open_store(tmp_path / "elsewhere") as store:
        loaded = await store.load()
    assert loaded.settings[RESTORED] == (make.now + timedelta(hours=2)).isoformat()
    assert loaded.approvals == {}


async def test_what_is_replaced_is_put_aside(tmp_path: Path, make: Any) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    await backed_up(make, state, file)
    async with open_store(state) as store:
        await store.write(PutSetting("only", "there"))

    aside = (await put_back(make, state, file)).aside

    assert aside is not None
    async with open_store(aside) as store:
        assert (await store.load()).settings["only"] == "there"
    assert not (state / "restoring").exists()


async def test_a_backup_is_as_secret_as_the_folder(tmp_path: Path, make: Any) -> None:
    previous = os.umask(0)
    try:
        await backed_up(make, tmp_path / "state", tmp_path / "backup")
        await put_back(make, tmp_path / "other", tmp_path / "backup")
    finally:
        os.umask(previous)

    private = [tmp_path / "backup", *(tmp_path / "other").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    with tarfile.open(tmp_path / "backup") as archive:
        assert {member.mode for member in archive.getmembers()} == {0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "other", "state"]


async def test_a_backup_is_whole_while_a_controller_writes(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path / "state") as store, asyncio.TaskGroup() as tasks:
        backup = tasks.create_task(
            asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "backup", make.now)
        )
        number = 0
        while not backup.done() or number < 50:
            number += 1
            rows = [make.owned(f"name-{index}", uid=str(number)) for index in range(50)]
            told = PutSetting("number", str(number)), make.append(number)
            await store.write(PutOwned(rows), *told)

    await put_back(make, tmp_path / "other", tmp_path / "backup")

    async with open_store(tmp_path / "other") as store:
        loaded = await store.load()
        assert store.last_seq == int(loaded.settings.get("number", "0")) + 1
    uids = {row.uid for row in loaded.inventory.get("prod", {}).values()}
    assert uids <= {loaded.settings.get("number")}


async def test_nothing_is_restored_under_a_running_controller(tmp_path: Path, make: Any) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    await backed_up(make, state, file)

    async with open_store(state):
        with pytest.raises(StateInUse, match=f"process {os.getpid()}"):
            await put_back(make, state, file)


async def test_nothing_is_replaced_by_a_backup(tmp_path: Path, make: Any) -> None:
    await backed_up(make, tmp_path / "state", tmp_path / "backup")

    with pytest.raises(StateUnusable, match="is there already"):
        await backed_up(make, tmp_path / "state", tmp_path / "backup")
    with pytest.raises(StateUnusable, match="there is no state in"):
        await asyncio.to_thread(back_up, tmp_path / "nothing", tmp_path / "new", make.now)
    with pytest.raises(StoreUnavailable, match="cannot be written: No such file or directory;"):
        await asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "no" / "x", make.now)


def made_by_an_older_version(folder: Path) -> None:
    """A state folder as Shoal left it before version 0005 of the tables."""
    prepare_folder(folder)
    engine = create_engine(f"sqlite:///{folder / 'shoal.db'}")
    with engine.begin() as connection:
        upgrading.upgrade(connection, "0004")
        connection.execute(text("INSERT INTO settings VALUES ('installation', 'one')"))
        connection.execute(text("INSERT INTO identities VALUES ('prod', 'uid-1')"))
    engine.dispose()


async def test_a_backup_of_an_older_version_is_restored(tmp_path: Path, make: Any) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    await asyncio.to_thread(made_by_an_older_version, state)
    manifest = await asyncio.to_thread(back_up, state, file, make.now)

    await put_back(make, tmp_path / "newer", file)

    async with open_store(tmp_path / "newer") as store:
        assert store.installation == "one"
        assert (await store.load()).identities == {"prod": "uid-1"}
    assert manifest.tables == "0004"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-500])


def not_a_backup(file: Path) -> None:
    file.write_bytes(b"something else" * 100)


def edited(change: str) -> Any:
    def edit(file: Path) -> None:
        """A backup whose database was changed, with the digest that fits."""
        import orjson

        from shoal.model.digests import digest_bytes

        folder = file.parent / "edit"
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
        with closing(sqlite3.connect(folder / "shoal.db")) as connection, connection:
            connection.execute(change)
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        manifest["database"] = digest_bytes((folder / "shoal.db").read_bytes())
        (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
        with tarfile.open(file, "w:gz") as archive:
            for path in folder.iterdir():
                archive.add(path, arcname=path.name)

    return edit


DAMAGES = [
    (cut, "cannot be used"),
    (not_a_backup, "cannot be used"),
    (edited("UPDATE ledger SET why = 'another'"), "record 1 of its ledger is missing or altered"),
    (edited("UPDATE alembic_version SET version_num = '9999'"), "newer Shoal"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES, ids=["cut", "other", "edited", "newer"])
async def test_a_backup_that_is_not_sound_is_refused_and_nothing_changes(
    tmp_path: Path, make: Any, damage: Any, told: str
) -> None:
    state, file = tmp_path / "state", tmp_path / "backup"
    await backed_up(make, state, file)
    damage(file)
    before = {path.name: path.read_bytes() for path in state.iterdir()}

    with pytest.raises(StateUnusable, match=told):
        await put_back(make, state, file)

    assert {path.name: path.read_bytes() for path in state.iterdir()} == before
