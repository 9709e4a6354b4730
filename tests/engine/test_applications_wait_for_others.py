"""dependsOn: synced and healthy on the same cluster first, woken by that alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
from tests.engine.fakes import MemoryStore, SlowRenderer
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    data_in,
    deployment,
    key_of,
    make_engine,
)
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.views.applications import TargetPhase
from shoal.model.health import Health, HealthState
from shoal.model.identity import TargetKey
from shoal.model.records import Deed, Record
from shoal.store import Change, DropHold

ILL = Health(HealthState.PROGRESSING, "it starts")
WELL = Health(HealthState.HEALTHY)
DB = key_of("db", "Deployment")


def make_waiting(folder: Path, *clusters: str, **db: Any) -> EngineUnderTest:
    """`shop` waits for `db`, whose one workload is not healthy yet."""
    engine = make_engine(folder, *clusters)
    engine.declare_application("db", **db)
    engine.declare_application("shop", dependsOn=[{"application": "db"}])
    for cluster in engine.clusters.values():
        cluster.set_health(DB, ILL)
    commit(engine, "blue")
    return engine


def commit(engine: EngineUnderTest, color: str, **more: Any) -> str:
    return engine.source.commit(
        shop__settings=config_map(color=color), db__db=deployment("db"), **more
    )


def passes(engine: EngineUnderTest, key: TargetKey) -> int:
    return len(engine.target_type.planned.get(key, ()))


@in_virtual_time
async def test_a_first_sync_waits_until_the_dependency_is_healthy(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        (hold,) = await engine.until_held("Dependency")
        await engine.until(lambda: DB in engine.clusters["dev"].objects, "db")
        await anyio.sleep(600)
        before = data_in(engine.clusters["dev"])
        view = engine.target("dev")
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        holds = engine.controller.holds()

    assert before == {}
    assert (view.phase, view.message) == (
        TargetPhase.HELD,
        "default/shop on cluster dev waits until application default/db is synced and healthy "
        "there; default/db is not healthy, for Deployment.apps default/db is Progressing",
    )
    assert hold.release == f"shoal approve {hold.id} --reason …"
    assert holds == []


@in_virtual_time
async def test_each_cluster_waits_for_its_own(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev", "prod")

    async with engine.running():
        await engine.until_held("Dependency")
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED, "dev")
        prod = engine.target("prod")

    assert prod.phase is TargetPhase.HELD
    assert data_in(engine.clusters["prod"]) == {}


@in_virtual_time
async def test_an_update_waits_for_the_dependency_of_the_same_commit(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        engine.clusters["dev"].set_health(DB, ILL)
        commit(engine, "green")
        await engine.until_held("Dependency")
        before = data_in(engine.clusters["dev"])
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_synced("2")

    assert before == {"color": "blue"}


@in_virtual_time
async def test_an_update_waits_for_a_dependency_of_the_same_commit_that_is_slower_to_render(
    tmp_path: Path,
) -> None:
    engine = make_waiting(tmp_path, "dev")
    engine.renderer = renderer = SlowRenderer()

    async with engine.running():
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        revision = commit(engine, "green", db__slow=config_map("slow"))
        await anyio.sleep(30)
        before = data_in(engine.clusters["dev"])
        renderer.gate.set()
        await engine.until_synced(revision)
        writes = [key.name for _, key in engine.clusters["dev"].writes]

    assert before == {"color": "blue"}
    assert writes[-2:] == ["slow", key_of().name]


@in_virtual_time
async def test_who_waits_goes_on_when_the_new_dependency_cannot_be_rendered(
    tmp_path: Path,
) -> None:
    engine = make_waiting(tmp_path, "dev")
    engine.renderer = renderer = SlowRenderer()

    async with engine.running():
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        commit(engine, "green", db__slow=config_map("slow"), db__broken=config_map("broken"))
        await anyio.sleep(30)
        before = data_in(engine.clusters["dev"])
        renderer.gate.set()
        await engine.until(lambda: data_in(engine.clusters["dev"]) == {"color": "green"}, "synced")

    assert before == {"color": "blue"}


@in_virtual_time
async def test_drift_is_corrected_whatever_becomes_of_the_dependency(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        engine.clusters["dev"].set_health(DB, ILL)
        await engine.clusters["dev"].change(key_of(), {"data": {"color": "red"}})
        await engine.until_recorded(Deed.TARGET_CORRECTED)
        synced = data_in(engine.clusters["dev"])
        commit(engine, "green")
        await engine.until_held("Dependency")
        await engine.clusters["dev"].change(key_of(), {"data": {"color": "red"}})
        await engine.until_recorded(Deed.TARGET_CORRECTED, count=2)

    assert synced == {"color": "blue"}
    assert data_in(engine.clusters["dev"]) == {"color": "blue"}


@in_virtual_time
async def test_one_that_is_not_placed_there_is_not_waited_for(tmp_path: Path) -> None:
    engine = make_waiting(
        tmp_path, "dev", placement={"clusterSelector": {"matchLabels": {"db": "yes"}}}
    )

    async with engine.running():
        await engine.until_synced("1")

    assert data_in(engine.clusters["dev"]) == {"color": "blue"}
    assert engine.store.recorded(Deed.HOLD_PLACED) == []


@in_virtual_time
async def test_who_waits_goes_on_when_the_dependency_leaves_the_cluster(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        await engine.until_held("Dependency")
        nowhere = {"clusterSelector": {"matchLabels": {"db": "yes"}}}
        engine.declare_application("db", placement=nowhere)
        await engine.until(lambda: data_in(engine.clusters["dev"]) == {"color": "blue"}, "synced")


@in_virtual_time
async def test_who_waits_goes_on_when_it_depends_on_nothing_any_more(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        await engine.until_held("Dependency")
        engine.declare_application("shop")
        await engine.until(lambda: data_in(engine.clusters["dev"]) == {"color": "blue"}, "synced")


@in_virtual_time
async def test_a_person_may_let_it_go_on(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")

    async with engine.running():
        (hold,) = await engine.until_held("Dependency")
        await engine.controller.approve(hold.id, who="Ana", reason="db is not needed yet")
        await engine.until_synced("1", "dev")

    assert data_in(engine.clusters["dev"]) == {"color": "blue"}


@in_virtual_time
async def test_nobody_polls_while_an_application_waits(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")
    shop = TargetKey(engine.ref("shop"), "dev")

    async with engine.running():
        await engine.until_held("Dependency")
        await anyio.sleep(30)
        before = passes(engine, shop)
        await anyio.sleep(6000)
        after = passes(engine, shop)

    assert after == before


@in_virtual_time
async def test_an_application_that_is_not_there_is_an_error_of_who_waits(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    commit(engine, "blue")
    engine.declare_application("shop", dependsOn=[{"application": "dv"}])

    async with engine.running():
        await engine.until(engine.controller.applications, "the applications")
        await engine.until(lambda: engine.application().message, "an error")
        missing = engine.application()
        engine.declare_application("dv")
        commit(engine, "blue", dv__one=config_map("one"))
        await engine.until_phase(TargetPhase.SYNCED)
        found = engine.application()

    assert missing.message == (
        "application default/shop depends on application default/dv, and there is none"
    )
    assert found.message == ""


@in_virtual_time
async def test_a_circle_is_an_error_of_all_its_members(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.declare_application("a", dependsOn=[{"application": "b"}])
    engine.declare_application("b", dependsOn=[{"application": "shop"}])
    commit(engine, "blue", a__a=config_map("a"), b__b=config_map("b"))

    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED, application="a")
        engine.declare_application("shop", dependsOn=[{"application": "a"}])
        members = ("a", "b", "shop")
        await engine.until(
            lambda: all(engine.application(name).message for name in members), "all say so"
        )
        told = {name: engine.application(name).message for name in members}
        await engine.clusters["dev"].change(key_of(), {"data": {"color": "red"}})
        await engine.until(lambda: data_in(engine.clusters["dev"]) == {"color": "blue"}, "healed")

    assert told["a"] == (
        "applications wait for one another in a circle: "
        "default/a → default/b → default/shop → default/a"
    )
    assert told["shop"].endswith("default/shop → default/a → default/b → default/shop")


class SlowToRelease(MemoryStore):
    """Takes a minute to say that the end of a hold is written down."""

    async def write(self, *changes: Change) -> Sequence[Record]:
        records = await super().write(*changes)
        if any(isinstance(each, DropHold) for each in changes):
            await anyio.sleep(60)
        return records


@in_virtual_time
async def test_who_begins_to_wait_just_when_the_dependency_is_ready_goes_on(tmp_path: Path) -> None:
    engine = make_waiting(tmp_path, "dev")
    engine.store = SlowToRelease()

    async with engine.running():
        await engine.until_held("Dependency")
        until = now() + timedelta(seconds=300)
        shop = engine.ref("shop")
        await engine.controller.suspend(shop, who="ana", reason="a storm", until=until)
        await anyio.sleep(330)  # it ran out, and that is being written down
        engine.clusters["dev"].set_health(DB, WELL)
        await engine.until_phase(TargetPhase.SYNCED)
        placed = [each.why for each in engine.store.recorded(Deed.HOLD_PLACED)]

    assert placed == [placed[0], "a storm", placed[0]]
    assert data_in(engine.clusters["dev"]) == {"color": "blue"}
