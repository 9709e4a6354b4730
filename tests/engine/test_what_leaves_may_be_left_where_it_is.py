"""`Orphan`: the objects of an application that leaves stay, as nobody's, and can be taken back."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.engine.harness import EngineUnderTest, config_map, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed

MINUTE = 60.0
ORPHAN = {"whenApplicationRemoved": "Orphan", "whenClusterLeft": "Orphan"}
SYNCS = pytest.mark.parametrize("sync", [ORPHAN, {"prune": "Never"}], ids=["Orphan", "prune Never"])


async def until_nobodys(engine: EngineUnderTest) -> None:
    await engine.until_recorded(Deed.TARGET_RELEASED)


@SYNCS
@in_virtual_time
async def test_objects_of_a_removed_application_stay_and_are_nobodys(
    tmp_path: Path, sync: dict[str, str]
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.let_grace_last("10s")
    one = engine.clusters["one"]
    engine.declare_application("shop", sync=sync)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        written = list(one.writes)
        engine.remove_application("shop")
        (hold,) = await engine.until_held("Removing")
        await until_nobodys(engine)
        await one.change(key_of(), {"data": {"color": "mine"}})
        await anyio.sleep(MINUTE)
        (released,) = engine.store.recorded(Deed.TARGET_RELEASED)
        rows, targets = len(engine.state.inventory("one")), engine.controller.targets()

    assert "will be left in cluster one as nobody's" in hold.reason
    assert released.why == "application default/shop was removed from the fleet"
    assert data_in(one) == {"color": "mine"}
    assert one.writes == [*written, ("let go", key_of())]
    assert one.objects[key_of()].owner is None
    assert (rows, targets) == (0, [])


@in_virtual_time
async def test_what_was_left_is_adopted_by_who_says_that_it_may_be(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.let_grace_last("10s")
    one = engine.clusters["one"]
    engine.declare_application("shop", sync=ORPHAN)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        uid = one.objects[key_of()].uid
        engine.remove_application("shop")
        await until_nobodys(engine)
        await one.change(key_of(), {"data": {"color": "mine"}})
        engine.declare_application("shop")
        await engine.until_phase(TargetPhase.FAILED)
        left = data_in(one)
        engine.declare_application("shop", sync={"whenAlreadyExists": "Adopt"})
        await engine.until_phase(TargetPhase.SYNCED)

    assert left == {"color": "mine"}
    assert data_in(one) == {"color": "blue"}
    assert one.objects[key_of()].uid == uid


@in_virtual_time
async def test_a_cluster_that_is_not_selected_any_more_may_be_left_too(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.let_grace_last("10s")
    engine.declare_cluster("one", tier="gold")
    engine.declare_cluster("two", tier="gold")
    gold = {"clusterSelector": {"matchLabels": {"tier": "gold"}}}
    engine.declare_application("shop", placement=gold, sync={"whenClusterLeft": "Orphan"})
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        engine.declare_cluster("one")
        await until_nobodys(engine)
        engine.remove_application("shop")
        await engine.until(lambda: not engine.clusters["two"].objects, "two is emptied")

    assert engine.clusters["one"].objects


@in_virtual_time
async def test_what_the_last_valid_document_said_counts_after_a_restart(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.let_grace_last("10s")
    engine.declare_application("shop", sync=ORPHAN)
    revision = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(revision)
    engine.restart()
    engine.remove_application("shop")

    async with engine.running():
        (hold,) = await engine.until_held("Removing")
    engine.restart()
    async with engine.running():
        await until_nobodys(engine)

    assert "as nobody's" in hold.reason
    assert engine.clusters["one"].objects
