"""One writer: group commit, all or nothing, and errors that hit whom they should."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from shoal.errors import StoreUnavailable
from shoal.store import PutIdentity, PutOwned, open_store


@contextmanager
def counting_commits() -> Iterator[list[object]]:
    seen: list[object] = []

    def count(connection: object) -> None:
        seen.append(connection)

    event.listen(Engine, "commit", count)
    try:
        yield seen
    finally:
        event.remove(Engine, "commit", count)


@contextmanager
def disk_with_room_for(pages: int) -> Iterator[None]:
    """Connections opened within may let the database grow by so many pages."""

    def limit(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_count")
        (now,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count={now + pages}")
        cursor.close()

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


async def test_calls_that_wait_together_share_a_commit(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        with counting_commits() as commits:
            written = await asyncio.gather(*(store.write(make.append(n)) for n in range(200)))

        assert len(commits) <= 3
        assert [record.entry.body["number"] for (record,) in written] == list(range(200))
        assert await store.verify_ledger() is None


async def test_each_call_gets_its_own_records(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        two, none, one = await asyncio.gather(
            store.write(make.append(1), PutIdentity("dev", "a"), make.append(2)),
            store.write(PutIdentity("prod", "b")),
            store.write(make.append(3)),
        )

    assert [record.seq for record in [*two, *none, *one]] == [1, 2, 3]
    assert (len(two), len(none), len(one)) == (2, 0, 1)


async def test_a_full_disk_writes_nothing_and_says_so(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        await store.write(PutIdentity("prod", "1"), make.append(1))
    many = [make.owned(f"name-{number}") for number in range(1_500)]

    with disk_with_room_for(20):
        async with open_store(tmp_path) as store:
            failed = await asyncio.gather(
                store.write(make.append(2), PutIdentity("dev", "2"), PutOwned(many)),
                store.write(PutIdentity("staging", "3")),
                return_exceptions=True,
            )
            after = await store.load()
            (small,) = await store.write(make.append(3))
            broken = await store.verify_ledger()

    assert [type(error) for error in failed] == [StoreUnavailable] * 2
    assert "full" in str(failed[0])
    assert after.identities == {"prod": "1"}
    assert after.inventory == {}
    assert small.seq == 2
    assert broken is None


async def test_a_locked_database_is_unavailable_until_it_is_free(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.store.connecting.BUSY_TIMEOUT_MILLISECONDS", 20)
    async with open_store(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / "shoal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await store.write(make.append(1))
            other.rollback()

        assert [record.seq for record in await store.write(make.append(1))] == [1]


async def test_a_cancelled_caller_tears_nothing(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        for number in range(30):
            rows = [make.owned(f"{number}-{one}") for one in range(20)]
            call = asyncio.create_task(store.write(PutOwned(rows), make.append(number)))
            # Cancelled before it began, while it waits, in the transaction, after it.
            for _ in range(number):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait({call})
        await store.write(make.append(1_000))

        state = await store.load()
        records = await store.records(limit=1_000)
        rows_written = sum(map(len, state.inventory.values()))
        assert rows_written == 20 * (len(records) - 1)
        assert await store.verify_ledger() is None


async def test_what_was_handed_in_is_written_before_the_store_closes(
    tmp_path: Path, make: Any
) -> None:
    async with open_store(tmp_path) as store:
        calls = [asyncio.create_task(store.write(make.append(number))) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*calls)

    async with open_store(tmp_path) as store:
        assert store.last_seq == 50


async def test_a_cancellation_while_closing_waits_for_the_writes(tmp_path: Path, make: Any) -> None:
    entered = asyncio.Event()

    async def write_and_leave() -> None:
        async with open_store(tmp_path) as store:
            writes = (store.write(make.append(number)) for number in range(200))
            calls.extend(map(asyncio.create_task, writes))
            await asyncio.sleep(0)
            entered.set()

    calls: list[asyncio.Task[Any]] = []
    leaving = asyncio.create_task(write_and_leave())
    await entered.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    await asyncio.gather(*calls)
    async with open_store(tmp_path) as store:
        assert store.last_seq == 200


async def test_nothing_to_write_is_no_transaction(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        with counting_commits() as commits:
            assert list(await store.write()) == []

    assert commits == []


async def test_a_closed_store_takes_nothing(tmp_path: Path, make: Any) -> None:
    async with open_store(tmp_path) as store:
        pass

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.write(make.append(1))


async def test_an_error_inside_the_block_arrives_unwrapped(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with open_store(tmp_path):
            raise LookupError("mine")


async def test_more_calls_than_may_wait_are_written_all_the_same(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.store.writing.WAITING", 4)
    monkeypatch.setattr("shoal.store.writing.ROWS_PER_GROUP", 3)
    monkeypatch.setattr("shoal.store.writing.PORTION", 2)
    async with open_store(tmp_path) as store:
        await asyncio.gather(*(store.write(make.append(n), make.append(n)) for n in range(50)))

        assert store.last_seq == 100
        assert await store.verify_ledger() is None
