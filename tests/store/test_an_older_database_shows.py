"""A database that does not know what was committed is recognised at the next start, and marked."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from shoal.model.records import Deed
from shoal.store import RESTORED, PutApproval, State, open_store
from shoal.store.heads import kept_head


async def written(make: Any, folder: Path, *numbers: int) -> None:
    async with open_store(folder) as store:
        for number in numbers:
            await store.write(make.append(number))


async def found(folder: Path) -> tuple[State, list[Deed]]:
    async with open_store(folder) as store:
        records = await store.records(newest_first=False)
        assert await store.verify_ledger() is None
        return await store.load(), [record.entry.what for record in records]


def copied(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("lock", "ledger.head"))


async def test_the_end_of_the_ledger_stands_beside_it(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        (first,) = await store.write(make.append(1))
        head = await asyncio.to_thread(kept_head, tmp_path)
        (last,) = (await store.write(make.append(2), make.append(3)))[1:]
        newer = await asyncio.to_thread(kept_head, tmp_path)

    assert head is not None
    assert newer is not None
    assert (head.seq, head.hash) == (1, first.hash)
    assert (newer.seq, newer.hash) == (3, last.hash)


async def test_a_database_that_is_as_it_was_left_is_not_doubted(tmp_path: Path, make: Any) -> None:
    await written(make, tmp_path, 1, 2)

    state, deeds = await found(tmp_path)

    assert RESTORED not in state.settings
    assert deeds == [Deed.TARGET_SYNCED] * 2


async def test_an_older_copy_is_marked_and_no_approval_in_it_counts(
    tmp_path: Path, make: Any
) -> None:
    state = tmp_path / "state"
    async with open_store(state) as store:
        await store.write(make.append(1), PutApproval(make.approval()))
    copied(state, tmp_path / "copy")
    await written(make, state, 2)
    shutil.copy(tmp_path / "copy" / "shoal.db", state / "shoal.db")

    loaded, deeds = await found(state)
    again, _ = await found(state)

    assert loaded.settings[RESTORED]
    assert loaded.approvals == {}
    assert deeds == [Deed.TARGET_SYNCED, Deed.STATE_RESTORED]
    assert again.settings[RESTORED] == loaded.settings[RESTORED]


async def test_a_database_without_its_log_is_an_older_one(tmp_path: Path, make: Any) -> None:
    state, copy = tmp_path / "state", tmp_path / "copy"
    await written(make, state, 1)
    async with open_store(state) as store:
        await store.write(make.append(2))
        # As after a kill: what was committed last is in the log alone.
        shutil.copytree(state, copy, ignore=shutil.ignore_patterns("lock"))
    (copy / "shoal.db-wal").unlink()

    loaded, deeds = await found(copy)

    assert loaded.settings[RESTORED]
    assert deeds == [Deed.TARGET_SYNCED, Deed.STATE_RESTORED]


async def test_a_lost_database_is_marked(tmp_path: Path, make: Any) -> None:
    await written(make, tmp_path, 1)
    for file in tmp_path.glob("shoal.db*"):
        file.unlink()

    loaded, deeds = await found(tmp_path)

    assert loaded.settings[RESTORED]
    assert deeds == [Deed.STATE_RESTORED]


@pytest.mark.parametrize("text", ["", "nonsense", "1"])
async def test_a_head_that_cannot_be_read_says_nothing(
    tmp_path: Path, make: Any, text: str
) -> None:
    await written(make, tmp_path, 1)
    (tmp_path / "ledger.head").write_text(text)

    assert RESTORED not in (await found(tmp_path))[0].settings
