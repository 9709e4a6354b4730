from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    data_in,
    key_of,
    make_engine,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.clusters import ClusterView
from shoal.model.records import Deed


def commit(engine: EngineUnderTest, color: str) -> str:
    return engine.source.commit(shop__settings=config_map(color=color))


async def until_refused(engine: EngineUnderTest, *names: str) -> ClusterView:
    def refused() -> ClusterView | None:
        views = [view for view in engine.controller.clusters() if view.name in names]
        return next((view for view in views if "lead to the same cluster" in view.message), None)

    found = await engine.until(refused, f"one of {', '.join(names)} is refused")
    assert found is not None
    return found


@in_virtual_time
async def test_a_changed_document_is_connected_to_by_its_new_spec(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        engine.declare_cluster("one", to="elsewhere")
        await engine.until(lambda: "elsewhere" in engine.access.connected, "connected anew")
        await engine.until_synced(revision)
        await engine.until_synced(commit(engine, "green"))

    assert sorted(engine.access.connected) == ["elsewhere", "one", "two"]


@in_virtual_time
async def test_a_document_mended_after_a_while_is_tried_at_once(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.access.broken |= {"one", "wrong"}
    revision = commit(engine, "blue")

    async with engine.running():
        await anyio.sleep(1800)
        engine.declare_cluster("one", to="wrong")
        await engine.until(lambda: "wrong" in engine.access.connected, "the first correction")
        engine.declare_cluster("one", to="right")
        began = anyio.current_time()
        await engine.until_synced(revision)

    assert anyio.current_time() - began < 4


@in_virtual_time
async def test_labels_alone_leave_the_connection_alone(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        engine.declare_cluster("one", env="prod")
        await engine.until_cluster("one", lambda view: view.labels, "has its label")
        await anyio.sleep(60)

    assert engine.access.connected == ["one"]


@in_virtual_time
async def test_a_removed_document_lets_the_cluster_go_and_deletes_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        engine.let_go("one")
        await engine.until_recorded(Deed.CLUSTER_LET_GO)
        await engine.until_synced(commit(engine, "green"), "two")
        await anyio.sleep(600)
        left = data_in(engine.clusters["one"])
        engine.declare_cluster("one")
        await engine.until_synced("2")

    assert left == {"color": "blue"}
    assert {verb for verb, _ in engine.clusters["one"].writes} == {"apply"}
    assert data_in(engine.clusters["one"]) == {"color": "green"}


@in_virtual_time
async def test_the_second_name_of_one_cluster_is_refused_naming_the_first(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    engine.let_go("two")
    engine.clusters["two"].uid = engine.clusters["one"].uid
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision, "one", "three")
        engine.declare_cluster("two")
        refused = await until_refused(engine, "two")
        await engine.until_synced(commit(engine, "green"), "one", "three")

    assert refused.message.startswith("clusters one and two lead to the same cluster")
    assert "remove one" in refused.next_step
    assert not engine.clusters["two"].writes


@in_virtual_time
async def test_two_names_of_one_cluster_at_once_are_not_both_believed(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.clusters["two"].uid = engine.clusters["one"].uid
    commit(engine, "blue")

    async with engine.running():
        refused = await until_refused(engine, "one", "two")
        await anyio.sleep(60)

    written = [name for name, cluster in engine.clusters.items() if cluster.writes]
    assert len(written) == 1
    assert written != [refused.name]


@in_virtual_time
async def test_the_second_name_goes_on_as_soon_as_the_first_is_let_go(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.let_go("two")
    engine.clusters["two"].uid = engine.clusters["one"].uid
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision, "one")
        engine.declare_cluster("two")
        await until_refused(engine, "two")
        await anyio.sleep(1800)
        began = anyio.current_time()
        engine.let_go("one")
        await engine.until_synced(revision, "two")

    assert anyio.current_time() - began < 5


@in_virtual_time
async def test_another_cluster_under_the_same_name_is_held_until_somebody_approves(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two")
    one = engine.clusters["one"]
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        one.uid = "uid-of-a-stranger"
        one.objects.clear()
        await engine.until(engine.controller.holds, "a hold")
        (hold,) = engine.controller.holds()
        second = commit(engine, "green")
        await engine.until_synced(second, "two")
        await anyio.sleep(1800)
        held, written = engine.cluster("one"), dict(one.objects)
        began = anyio.current_time()
        await engine.controller.approve(hold.id, who="ana", reason="we rebuilt it")
        await engine.until_synced(second)

    assert hold.cause == "IdentityChanged"
    assert "uid-of-one" in hold.reason
    assert hold.id in held.next_step
    assert not written
    assert anyio.current_time() - began < 5
    assert data_in(one) == {"color": "green"}
    assert not engine.state.holds


@in_virtual_time
async def test_a_cluster_that_is_itself_again_needs_no_approval(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        one.uid = "uid-of-a-stranger"
        await engine.until(engine.controller.holds, "a hold")
        one.uid = "uid-of-one"
        await engine.until_synced(commit(engine, "green"))
        holds = engine.controller.holds()

    assert not holds


@in_virtual_time
async def test_a_cluster_rebuilt_at_the_same_address_gets_no_write_before_it_is_probed(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        await anyio.sleep(1)
        one.writes.clear()
        one.uid = "uid-of-a-new-one"
        await one.remove(key_of())  # as the watch of a cluster without anything would tell
        began = anyio.current_time()
        commit(engine, "green")
        await engine.until(engine.controller.holds, "a hold")
        held_after = anyio.current_time() - began
        await anyio.sleep(600)
        target = engine.target("one")

    assert not one.writes
    assert not one.objects
    assert held_after < 2
    assert target.phase is TargetPhase.UNKNOWN


@in_virtual_time
async def test_what_was_held_on_the_cluster_of_before_holds_nothing_on_the_next(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    first = engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced(first)
        second = engine.source.commit(shop__new=config_map("new"))
        (shrunk,) = await engine.until_held("ShrunkRender")
        one.uid = "uid-of-another"
        one.objects.clear()
        other = await engine.until(
            lambda: next(
                (each for each in engine.controller.holds() if each.cause == "IdentityChanged"),
                None,
            ),
            "the identity is held",
        )
        assert other is not None
        await engine.controller.approve(shrunk.id, who="ana", reason="fewer is fine")
        await engine.controller.approve(other.id, who="ana", reason="we rebuilt it")
        await engine.until_synced(second)
        holds = engine.controller.holds()

    assert not holds
    assert [key.name for key in one.objects] == ["new"]


@in_virtual_time
async def test_another_cluster_is_let_go_at_once_although_the_disk_is_full(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        engine.store.trouble = "database or disk is full"
        engine.clusters["one"].uid = "uid-of-another"
        await anyio.sleep(11)  # a probe comes every ten seconds
        is_used = engine.state.clusters["one"].is_connected
        await anyio.sleep(600)
        holds = engine.controller.holds()
        engine.store.trouble = ""
        await engine.until(engine.controller.holds, "a hold, once it can be stored")

    assert not is_used
    assert not holds
