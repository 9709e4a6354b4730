"""Records are numbered, chained and found; whoever edits one is found out."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.model.records import Deed, Verdict, record_hash
from shoal.store import open_store

LEDGER_COLUMNS = (
    "seq",
    "previous",
    "hash",
    "at",
    "who",
    "what",
    "why",
    "subject",
    "verdict",
    "revision",
    "trace_id",
    "body",
)


def edit(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "shoal.db")) as connection, connection:
        connection.execute(statement, values)


async def test_each_record_stands_on_the_one_before(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        first, second = await store.write(make.append(1), make.append(2))
        (third,) = await store.write(make.append(3))

    assert [first.seq, second.seq, third.seq] == [1, 2, 3]
    assert (first.previous, second.previous, third.previous) == ("", first.hash, second.hash)
    assert third.chain == store.installation
    assert third.hash == record_hash(third.chain, 3, second.hash, third.entry)


async def test_the_chain_goes_on_after_a_restart(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        written = await store.write(make.append(1))
    async with open_store(tmp_path) as store:
        written = [*written, *await store.write(make.append(2))]
        found = await store.records(newest_first=False)

        assert found == written
        assert found[1].previous == found[0].hash
        assert await store.verify_ledger() is None


async def test_records_are_found_by_subject_deed_and_cursor(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        for number, subject in enumerate(
            ["default/web", "default/web@dev", "default/webshop@dev", "default/web@prod"]
        ):
            what = Deed.TARGET_FAILED if "prod" in subject else Deed.TARGET_SYNCED
            await store.write(make.append(number, subject=subject, what=what))

        async def found(**query: Any) -> list[int]:
            return [record.seq for record in await store.records(**query)]

        assert await found() == [4, 3, 2, 1]
        assert await found(limit=2) == [4, 3]
        assert await found(after_seq=2, newest_first=False) == [3, 4]
        assert await found(before_seq=3) == [2, 1]
        assert await found(subject="default/web") == [1]
        assert await found(subject_prefix="default/web@") == [4, 2]
        assert await found(subject="default/web", subject_prefix="default/web@") == [4, 2, 1]
        assert await found(what=frozenset({Deed.TARGET_FAILED})) == [4]
        assert store.last_seq == 4


async def test_records_cut_off_the_end_are_missed_while_running(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        await store.write(*(make.append(number) for number in range(5)))
        edit(tmp_path, "DELETE FROM ledger WHERE seq = 5")

        assert await store.verify_ledger() == 5


async def test_a_long_ledger_is_verified_page_by_page(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.store.ledger.PAGE", 3)
    async with open_store(tmp_path) as store:
        await store.write(*(make.append(number) for number in range(9)))
        assert await store.verify_ledger() is None
        edit(tmp_path, "UPDATE ledger SET why = 'because' WHERE seq = 7")

        assert await store.verify_ledger() == 7


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(2, 12),
    place=st.integers(0, 100),
    column=st.sampled_from(LEDGER_COLUMNS),
)
def test_an_edit_of_any_column_shows(make: Any, count: int, place: int, column: str) -> None:
    seq = 1 + place % count
    # A number behind the end, a verdict that exists, and for the rest something else.
    other = {"seq": 1_000, "verdict": Verdict.PARTIAL.value}.get(column, "x")

    assert broken_after(make, count, f"UPDATE ledger SET {column} = ? WHERE seq = ?", other, seq)


@settings(max_examples=10, deadline=None)
@given(count=st.integers(2, 12), place=st.integers(0, 100))
def test_a_gap_shows(make: Any, count: int, place: int) -> None:
    seq = 1 + place % (count - 1)

    assert broken_after(make, count, "DELETE FROM ledger WHERE seq = ?", seq) == seq


def broken_after(make: Any, count: int, statement: str, *values: object) -> int | None:
    """What verification finds when somebody edits the file between two runs."""

    async def scenario(folder: Path) -> int | None:
        async with open_store(folder) as store:
            await store.write(*(make.append(number) for number in range(count)))
        edit(folder, statement, *values)
        async with open_store(folder) as store:
            return await store.verify_ledger()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(scenario(Path(folder)))
