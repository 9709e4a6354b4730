"""A state that was put back says what was; the clusters and Git say what is."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    key_of,
    make_engine,
    target_key,
    with_another_database,
)
from tests.engine.virtual_time import in_virtual_time, now

from shoal.errors import ServerBusy
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import OwnedState, intended
from shoal.model.records import Deed
from shoal.store import RESTORED, PutOwned, PutSetting
from shoal.testing.memory_store import MemoryDisk


async def put_back(engine: EngineUnderTest, backup: MemoryDisk) -> EngineUnderTest:
    """The next engine, with the disk of before, on which it is marked that it is old."""
    store = MemoryStore(backup)
    await store.write(PutSetting(RESTORED, now().isoformat()))
    return with_another_database(engine, store)


def names_in(engine: EngineUnderTest, cluster: str = "dev") -> list[str]:
    return sorted(key.name for key in engine.clusters[cluster].objects)


def versions_in(engine: EngineUnderTest) -> dict[ObjectKey, tuple[str, int]]:
    objects = engine.clusters["dev"].objects
    return {key: (live.uid, live.version) for key, live in objects.items()}


@in_virtual_time
async def test_an_older_state_is_not_believed_and_no_older_revision_is_written(
    tmp_path: Path,
) -> None:
    """Put back from two commits and a removal before."""
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(5, color="blue"))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
        engine.source.commit(**config_maps(5, color="green"))
        await engine.until_synced("2")
        engine.source.commit(**config_maps(4, color="green"), shop__new=config_map("new"))
        await engine.until_synced("3")
    before = versions_in(engine)
    dev.writes.clear()
    again = await put_back(engine, older)

    async with again.running():
        await again.until_synced("3")
        await again.until_recorded(Deed.CLUSTER_RECOVERED)
        await again.until(lambda: len(again.state.inventory("dev")) == 5, "five rows")
        await anyio.sleep(60)
        holds, rows = again.controller.holds(), again.state.inventory("dev")

    assert versions_in(again) == before
    assert sorted(key.name for _, key in dev.writes) == ["m0", "m1", "m2", "m3", "new"]
    assert {row.state for row in rows.values()} == {OwnedState.CONFIRMED}
    assert holds == []


@in_virtual_time
async def test_what_an_older_state_would_prune_waits_for_a_person(tmp_path: Path) -> None:
    """It was removed from Git while nobody remembered: whether it is to go is asked."""
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
    engine.source.commit(**config_maps(4))
    again = await put_back(engine, older)

    async with again.running():
        (hold,) = await again.until_held("Orphaned")
        await anyio.sleep(120)

    assert "ConfigMap default/m4" in hold.reason
    assert len(names_in(again)) == 5


@in_virtual_time
async def test_what_was_only_intended_in_an_older_state_waits_for_a_person_too(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
    await MemoryStore(older).write(PutOwned([intended(target_key("dev"), key_of("m4"))]))
    engine.source.commit(**config_maps(4))
    again = await put_back(engine, older)

    async with again.running():
        (hold,) = await again.until_held("Orphaned")
        await anyio.sleep(120)

    assert "ConfigMap default/m4" in hold.reason
    assert len(names_in(again)) == 5


@in_virtual_time
async def test_what_waits_for_a_person_waits_after_a_restart_too(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
    engine.source.commit(**config_maps(4))
    again = await put_back(engine, older)
    await anyio.sleep(1)
    async with again.running():
        await again.until_held("Orphaned")
        await again.until_recorded(Deed.CLUSTER_RECOVERED, count=2)

    again.restart()
    async with again.running():
        await anyio.sleep(600)
        holds = [hold.cause for hold in again.controller.holds()]

    assert holds == ["Orphaned"]
    assert len(names_in(again)) == 5


@in_virtual_time
async def test_nothing_of_a_kind_that_cannot_be_listed_is_deleted_by_an_older_state(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(5))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
    engine.source.commit(**config_maps(4))
    dev.unlistable[GroupKind("", "ConfigMap")] = ServerBusy("its webhook does not answer")
    again = await put_back(engine, older)

    async with again.running():
        await again.until_cluster("dev", lambda view: "not known of" in view.message, "has a rest")
        await anyio.sleep(120)
        view, during = again.cluster("dev"), names_in(again)
        dev.unlistable.clear()
        await again.until_held("Orphaned")

    assert [each.reason for each in view.warnings] == ["Recovering"]
    assert view.message == (
        "what is ours is not known of 1 kind (ConfigMap), and nothing of that is deleted: its "
        "webhook does not answer"
    )
    assert len(during) == 5


@in_virtual_time
async def test_a_job_that_ended_does_not_run_again_after_a_loss(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {}}
    key = ObjectKey("batch", "Job", "default", "once")
    engine.source.commit(shop__job=job)
    async with engine.running():
        await engine.until_synced("1")
        await engine.clusters["dev"].finish(key)
        older = engine.store.disk.copy()
    before = versions_in(engine)

    for backup in (older, MemoryDisk()):
        again = await put_back(engine, backup)
        async with again.running():
            await again.until_synced("1")
            await again.until_recorded(Deed.CLUSTER_RECOVERED)
            await anyio.sleep(60)

    assert versions_in(engine) == before
