"""An object that somebody changes back again and again is left alone, and only that object."""

from __future__ import annotations

import itertools
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
from shoal.model.records import Deed


async def fight(engine: EngineUnderTest, name: str, seconds: float = 120) -> int:
    """Somebody changes the object as soon as it is corrected; how often it was written."""
    cluster, key, writes = engine.clusters["dev"], key_of(name), 0
    with anyio.move_on_after(seconds):
        while True:
            await cluster.change(key, {"data": {"color": "red"}})
            await engine.until(lambda: data_in(cluster, name) != {"color": "red"}, "corrected")
            writes += 1
    return writes


@in_virtual_time
async def test_five_corrections_come_ever_later_and_then_a_person_is_asked(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        started = anyio.current_time()
        writes = await fight(engine, "m0")
        (hold,) = await engine.until_held("Conflict")
        times = [
            round((each.at - engine.store.recorded(Deed.TARGET_SYNCED)[0].at).total_seconds())
            for each in engine.store.recorded(Deed.TARGET_CORRECTED)
        ]
        view = engine.target("dev")
        (drift,) = engine.controller.drifts()
        engine.source.commit(
            **config_maps(3, color="green") | {"shop__m0": config_map("m0", color="blue")}
        )
        await engine.until(lambda: data_in(engine.clusters["dev"], "m1") == {"color": "green"}, "")

    assert started < 60
    assert writes == 5
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [
        1,
        2,
        4,
        8,
    ]
    assert hold.reason == (
        "ConfigMap default/m0 in cluster dev was changed back 5 times in 10 minutes by client "
        "stranger; it is left as it is until that stops or you let it be corrected again"
    )
    assert drift.policy == "Held"
    assert (view.phase, view.message) == (TargetPhase.HELD, hold.reason)
    assert view.next_step == f"shoal approve {hold.id} --reason …"
    assert data_in(engine.clusters["dev"], "m0") == {"color": "red"}


@in_virtual_time
async def test_the_other_objects_are_corrected_meanwhile(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await fight(engine, "m0")
        await engine.until_held("Conflict")
        await engine.clusters["dev"].change(key_of("m1"), {"data": {"color": "red"}})
        await engine.until(lambda: data_in(engine.clusters["dev"], "m1") == {"color": "blue"}, "")

    assert data_in(engine.clusters["dev"], "m0") == {"color": "red"}


@in_virtual_time
async def test_an_approval_tries_again_and_the_next_fight_is_another_hold(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await fight(engine, "m0")
        (first,) = await engine.until_held("Conflict")
        await engine.controller.approve(first.id, who="Ana", reason="the scaler is off")
        await engine.until(lambda: data_in(engine.clusters["dev"], "m0") == {"color": "blue"}, "")
        quiet = engine.controller.holds()
        await fight(engine, "m0")
        (second,) = await engine.until_held("Conflict")

    assert quiet == []
    assert first.id != second.id
    (released,) = engine.store.recorded(Deed.HOLD_RELEASED)
    assert (released.who, released.why) == ("Ana", "the scaler is off")


@in_virtual_time
async def test_it_ends_by_itself_when_the_object_is_as_it_should_be(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await fight(engine, "m0")
        await engine.until_held("Conflict")
        await engine.clusters["dev"].change(key_of("m0"), {"data": {"color": "blue"}})
        await engine.until_phase(TargetPhase.SYNCED)

    (released,) = engine.store.recorded(Deed.HOLD_RELEASED)
    assert released.why == "it is as it should be again"


@in_virtual_time
async def test_it_ends_when_the_object_leaves_git(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await fight(engine, "m4")
        await engine.until_held("Conflict")
        engine.source.commit(**config_maps(4, color="blue"))
        await engine.until_synced("2")
        await engine.until_phase(TargetPhase.SYNCED)

    (released,) = engine.store.recorded(Deed.HOLD_RELEASED)
    assert released.why == "it is not an object of application default/shop any more"


@in_virtual_time
async def test_one_that_was_let_go_and_deleted_is_no_fight_any_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await fight(engine, "m4")
        (conflict,) = await engine.until_held("Conflict")
        engine.source.commit(**config_maps(1, color="blue"))
        await engine.until(lambda: len(engine.controller.holds()) == 2, "both are held")
        await engine.controller.approve(conflict.id, who="Ana", reason="whatever")
        (shrunk,) = engine.controller.holds()
        await engine.controller.approve(shrunk.id, who="Ana", reason="it is meant")
        await engine.until_synced("2")
        await engine.until_phase(TargetPhase.SYNCED)

    assert engine.clusters["dev"].objects.keys() == {key_of("m0")}
