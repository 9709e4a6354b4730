"""Much of a target that drifts at once is one event and one ordinary sync."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.harness import config_maps, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed


@pytest.mark.parametrize("policy", ["Correct", "Report"])
@in_virtual_time
async def test_a_target_that_was_reset_is_told_once(tmp_path: Path, policy: str) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.declare_application("shop", sync={"whenDrifted": policy})
    engine.source.commit(**config_maps(40, color="blue"))
    phase = TargetPhase.SYNCED if policy == "Correct" else TargetPhase.DRIFTED

    async with engine.running():
        await engine.until_synced("1")
        for number in range(40):
            await engine.clusters["dev"].change(key_of(f"m{number}"), {"data": {"color": "red"}})
        (reset,) = await engine.until_recorded(Deed.TARGET_RESET)
        await engine.until(lambda: not engine.state.clusters["dev"].queue.active, "all is done")
        await engine.until_phase(phase)
        corrected = engine.store.recorded(Deed.TARGET_CORRECTED)
        drifted = engine.store.recorded(Deed.TARGET_DRIFTED)

    assert (reset.who, reset.subject) == ("client stranger", "default/shop@dev")
    assert reset.why == "9 of 40 objects changed at once"
    color = "blue" if policy == "Correct" else "red"
    assert all(
        data_in(engine.clusters["dev"], f"m{number}") == {"color": color} for number in range(40)
    )
    assert len(corrected) <= (4 if policy == "Correct" else 0)
    assert len(drifted) <= (0 if policy == "Correct" else 8)


@in_virtual_time
async def test_a_few_objects_are_corrected_one_by_one(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(4, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        for name in ("m0", "m1"):
            await engine.clusters["dev"].change(key_of(name), {"data": {"color": "red"}})
        await engine.until(lambda: engine.store.recorded(Deed.TARGET_CORRECTED), "corrected")
        await engine.until_phase(TargetPhase.SYNCED)

    assert engine.store.recorded(Deed.TARGET_RESET) == []
