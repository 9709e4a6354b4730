"""An orphan that is deleted while its target is synced leaves no drift behind that never ends."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import (
    after_it_lost_its_database,
    config_maps,
    key_of,
    make_engine,
    target_key,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.model.health import Health, HealthState

ORPHAN = key_of("m1")


@in_virtual_time
async def test_it_is_told_as_drift_no_more_when_it_is_forgotten(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    first = engine.source.commit(**config_maps(2))
    async with engine.running():
        await engine.until_synced(first)
    engine.source.commit(**config_maps(1))
    again = after_it_lost_its_database(engine)
    dev = again.clusters["dev"]

    async with again.running():
        await again.until_held("Orphaned")
        await again.until(lambda: again.target("dev").revision == "2", "the first pass")
        dev.gate = anyio.Event()
        again.source.commit(**config_maps(1, color="green"))
        await again.until(lambda: again.state.targets[target_key("dev")].is_syncing, "a pass")
        await dev.remove(ORPHAN)
        await again.until(lambda: again.target("dev").drifted == 1, "that it is gone")
        dev.gate.set()
        await again.until(lambda: again.target("dev").revision == "3", "the pass is over")
        dev.set_health(ORPHAN, Health(HealthState.UNKNOWN))  # it is told once more that it is gone
        await again.until_phase(TargetPhase.SYNCED)
        rows = again.state.inventory("dev")

    assert ORPHAN not in rows
