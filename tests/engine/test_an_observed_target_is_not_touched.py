"""mode Observe: what would change is tried out and shown, and nothing is written."""

from __future__ import annotations

from datetime import timedelta
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
from shoal.errors import InvalidObject
from shoal.model.plans import Proof, found
from shoal.model.records import Deed

HOUR = 3600.0


def observing(folder: Path) -> EngineUnderTest:
    engine = make_engine(folder, "dev")
    engine.declare_application("shop", sync={"mode": "Observe"})
    return engine


def looks(engine: EngineUnderTest) -> list[Proof]:
    return [proof for proofs in engine.target_type.planned.values() for proof in proofs]


@in_virtual_time
async def test_it_shows_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    engine = observing(tmp_path)
    engine.source.commit(**config_maps(4, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.DIFFERS)
        view = engine.target("dev")
        (record,) = engine.store.recorded(Deed.TARGET_OBSERVED)

    assert view.message == (
        "4 objects would change: create ConfigMap default/m0, create ConfigMap default/m1, "
        "create ConfigMap default/m2 and 1 more; mode is Observe"
    )
    assert view.next_step == "set mode: Apply to write it"
    assert record.body["plan"] == view.plan_hash
    assert {each["status"] for each in record.body["changes"]} == {"only tried out"}
    assert engine.clusters["dev"].objects == {}
    assert engine.clusters["dev"].writes == []
    assert engine.state.inventory("dev").count(next(iter(engine.state.targets))) == 0
    assert set(looks(engine)) == {Proof.DRY_RUN}


@in_virtual_time
async def test_each_plan_is_told_once(tmp_path: Path) -> None:
    engine = observing(tmp_path)
    engine.source.commit(**config_maps(2, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.DIFFERS)
        await engine.controller.sync(engine.ref("shop"), who="Ana")
        await engine.until(lambda: len(looks(engine)) > 1, "another look")
        await anyio.sleep(10)
        once = len(engine.store.recorded(Deed.TARGET_OBSERVED))
        engine.source.commit(**config_maps(2, color="green"))
        await engine.until_recorded(Deed.TARGET_OBSERVED, count=2)

    assert once == 1


@in_virtual_time
async def test_it_is_looked_at_again_after_some_hours(tmp_path: Path) -> None:
    """What was never applied is not watched."""
    engine = observing(tmp_path)
    engine.interval = timedelta(hours=1)
    engine.documents.write("Source", "apps", {"memory": {}, "interval": "1h"})
    engine.source.commit(**config_maps(1, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.DIFFERS)
        await engine.clusters["dev"].create(config_map("m0", color="blue"))
        live, (owner,) = engine.clusters["dev"].objects[key_of("m0")], engine.state.targets
        live.owner = owner
        engine.state.inventory("dev").put([found(owner, key_of("m0"), live.uid)])
        before = len(looks(engine))
        await anyio.sleep(5 * HOUR)
        early = len(looks(engine))
        await anyio.sleep(2 * HOUR)
        view = engine.target("dev")

    assert early == before
    assert len(looks(engine)) == before + 1
    assert (view.phase, view.message) == (TargetPhase.SYNCED, "")


@in_virtual_time
async def test_what_the_server_would_refuse_is_shown(tmp_path: Path) -> None:
    engine = observing(tmp_path)
    engine.clusters["dev"].refusals[key_of("m0")] = InvalidObject("data.color: is no color")
    engine.source.commit(**config_maps(2, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.FAILED)
        view = engine.target("dev")

    assert view.message == "ConfigMap default/m0: data.color: is no color"
    assert engine.clusters["dev"].writes == []


@in_virtual_time
async def test_who_changes_to_observe_keeps_what_is_there_and_sees_drift(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        writes = len(engine.clusters["dev"].writes)
        engine.declare_application("shop", sync={"mode": "Observe"})
        await engine.until_recorded(Deed.TARGET_OBSERVED)
        await engine.until_phase(TargetPhase.SYNCED)
        await engine.clusters["dev"].change(key_of("m0"), {"data": {"color": "red"}})
        await engine.until_phase(TargetPhase.DIFFERS)
        drifted = engine.target("dev").message
        engine.source.commit(**config_maps(2, color="blue"))
        await engine.until_recorded(Deed.TARGET_OBSERVED, count=3)
        await anyio.sleep(60)
        view = engine.target("dev")

    assert drifted.startswith("1 object would change: correct ConfigMap default/m0")
    assert view.message.startswith("7 objects would change: correct ConfigMap default/m0, delete ")
    assert view.phase is TargetPhase.DIFFERS
    assert engine.store.recorded(Deed.HOLD_PLACED) == []
    assert len(engine.clusters["dev"].writes) == writes


@in_virtual_time
async def test_who_changes_to_apply_writes_what_was_shown(tmp_path: Path) -> None:
    engine = observing(tmp_path)
    engine.source.commit(**config_maps(2, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.DIFFERS)
        engine.declare_application("shop")
        await engine.until_synced("1")

    assert data_in(engine.clusters["dev"], "m1") == {"color": "blue"}


@in_virtual_time
async def test_what_changes_every_second_is_looked_at_later_and_later_and_told_once(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(2, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.declare_application("shop", sync={"mode": "Observe"})
        await engine.until_recorded(Deed.TARGET_OBSERVED)
        before = len(looks(engine))
        for number in range(60):
            await engine.clusters["dev"].change(key_of("m0"), {"data": {"color": f"red{number}"}})
            await anyio.sleep(1)
        busy = len(looks(engine)) - before
        told = len(engine.store.recorded(Deed.TARGET_OBSERVED))
        await anyio.sleep(70)
        after = len(looks(engine)) - before - busy
        await engine.clusters["dev"].change(key_of("m0"), {"data": {"color": "blue"}})
        await engine.until_phase(TargetPhase.SYNCED)

    assert 2 < busy < 9
    assert told == 2
    assert after == 1
