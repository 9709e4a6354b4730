"""Whoever deletes much by one commit is asked first; what is written goes on meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    data_in,
    deployment,
    key_of,
    make_engine,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.model.health import Health, HealthState
from shoal.model.records import Deed


def kept(engine: EngineUnderTest, cluster: str = "dev") -> list[str]:
    return sorted(key.name for key in engine.clusters[cluster].objects)


@in_virtual_time
async def test_deletions_wait_and_writes_go_on(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(5, color="green"))
        (hold,) = await engine.until_held("PruneBudget")
        await engine.until(lambda: data_in(engine.clusters["dev"], "m0") == {"color": "green"}, "")
        view = engine.target("dev")
        before = kept(engine)
        await engine.controller.approve(hold.id, who="Ana", reason="meant")
        await engine.until_synced("2")
        holds = engine.controller.holds()

    assert hold.reason == (
        "3 of 8 objects of default/shop would be deleted from cluster dev (ConfigMap default/m5, "
        "ConfigMap default/m6, ConfigMap default/m7), which is more than a quarter; what is "
        "written goes on, and without approval they are kept"
    )
    assert (view.phase, view.message, view.next_step) == (
        TargetPhase.HELD,
        hold.reason,
        f"shoal approve {hold.id} --reason …",
    )
    assert len(before) == 8
    assert kept(engine) == ["m0", "m1", "m2", "m3", "m4"]
    assert holds == []


@in_virtual_time
async def test_a_suspension_in_between_makes_no_prune_harmless(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**dict(list(config_maps(20).items())[4:]))
        (hold,) = await engine.until_held("PruneBudget")
        await engine.until(lambda: len(kept(engine)) == 20, "the new ones")
        shop, until = engine.ref("shop"), engine.state.now() + timedelta(hours=1)
        await engine.controller.suspend(shop, who="Ana", reason="a freeze", until=until)
        await anyio.sleep(30)
        await engine.controller.resume(shop, who="Ana", reason="it is over")
        await anyio.sleep(60)
        holds = engine.controller.holds()

    assert [each.id for each in holds] == [hold.id]
    assert len(kept(engine)) == 20


@in_virtual_time
async def test_what_was_written_meanwhile_makes_no_prune_harmless(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**dict(list(config_maps(20).items())[4:]))
        (hold,) = await engine.until_held("PruneBudget")
        await engine.until(lambda: len(kept(engine)) == 20, "the new ones")
        await engine.controller.sync(engine.ref("shop"), who="Ana")
        await anyio.sleep(60)
        (still,) = engine.controller.holds()

    assert len(kept(engine)) == 20
    assert still == hold
    assert "4 of 8 objects" in hold.reason


@in_virtual_time
async def test_a_quarter_is_pruned_without_asking(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(6))
        await engine.until_synced("2")

    assert len(kept(engine)) == 6
    assert engine.store.recorded(Deed.HOLD_PLACED) == []


@in_virtual_time
async def test_one_approval_covers_a_prune_that_is_carried_out_in_parts(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    new, old = key_of("new", "Deployment"), key_of("old", "Deployment")
    engine.clusters["dev"].set_health(new, Health(HealthState.PROGRESSING, "it starts"))
    engine.source.commit(**config_maps(4), shop__old=deployment("old"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3), shop__new=deployment("new"))
        (hold,) = await engine.until_held("PruneBudget")
        await engine.controller.approve(hold.id, who="Ana", reason="meant")
        await engine.until(lambda: key_of("m3") not in engine.clusters["dev"].objects, "m3 gone")
        while_starting = old in engine.clusters["dev"].objects
        engine.clusters["dev"].set_health(new, Health(HealthState.HEALTHY))
        await engine.until(lambda: old not in engine.clusters["dev"].objects, "old gone")
        await engine.until_synced("2")

    assert while_starting
    assert len(engine.store.recorded(Deed.HOLD_PLACED)) == 1


@in_virtual_time
async def test_a_set_that_shrinks_below_half_changes_nothing(tmp_path: Path) -> None:
    """fluxcd/flux2#2421 and argoproj/argo-cd#7412: half a render pruned the other half."""
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3, color="green"))
        (hold,) = await engine.until_held("ShrunkRender")
        await anyio.sleep(60)
        before = kept(engine), data_in(engine.clusters["dev"], "m0")
        await engine.controller.approve(hold.id, who="Ana", reason="meant")
        await engine.until_synced("2")

    assert before == ([f"m{number}" for number in range(8)], {"color": "blue"})
    assert hold.reason == (
        "the source of default/shop renders to 3 objects, less than half of the 8 that are in "
        "cluster dev; without approval nothing is changed, and ConfigMap default/m3, ConfigMap "
        "default/m4, ConfigMap default/m5 and 2 more are kept"
    )
    assert len(engine.store.recorded(Deed.HOLD_PLACED)) == 1
    assert data_in(engine.clusters["dev"], "m0") == {"color": "green"}


@in_virtual_time
async def test_drift_is_corrected_while_a_set_is_held(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until_held("ShrunkRender")
        for name in ("m0", "m7"):
            await engine.clusters["dev"].change(key_of(name), {"data": {"color": "red"}})
        await engine.until(
            lambda: all(
                data_in(engine.clusters["dev"], name) == {"color": "blue"} for name in ("m0", "m7")
            ),
            "both as they were",
        )
        still_held = engine.controller.holds()

    assert [each.cause for each in still_held] == ["ShrunkRender"]


@pytest.mark.parametrize("is_approved", [True, False])
@in_virtual_time
async def test_one_revision_may_not_prune_the_whole_fleet(
    tmp_path: Path, is_approved: bool
) -> None:
    names = [f"c{number:02}" for number in range(30)]
    engine = make_engine(tmp_path, *names)
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(6, color="green"))
        holds = await engine.until_held("PruneBudget", *names)
        await anyio.sleep(60)
        before = {name: len(kept(engine, name)) for name in names}
        if is_approved:
            (group,) = {hold.group for hold in holds}
            released = await engine.controller.approve(group, who="Ana", reason="meant")
            await engine.until_synced("2")
            assert len(released) == len(names)

    assert before == dict.fromkeys(names, 8)
    assert "and its revision would delete 60 of 240 in the whole fleet; what is written" in (
        holds[0].reason
    )
    assert {len(kept(engine, name)) for name in names} == {6 if is_approved else 8}


@in_virtual_time
async def test_a_group_covers_clusters_that_come_later(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev", "late")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.clusters["late"].unreachable = True
        await engine.until_circuit("late", "Open")
        engine.source.commit(**config_maps(5))
        (hold,) = await engine.until_held("PruneBudget", "dev")
        await engine.controller.approve(hold.group, who="Ana", reason="meant")
        await engine.until_synced("2", "dev")
        engine.clusters["late"].unreachable = False
        await engine.until_synced("2")

    assert len(kept(engine, "late")) == 5
    assert len(engine.store.recorded(Deed.HOLD_PLACED)) == 1


@in_virtual_time
async def test_a_revert_ends_the_hold_by_itself(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(5))
        await engine.until_held("PruneBudget")
        engine.source.commit(**config_maps(8))
        await engine.until_phase(TargetPhase.SYNCED)
        await engine.until(lambda: not engine.controller.holds(), "no hold")

    assert len(kept(engine)) == 8
    assert [each.why for each in engine.store.recorded(Deed.HOLD_RELEASED)] == [
        "it is not needed any more"
    ]


@in_virtual_time
async def test_nothing_is_held_that_is_never_pruned(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.declare_application("shop", sync={"prune": "Never"})
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3), shop__new=config_map("new"))
        await engine.until_synced("2")

    assert len(kept(engine)) == 9
