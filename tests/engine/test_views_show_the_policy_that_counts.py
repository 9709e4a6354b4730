"""A preset and the defaults are told in full: nobody has to know them by heart."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.policies import PRESETS, Preset


@in_virtual_time
async def test_an_application_tells_what_its_preset_says_and_what_was_written_beside_it(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"preset": "careful", "whenDrifted": "Correct"})
    async with engine.running():
        await engine.until(lambda: engine.state.catalog, "the catalog")

        (view,) = engine.controller.applications()

    assert view.sync == {
        "preset": "careful",
        "mode": "Apply",
        "prune": "AfterHealthy",
        "whenAlreadyExists": "Fail",
        **PRESETS[Preset.CAREFUL],
        "whenDrifted": "Correct",
        "whenApplicationRemoved": "Delete",
        "whenClusterLeft": "Delete",
        **{key: view.sync[key] for key in view.sync if key == "byHand"},
    }
