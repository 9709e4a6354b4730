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

from shoal.model.records import Verdict
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


@settings(max_examples=25)
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


@settings(max_examples=10)
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
