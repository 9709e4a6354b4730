"""While the store cannot be written nothing new happens, what is ours is healed, nobody dies."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    data_in,
    key_of,
    make_engine,
    target_key,
)
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.owing import MOST_OWED
from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.model.records import Deed, Entry, Verdict
from shoal.store import PutIntent, Store


@in_virtual_time
async def test_drift_is_healed_although_it_cannot_be_recorded(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        await one.change(key_of(), {"data": {"color": "edited"}})
        await engine.until(lambda: data_in(one) == {"color": "blue"}, "the edit is undone")


async def until_written(engine: EngineUnderTest) -> Entry:
    """Wait until the engine says that it can write again."""
    (entry,) = await engine.until_recorded(Deed.STATE_RECOVERED)
    assert engine.controller.fleet().state_message == ""
    return entry


@in_virtual_time
async def test_a_correction_is_recorded_once_there_is_room_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        await one.change(key_of(), {"data": {"color": "edited"}})
        await engine.until(lambda: data_in(one) == {"color": "blue"}, "the edit is undone")
        await engine.until(lambda: engine.controller.fleet().state_message, "that it is full")
        meanwhile = engine.store.recorded(Deed.TARGET_CORRECTED)
        engine.store.is_full = False
        recovered = await until_written(engine)
        (corrected,) = engine.store.recorded(Deed.TARGET_CORRECTED)

    assert meanwhile == []
    assert corrected.verdict is Verdict.SUCCEEDED
    assert corrected.at < recovered.at
    assert "the disk is full" in recovered.why
    assert (recovered.body["recorded_late"], recovered.body["records_lost"]) == (1, 0)


@in_virtual_time
async def test_that_nothing_can_be_written_is_shown_with_since_when(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        await engine.clusters["one"].change(key_of(), {"data": {"color": "edited"}})
        first = await engine.until(lambda: engine.controller.fleet().state_message, "the message")
        await anyio.sleep(600)
        later = engine.controller.fleet().state_message
        engine.store.is_full = False
        await until_written(engine)

    assert first.startswith("since 00:00:")
    told = "the state database cannot be written: the disk is full"
    assert later == f"{first[:15]} {told}; 1 record kept in memory until it can"


@in_virtual_time
async def test_records_beyond_the_bound_are_said_to_be_lost(tmp_path: Path) -> None:
    store, state = MemoryStore(), EngineState(now)
    recording = Recording(cast(Store, store), state)
    store.is_full = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(recording.run)
        for number in range(MOST_OWED + 3):
            await recording.mention(Deed.CLUSTER_LOST, f"cluster {number}")
        store.is_full = False
        await anyio.sleep(60)
        tasks.cancel_scope.cancel()

    *kept, recovered = store.entries
    assert [entry.subject for entry in kept] == [f"cluster {n}" for n in range(3, MOST_OWED + 3)]
    assert (recovered.what, recovered.verdict) == (Deed.STATE_RECOVERED, Verdict.PARTIAL)
    assert (recovered.body["recorded_late"], recovered.body["records_lost"]) == (MOST_OWED, 3)


@in_virtual_time
async def test_nothing_is_changed_or_deleted_without_intent(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"validation": "Never"})
    one = engine.clusters["one"]
    first = engine.source.commit(**config_maps(9, color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        sent = len(one.writes)
        engine.store.no_room_for = (PutIntent,)
        second = engine.source.commit(**config_maps(8, color="red"))
        await anyio.sleep(600)
        meanwhile = one.writes[sent:]
        engine.store.no_room_for = ()
        await engine.until_synced(second)

    assert meanwhile == []
    assert len(one.objects) == 8


@in_virtual_time
async def test_a_controller_starts_and_heals_while_the_disk_is_full(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.store.is_full = True

    async with engine.running():
        await engine.until(lambda: engine.controller.fleet().state_message, "the message")
        engine.store.is_full = False
        await until_written(engine)

    assert len(engine.store.recorded(Deed.CONTROLLER_STARTED)) == 1


@in_virtual_time
async def test_a_commit_waits_and_lands_once_there_is_room_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    first = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        engine.store.is_full = True
        second = engine.source.commit(
            shop__settings=config_map(color="green"), shop__more=config_map("more")
        )
        await anyio.sleep(600)
        meanwhile = data_in(one), key_of("more") in one.objects
        engine.store.is_full = False
        await engine.until_synced(second)

    assert meanwhile == ({"color": "blue"}, False)
    assert data_in(one) == {"color": "green"}
    assert [entry.revision for entry in engine.store.recorded(Deed.SOURCE_CHANGED)] == ["1", "2"]


@in_virtual_time
async def test_a_document_waits_and_counts_once_there_is_room_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    shop, web = config_map(), config_map("page")
    revision = engine.source.commit(shop__settings=shop, web__page=web)

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        engine.declare_application("web")
        await anyio.sleep(600)
        fleet = engine.controller.fleet()
        engine.store.is_full = False
        await engine.until(lambda: key_of("page") in engine.clusters["one"].objects, "the page")

    assert fleet.ready == "False"
    assert "the disk is full" in fleet.message


@in_virtual_time
async def test_a_removed_application_is_still_kept_for_a_person(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        del engine.documents.files["Application-shop.yaml"]
        engine.store.is_full = True
        await anyio.sleep(600)
        engine.store.is_full = False
        await engine.until(engine.controller.holds, "a hold")
        (hold,) = engine.controller.holds()

    assert hold.subject == str(target_key("one"))
    assert key_of() in engine.clusters["one"].objects


@in_virtual_time
async def test_an_application_wanted_again_is_held_no_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        shop = engine.documents.files.pop("Application-shop.yaml")
        await engine.until(engine.controller.holds, "a hold")
        engine.documents.files["Application-shop.yaml"] = shop
        engine.store.is_full = True
        await anyio.sleep(60)
        engine.store.is_full = False
        await engine.until_synced(revision)
        await engine.until(lambda: not engine.controller.holds(), "no hold")
