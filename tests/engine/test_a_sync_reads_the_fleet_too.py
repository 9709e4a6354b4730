"""A sync that a person asks for reads the fleet's documents as well, and shows that it goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.engine.harness import config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase


@in_virtual_time
async def test_what_a_document_says_since_counts_before_it_is_over(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.interval = timedelta(hours=1)
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced("1")
        before = engine.controller.fleet().looked_at
        engine.declare_application("shop", sync={"mode": "Observe"}, overrides=[OVERRIDE])
        asked_at = engine.state.now()
        await engine.controller.sync(engine.ref("shop"), who="Ana")
        await engine.until(
            lambda: (engine.controller.fleet().looked_at or asked_at) > (before or asked_at),
            "another look at the fleet",
        )
        # Whoever sees that the fleet was read sees a target that is not done, or is.
        at_once = engine.target("dev").phase
        await engine.until_phase(TargetPhase.DIFFERS)
        looked_at = engine.controller.fleet().looked_at

    assert at_once is not TargetPhase.SYNCED
    assert looked_at is not None
    assert looked_at >= asked_at


OVERRIDE = {
    "clusterSelector": {},
    "merge": [{"target": {"kind": "ConfigMap"}, "patch": {"data": {"a": "2"}}}],
}
