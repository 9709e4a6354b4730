"""What leaves the fleet is kept for a while, in which putting it back undoes it; then it goes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_map, key_of, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.state import EngineState
from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import HoldView
from shoal.errors import ForbiddenByCluster, InvalidSource
from shoal.model.records import Deed

MINUTE = 60.0
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def open_the_shop(engine: EngineUnderTest) -> str:
    return engine.source.commit(shop__a=config_map("a"), shop__b=config_map("b"))


async def until_removing(engine: EngineUnderTest, cluster: str = "one") -> HoldView:
    (hold,) = await engine.until_held("Removing", cluster)
    return hold


async def remove_when_synced(engine: EngineUnderTest, revision: str) -> HoldView:
    """Take the shop out of the fleet once it is on the cluster; what keeps it there for a while."""
    await engine.until_synced(revision)
    engine.remove_application("shop")
    return await until_removing(engine)


async def until_gone(engine: EngineUnderTest, cluster: str = "one") -> None:
    key = target_key(cluster)
    await engine.until(lambda: key not in engine.state.targets, f"{key} is gone")


@in_virtual_time
async def test_a_removed_application_is_deleted_when_its_grace_period_is_over(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        hold = await remove_when_synced(engine, revision)
        began = anyio.current_time()
        view = engine.target("one")
        await anyio.sleep(9 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        await until_gone(engine)
        took = anyio.current_time() - began
        (deleted,) = engine.store.recorded(Deed.TARGET_REMOVED)
        holds = engine.state.holds

    assert hold.until == hold.since + timedelta(minutes=10)
    assert (view.phase, view.message) == (TargetPhase.REMOVING, hold.reason)
    assert kept.keys() == {key_of("a"), key_of("b")}
    assert 10 * MINUTE - 1 < took < 10 * MINUTE + 5
    assert not engine.clusters["one"].objects
    assert (deleted.who, deleted.why) == (
        "shoal",
        "application default/shop was removed from the fleet",
    )
    assert not holds


@in_virtual_time
async def test_the_fleet_says_how_long_the_grace_period_is(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.let_grace_last("2h")
    revision = open_the_shop(engine)

    async with engine.running():
        hold = await remove_when_synced(engine, revision)
        engine.let_grace_last("0s")
        await anyio.sleep(12 * MINUTE)

    assert hold.until == hold.since + timedelta(hours=2)
    assert len(engine.clusters["one"].objects) == 2


@in_virtual_time
async def test_an_application_that_is_put_back_in_time_is_kept_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        await engine.until_synced(revision)
        written = list(engine.clusters["one"].writes)
        engine.remove_application("shop")
        await until_removing(engine)
        await anyio.sleep(9 * MINUTE)
        engine.declare_application("shop")
        await engine.until_synced(revision)
        await anyio.sleep(12 * MINUTE)
        view = engine.target("one")

    assert engine.clusters["one"].writes == written
    assert view.phase is TargetPhase.SYNCED
    assert not engine.state.holds


@in_virtual_time
async def test_an_application_that_is_put_back_but_cannot_be_rendered_is_kept(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        await remove_when_synced(engine, revision)
        engine.renderer.error = InvalidSource("a broken template")
        engine.declare_application("shop", render={"json": {"values": {"x": "1"}}})
        await engine.until_recorded(Deed.APPLICATION_FAILED)
        await anyio.sleep(11 * MINUTE)
        holds = engine.controller.holds()

    assert len(engine.clusters["one"].objects) == 2
    assert not holds


@in_virtual_time
async def test_each_removal_has_a_grace_period_of_its_own(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        first = await remove_when_synced(engine, revision)
        await engine.controller.approve(first.id, who="ana", reason="it is closed")
        engine.declare_application("shop")
        await engine.until_synced(revision)
        engine.remove_application("shop")
        second = await until_removing(engine)
        await anyio.sleep(5 * MINUTE)

    assert second.id != first.id
    assert second.until == second.since + timedelta(minutes=10)
    assert len(engine.clusters["one"].objects) == 2


@in_virtual_time
async def test_a_lost_placement_has_its_grace_period_on_that_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.let_grace_last("1m")
    engine.declare_cluster("one", tier="gold")
    engine.declare_cluster("two", tier="gold")
    engine.declare_application(
        "shop", placement={"clusterSelector": {"matchLabels": {"tier": "gold"}}}
    )
    revision = open_the_shop(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.declare_cluster("one", tier="lead")
        hold = await until_removing(engine)
        await anyio.sleep(0.9 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        await until_gone(engine)
        await engine.until_phase(TargetPhase.SYNCED, "two")

    assert "application default/shop is not placed on one any more" in hold.reason
    assert len(kept) == 2
    assert not engine.clusters["one"].objects
    assert len(engine.clusters["two"].objects) == 2


@in_virtual_time
async def test_a_suspended_removal_waits_until_the_suspension_is_over(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    shop = engine.ref("shop")
    revision = open_the_shop(engine)

    async with engine.running():
        hold = await remove_when_synced(engine, revision)
        until = now() + timedelta(minutes=12)
        await engine.controller.suspend(shop, who="ana", reason="let me look", until=until)
        await engine.controller.approve(hold.id, who="ben", reason="it is closed")
        await anyio.sleep(11 * MINUTE)
        view, kept = engine.target("one"), dict(engine.clusters["one"].objects)
        await until_gone(engine)
        (deleted,) = engine.store.recorded(Deed.TARGET_REMOVED)

    assert view.message.startswith("it is kept, although application default/shop was removed")
    assert "suspended by ana" in view.message
    assert view.next_step == "shoal resume default/shop"
    assert len(kept) == 2
    assert deleted.at >= until
    assert deleted.who == "ben"


@in_virtual_time
async def test_what_holds_data_waits_for_a_person_however_long_that_takes(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__a=config_map("a"), shop__ns=NAMESPACE)

    async with engine.running():
        hold = await remove_when_synced(engine, revision)
        await anyio.sleep(11 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        await engine.controller.approve(hold.id, who="ana", reason="it is closed")
        await until_gone(engine)

    assert hold.until is None
    assert "among them is Namespace shop" in hold.reason
    assert len(kept) == 2


@in_virtual_time
async def test_one_approval_lets_the_removal_of_an_application_go_on_everywhere(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two")
    looks = itertools.count()  # at a real clock, of which no two tell the same
    engine.state = EngineState(lambda: now() + timedelta(microseconds=next(looks)))
    revision = open_the_shop(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.remove_application("shop")
        first, second = await engine.until_held("Removing")
        await engine.controller.approve(first.group, who="ana", reason="it is closed")
        began = anyio.current_time()
        await until_gone(engine, "one")
        await until_gone(engine, "two")

    assert first.group == second.group
    assert anyio.current_time() - began < 5
    assert not engine.clusters["one"].objects
    assert not engine.clusters["two"].objects


@in_virtual_time
async def test_clusters_that_lose_an_application_at_once_are_one_decision(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    engine.declare_cluster("three", env="prod")
    looks = itertools.count()
    engine.state = EngineState(lambda: now() + timedelta(microseconds=next(looks)))
    revision = engine.source.commit(shop__shop=NAMESPACE)

    async with engine.running():
        await engine.until_synced(revision)
        engine.declare_application(
            "shop", placement={"clusterSelector": {"matchLabels": {"env": "prod"}}}
        )
        (many,) = await engine.until(engine.controller.holds, "much goes at once")
        await engine.controller.approve(many.id, who="ana", reason="only prod has it")
        first, second = await engine.until_held("Removing", "one", "two")

    assert first.group == second.group


@in_virtual_time
async def test_a_cluster_that_was_away_at_the_end_is_emptied_when_it_is_back(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.let_grace_last("1m")
    revision = open_the_shop(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].unreachable = True
        await engine.until_away("one")
        engine.remove_application("shop")
        await until_gone(engine, "two")
        left = dict(engine.clusters["one"].objects)
        engine.clusters["one"].unreachable = False
        await until_gone(engine, "one")

    assert len(left) == 2
    assert not engine.clusters["one"].objects


@in_virtual_time
async def test_an_application_removed_while_its_cluster_was_let_go_is_removed_when_that_is_back(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = open_the_shop(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.let_go("one")
        await until_gone(engine, "one")
        engine.remove_application("shop")
        await engine.until_held("Removing", "two")
        engine.declare_cluster("one")
        holds = await engine.until_held("Removing", "one", "two")
        kept = len(engine.clusters["one"].objects)
        await until_gone(engine, "one")

    assert [each.until is not None for each in holds] == [True, True]
    assert kept == 2
    assert not engine.clusters["one"].objects


@in_virtual_time
async def test_an_approval_that_ran_out_before_it_was_used_begins_the_removal_anew(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        hold = await remove_when_synced(engine, revision)
        engine.clusters["one"].unreachable = True
        await engine.until_away("one")
        await engine.controller.approve(hold.id, who="ana", reason="it is closed")
        approved = engine.state.approvals[hold.id]
        engine.state.approvals[hold.id] = replace(approved, until=now() + timedelta(minutes=1))
        await anyio.sleep(2 * MINUTE)
        engine.clusters["one"].unreachable = False
        again = await until_removing(engine)
        kept = dict(engine.clusters["one"].objects)

    assert again.since > hold.since
    assert len(kept) == 2


@in_virtual_time
async def test_a_deletion_under_way_stops_when_the_application_is_put_back(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        await remove_when_synced(engine, revision)
        engine.clusters["one"].refusals[key_of("a")] = ForbiddenByCluster(
            "its webhook does not answer"
        )
        await anyio.sleep(11 * MINUTE)
        told = engine.target("one").message
        engine.declare_application("shop")
        engine.clusters["one"].refusals.clear()
        await engine.until_synced(revision)
        await anyio.sleep(12 * MINUTE)

    assert told == "ConfigMap default/a: its webhook does not answer"
    assert len(engine.clusters["one"].objects) == 2


@in_virtual_time
async def test_a_removal_waits_while_a_file_that_came_later_cannot_be_read(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)

    async with engine.running():
        await remove_when_synced(engine, revision)
        engine.documents.files["Application-shop.yaml"] = b"kind: [Application"
        await anyio.sleep(30 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        del engine.documents.files["Application-shop.yaml"]
        await until_gone(engine)

    assert kept.keys() == {key_of("a"), key_of("b")}
    assert not engine.clusters["one"].objects
