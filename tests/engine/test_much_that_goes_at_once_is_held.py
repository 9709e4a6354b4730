"""Many documents, or many targets, that go at once: held until a person says that it is meant."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import HoldView
from shoal.model.identity import Ref
from shoal.model.records import Deed

APPLICATIONS = tuple(f"app-{number}" for number in range(6))
MINUTE = 60.0
GOLD = {"clusterSelector": {"matchLabels": {"tier": "gold"}}}


def make_fleet(tmp_path: Path, *clusters: str) -> EngineUnderTest:
    """Six applications beside `shop`, each with an object of its own."""
    engine = make_engine(tmp_path, *(clusters or ("one",)))
    for name in APPLICATIONS:
        engine.declare_application(name)
    return engine


def commit(engine: EngineUnderTest, color: str = "blue") -> str:
    every = ("shop", *APPLICATIONS)
    return engine.source.commit(
        **{f"{name}__{name}": config_map(name, color=color) for name in every}
    )


async def until_all_synced(engine: EngineUnderTest, *applications: str) -> None:
    for name in applications or ("shop", *APPLICATIONS):
        await engine.until_phase(TargetPhase.SYNCED, application=name)


async def until_withheld(engine: EngineUnderTest) -> HoldView:
    def found() -> HoldView | None:
        holds = [each for each in engine.controller.holds() if each.cause == "RemovalBudget"]
        return holds[0] if holds else None

    hold = await engine.until(found, "a hold of the fleet")
    assert hold is not None
    return hold


def remove(engine: EngineUnderTest, *names: str) -> None:
    for name in names:
        engine.remove_application(name)


@in_virtual_time
async def test_many_applications_that_go_at_once_stay_and_are_kept_equal_to_git(
    tmp_path: Path,
) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        remove(engine, *APPLICATIONS[:4])
        hold = await until_withheld(engine)
        commit(engine, "green")
        one = engine.clusters["one"]
        await engine.until(lambda: data_in(one, "app-0") == {"color": "green"}, "the new commit")
        await anyio.sleep(30 * MINUTE)
        phases = {view.phase for view in engine.controller.targets()}
        holds = engine.controller.holds()
        status = engine.controller.fleet()

    assert "4 of 7 applications at once" in hold.reason
    assert [each.id for each in holds] == [hold.id]
    assert phases == {TargetPhase.SYNCED}
    assert (status.applications, status.holds) == (7, 1)


@in_virtual_time
async def test_an_approval_lets_them_go_each_with_its_grace_period(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    engine.let_grace_last("1m")
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        remove(engine, *APPLICATIONS[:4])
        hold = await until_withheld(engine)
        await engine.controller.approve(hold.id, who="ana", reason="they moved")
        await engine.until(lambda: len(engine.controller.holds()) == 4, "four removals")
        kept = len(engine.clusters["one"].objects)
        await engine.until(lambda: len(engine.clusters["one"].objects) == 3, "they are gone")
        await until_all_synced(engine, *APPLICATIONS[4:], "shop")
        holds, approvals = engine.controller.holds(), engine.state.approvals

    assert kept == 7
    assert not holds
    assert not approvals


@in_virtual_time
async def test_putting_them_back_ends_it(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        written = list(engine.clusters["one"].writes)
        remove(engine, *APPLICATIONS[:4])
        await until_withheld(engine)
        for name in APPLICATIONS[:4]:
            engine.declare_application(name)
        await engine.until(lambda: not engine.controller.holds(), "no hold")
        (released,) = engine.store.recorded(Deed.HOLD_RELEASED)
        await anyio.sleep(MINUTE)

    assert released.why == "it is not needed any more"
    assert engine.clusters["one"].writes == written


@in_virtual_time
async def test_what_goes_one_by_one_is_saved_together(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        remove(engine, "app-0")
        await engine.until_phase(TargetPhase.REMOVING, application="app-0")
        await anyio.sleep(MINUTE)
        remove(engine, "app-1")
        hold = await until_withheld(engine)
        await until_all_synced(engine)
        await anyio.sleep(15 * MINUTE)

    assert "default/app-0, default/app-1" in hold.reason
    assert len(engine.clusters["one"].objects) == 7


@in_virtual_time
async def test_after_a_restart_they_are_kept_by_name_until_it_is_approved(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    engine.let_grace_last("1m")
    commit(engine)
    async with engine.running():
        await until_all_synced(engine)
    engine.restart()
    remove(engine, *APPLICATIONS[:4])

    async with engine.running():
        first = await until_withheld(engine)
        await until_all_synced(engine, *APPLICATIONS[4:], "shop")
        await anyio.sleep(5 * MINUTE)
        view = engine.target("one", "app-0")
    engine.restart()
    async with engine.running():
        second = await until_withheld(engine)
        await engine.controller.approve(second.id, who="ana", reason="they moved")
    kept = len(engine.clusters["one"].objects)
    engine.restart()
    async with engine.running():
        await engine.until(lambda: len(engine.clusters["one"].objects) == 3, "they are gone")

    assert view.phase is TargetPhase.UNKNOWN
    assert view.message == (
        "application default/app-0 is not in the documents any more, and its removal is held; "
        "what is live stays as it is"
    )
    assert view.next_step == "see shoal get holds"
    assert (second.id, second.since) == (first.id, first.since)
    assert kept == 7


@in_virtual_time
async def test_what_was_kept_by_name_goes_when_it_is_approved(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    engine.let_grace_last("1m")
    commit(engine)
    async with engine.running():
        await until_all_synced(engine)
    engine.restart()
    remove(engine, *APPLICATIONS[:4])

    async with engine.running():
        hold = await until_withheld(engine)
        await until_all_synced(engine, *APPLICATIONS[4:], "shop")
        await engine.controller.approve(hold.id, who="ana", reason="they moved")
        await engine.until(lambda: len(engine.clusters["one"].objects) == 3, "they are gone")


@in_virtual_time
async def test_a_removal_waits_while_another_file_cannot_be_read(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        whole = engine.documents.files["Application-app-1.yaml"]
        engine.documents.files["Application-app-1.yaml"] = b"{kind: Application, spec: ["
        remove(engine, "app-0")
        hold = await until_withheld(engine)
        engine.documents.files["Application-app-1.yaml"] = whole
        await engine.until_phase(TargetPhase.REMOVING, application="app-0")
        holds = engine.controller.holds()

    assert "Application-app-1.yaml cannot be read" in hold.reason
    assert [each.cause for each in holds] == ["Removing"]


@in_virtual_time
async def test_a_document_that_moves_to_another_file_is_not_gone(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)

    async with engine.running():
        await until_all_synced(engine)
        files = engine.documents.files
        moved = [files.pop(f"Application-{name}.yaml") for name in APPLICATIONS]
        files["apps.yaml"] = b"\n---\n".join(moved)
        await anyio.sleep(MINUTE)
        holds, views = engine.controller.holds(), engine.controller.applications()

    assert not holds
    assert {view.document.partition(":")[0] for view in views if view.name != "shop"} == {
        "apps.yaml"
    }


@in_virtual_time
async def test_an_application_under_another_name_takes_its_objects_along(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        began = anyio.current_time()
        engine.remove_application("shop")
        source = {"ref": "apps", "path": "shop"}
        engine.declare_application("store", source=source)
        await engine.until_phase(TargetPhase.SYNCED, application="store")
        gone = target_key("one")
        await engine.until(lambda: gone not in engine.state.targets, "shop has nothing any more")
        writes = {verb for verb, _ in engine.clusters["one"].writes}

    assert anyio.current_time() - began < 5
    assert writes == {"apply"}
    assert not engine.state.holds
    assert engine.state.inventory("one").count(target_key("one", "store")) == 1


@in_virtual_time
async def test_a_selector_that_matches_nothing_any_more_keeps_its_clusters(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    engine = make_engine(tmp_path, *names)
    for name in names:
        engine.declare_cluster(name, tier="gold")
    engine.declare_application("shop", placement=GOLD)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        typo = {"clusterSelector": {"matchLabels": {"tier": "golden"}}}
        engine.declare_application("shop", placement=typo)
        hold = await until_withheld(engine)
        await engine.until_synced(engine.source.commit(shop__settings=config_map(color="red")))
        await engine.controller.approve(hold.id, who="ana", reason="meant")
        holds = await engine.until_held("Removing")

    assert hold.reason.startswith("4 targets (default/shop@a, default/shop@b, default/shop@c and 1")
    assert len(holds) == 4


@in_virtual_time
async def test_clusters_that_lose_their_label_keep_what_they_have_across_a_restart(
    tmp_path: Path,
) -> None:
    names = ("a", "b", "c", "d")
    engine = make_engine(tmp_path, *names)
    for name in names:
        engine.declare_cluster(name, tier="gold")
    engine.declare_application("shop", placement=GOLD)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))
    async with engine.running():
        await engine.until_synced(revision)
    engine.restart()
    for name in names[:2]:
        engine.declare_cluster(name)

    async with engine.running():
        hold = await until_withheld(engine)
        await engine.until_synced(engine.source.commit(shop__settings=config_map(color="red")))
        engine.declare_cluster("a", tier="gold")
        await engine.until_phase(TargetPhase.REMOVING, "b")
        holds = [each.cause for each in engine.controller.holds()]

    assert "2 of 4 targets at once" in hold.reason
    assert holds == ["Removing"]


@in_virtual_time
async def test_clusters_that_go_at_once_are_worked_on_as_before(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    engine = make_engine(tmp_path, *names)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        for name in names[:3]:
            engine.let_go(name)
        hold = await until_withheld(engine)
        await engine.until_synced(engine.source.commit(shop__settings=config_map(color="red")))
        await engine.controller.approve(hold.id, who="ana", reason="they are sold")
        await engine.until_recorded(Deed.CLUSTER_LET_GO, count=3)
        await anyio.sleep(15 * MINUTE)
        clusters = [view.name for view in engine.controller.clusters()]

    assert "3 of 4 clusters at once" in hold.reason
    assert clusters == ["d"]
    assert {verb for each in engine.clusters.values() for verb, _ in each.writes} == {"apply"}
    assert all(data_in(each) == {"color": "red"} for each in engine.clusters.values())


@in_virtual_time
async def test_another_fleet_folder_by_mistake_empties_nothing(tmp_path: Path) -> None:
    engine = make_fleet(tmp_path)
    commit(engine)
    async with engine.running():
        await until_all_synced(engine)
    engine.restart()
    engine.documents.files = {"Fleet-test.yaml": engine.documents.files["Fleet-test.yaml"]}

    async with engine.running():
        hold = await until_withheld(engine)
        await anyio.sleep(15 * MINUTE)
        phases = {view.phase for view in engine.controller.targets()}

    assert "7 applications" in hold.reason
    assert "1 cluster (one)" in hold.reason
    assert phases == {TargetPhase.UNKNOWN}
    assert len(engine.clusters["one"].objects) == 7
    assert Ref("default", "shop") in {key.application for key in engine.state.targets}
