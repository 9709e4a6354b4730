"""What every store must do, as tests: subclass `StoreConformance` and give it `opened` and `full`.

    class TestMine(StoreConformance):
        @pytest.fixture
        def opened(self):        # opens the same store each time, as after a restart
            return lambda: open_store(folder)

        @pytest.fixture
        def full(self):          # a context in which what is opened has no room left
            return disk_is_full

Run on the database and on the store in memory, so that what is proven with the one holds with the
other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from shoal.errors import StoreUnavailable
from shoal.model.plans import OwnedState
from shoal.model.records import Deed, Record, record_hash
from shoal.store import Append, changes
from shoal.store.changes import Change
from shoal.store.states import State
from shoal.testing.stored_values import StoredValues

Opened = Callable[[], AbstractAsyncContextManager[Any]]
Full = Callable[[], AbstractContextManager[Any]]


async def reopened(opened: Opened, *calls: tuple[Change, ...]) -> State:
    """The state that the next process finds after these writes."""
    async with opened() as store:
        for call in calls:
            await store.write(*call)
    async with opened() as store:
        state: State = await store.load()
        return state


def one_of_each(make: StoredValues) -> tuple[Change, ...]:
    """A row of every table."""
    return (
        changes.PutOwned([make.owned()]),
        changes.PutGrant(make.grant()),
        changes.PutHold(make.hold(until=make.now + timedelta(days=1))),
        changes.PutApproval(make.approval()),
        changes.PutIdentity("prod", "uid-1"),
        changes.PutTarget(make.target_state(synced_at=make.now, details={"created": 3})),
        changes.PutIntent(make.intent()),
        changes.PutSource(make.source_state(revision="abc")),
        changes.PutStream(make.stream_key(), make.stream()),
        changes.PutSetting("fleet", "shop"),
    )


class StoreConformance:
    """The suite; every test is a promise of `Store`."""

    @pytest.fixture
    def make(self) -> StoredValues:
        """Values to be stored."""
        return StoredValues()

    # -- the state -------------------------------------------------------------------------------

    async def test_every_sort_of_row_survives_a_restart(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """What was written is read back equal."""
        state = await reopened(opened, one_of_each(make))

        hold = make.hold(until=make.now + timedelta(days=1))
        source = make.source_state(revision="abc")
        assert state.inventory == {"prod": {make.key(): make.owned()}}
        assert state.grants == {make.target(): make.grant()}
        assert state.holds == {hold.id: hold}
        assert state.intents == {make.target(): make.intent()}
        assert state.approvals == {"hold-1": make.approval()}
        assert state.identities == {"prod": "uid-1"}
        assert state.targets == {
            make.target(): make.target_state(synced_at=make.now, details={"created": 3})
        }
        assert state.sources == {source.source: source}
        assert state.streams == {make.stream_key(): make.stream()}
        assert state.settings["fleet"] == "shop"

    async def test_every_sort_of_row_can_be_dropped(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """Dropping what is not there is no error."""
        drops = (
            changes.DropOwned("prod", [make.key()]),
            changes.DropGrant(make.target()),
            changes.DropHold(make.hold().id),
            changes.DropApproval("hold-1"),
            changes.DropIdentity("prod"),
            changes.DropTarget(make.target()),
            changes.DropIntent(make.target()),
            changes.DropSource(make.source_state().source),
            changes.DropStream(make.stream_key()),
        )
        puts = (*one_of_each(make), changes.PutHold(make.hold()))

        state = await reopened(opened, puts, drops, drops)

        assert state == State(settings=state.settings)

    async def test_a_row_put_again_is_replaced(self, opened: Opened, make: StoredValues) -> None:
        """A key has one row."""
        intended = make.owned(uid="", baseline=b"", state=OwnedState.INTENDED)
        rows = ([intended], [make.owned()])

        state = await reopened(opened, *((changes.PutOwned(each),) for each in rows))

        assert state.inventory["prod"][make.key()] == make.owned()

    async def test_the_changes_of_a_call_take_effect_in_order(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """The last word counts."""
        row, key = make.owned(), make.key()
        again = changes.PutOwned([replace(row, uid="last")])

        state = await reopened(
            opened,
            (changes.PutOwned([row]), changes.DropOwned("prod", [key]), again),
            (changes.PutIdentity("prod", "a"), changes.DropIdentity("prod")),
        )

        assert state.inventory["prod"][key].uid == "last"
        assert state.identities == {}

    async def test_times_come_back_in_utc(self, opened: Opened, make: StoredValues) -> None:
        """Text sorts as time."""
        east = make.now.astimezone(timezone(timedelta(hours=9)))

        state = await reopened(opened, (changes.PutTarget(make.target_state(at=east)),))

        read = state.targets[make.target()].at
        assert (read, read.utcoffset()) == (make.now, timedelta(0))

    # -- writes ----------------------------------------------------------------------------------

    async def test_a_malformed_call_leaves_nothing_and_harms_nobody(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """All of a call or nothing; its neighbours do not notice."""
        naive = make.now.replace(tzinfo=None)
        put = changes.PutIdentity
        async with opened() as store:
            ended: tuple[Any, ...] = await asyncio.gather(
                store.write(put("x", "1"), Append(make.entry(body={"at": object()}))),
                store.write(put("good", "1"), make.append(1)),
                store.write(put("y", "1"), changes.PutTarget(make.target_state(at=naive))),
                store.write(put("z", "1"), put("\udcff", "1")),
                return_exceptions=True,
            )
            bad_entry, good, bad_state, bad_text = ended
            state = await store.load()

            assert isinstance(bad_entry, TypeError)
            assert isinstance(bad_state, ValueError)
            assert isinstance(bad_text, Exception)
            assert not isinstance(bad_text, StoreUnavailable)
            assert not isinstance(good, BaseException)
            assert [record.seq for record in good] == [1]
            assert state.identities == {"good": "1"}
            assert [record.seq for record in await store.write(make.append(2))] == [2]
            assert await store.verify_ledger() is None

    async def test_without_room_nothing_is_written_and_it_is_said(
        self, opened: Opened, full: Full, make: StoredValues
    ) -> None:
        """What was there stays, and the chain has no gap afterwards."""
        async with opened() as store:
            await store.write(changes.PutIdentity("prod", "1"), make.append(1))
        many = [make.owned(f"name-{number}") for number in range(1_500)]
        with full():
            async with opened() as store:
                with pytest.raises(StoreUnavailable, match="full") as caught:
                    await store.write(make.append(2), changes.PutOwned(many))
        async with opened() as store:
            state = await store.load()
            (record,) = await store.write(make.append(3))

            assert caught.value.after_seconds
            assert state.inventory == {}
            assert state.identities == {"prod": "1"}
            assert record.seq == 2
            assert await store.verify_ledger() is None

    async def test_nothing_to_write_is_no_record(self, opened: Opened) -> None:
        """An empty call is done at once."""
        async with opened() as store:
            assert list(await store.write()) == []
            assert store.last_seq == 0

    # -- the ledger ------------------------------------------------------------------------------

    async def test_each_record_stands_on_the_one_before(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """Numbered, chained, and each hash covers the one before."""
        async with opened() as store:
            first, second = await store.write(make.append(1), make.append(2))
            (third,) = await store.write(make.append(3))

        assert [first.seq, second.seq, third.seq] == [1, 2, 3]
        assert (first.previous, second.previous, third.previous) == ("", first.hash, second.hash)
        assert third.chain == store.installation
        assert third.hash == record_hash(third.chain, 3, second.hash, third.entry)

    async def test_the_chain_goes_on_after_a_restart(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """One chain per installation, however often it starts."""
        async with opened() as store:
            written: list[Record] = list(await store.write(make.append(1)))
        async with opened() as store:
            written = [*written, *await store.write(make.append(2))]
            found = await store.records(newest_first=False)

            assert found == written
            assert found[1].previous == found[0].hash
            assert await store.verify_ledger() is None

    async def test_records_are_found_by_subject_deed_and_cursor(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """Newest first, unless a reader follows with a cursor."""
        async with opened() as store:
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
            both = {"subject": "default/web", "subject_prefix": "default/web@"}
            assert await found(**both) == [4, 2, 1]
            assert await found(what=frozenset({Deed.TARGET_FAILED})) == [4]
            assert await found(seqs=frozenset({1, 3, 9}), newest_first=False) == [1, 3]
            assert store.last_seq == 4

    async def test_who_waits_for_a_record_is_told_of_it(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """A reader with a cursor loses nothing between its look and its wait."""
        async with opened() as store, asyncio.timeout(5):
            await store.write(make.append(1))
            await store.wait_past(0)
            waiting = [asyncio.create_task(store.wait_past(1)) for _ in range(2)]
            await store.write(changes.PutSetting("fleet", "shop"))
            assert not any(each.done() for each in waiting)

            await store.write(make.append(2))
            await asyncio.gather(*waiting)

            assert store.last_seq == 2

    async def test_the_first_time_of_each_subject_is_found(
        self, opened: Opened, make: StoredValues
    ) -> None:
        """Of one deed, at one revision."""
        synced, failed = Deed.TARGET_SYNCED, Deed.TARGET_FAILED
        told = [
            ("default/web@dev", failed, "abc"),
            ("default/web@dev", synced, "abc"),
            ("default/web@dev", synced, "abc"),
            ("default/web@prod", synced, "def"),
            ("default/webshop@dev", synced, "abc"),
        ]
        async with opened() as store:
            for number, (subject, what, revision) in enumerate(told):
                at = make.now + timedelta(minutes=number)
                await store.write(
                    make.append(number, subject=subject, what=what, revision=revision, at=at)
                )

            found = await store.first_times(synced, revision="abc", subject_prefix="default/web@")

        assert found == {"default/web@dev": make.now + timedelta(minutes=1)}
