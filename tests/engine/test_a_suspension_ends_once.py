"""A suspension that ran out is over for all targets of its application, and that is said once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.engine.harness import config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed


@in_virtual_time
async def test_a_suspension_that_runs_out_on_three_clusters_is_released_once(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    first = engine.source.commit(shop__settings=config_map(color="blue"))
    async with engine.running():
        await engine.until_synced(first)
        until = engine.state.now() + timedelta(minutes=5)
        await engine.controller.suspend(engine.ref("shop"), who="li", reason="storm", until=until)
        second = engine.source.commit(shop__settings=config_map(color="red"))
        await engine.until_synced(second)
        released = engine.store.recorded(Deed.HOLD_RELEASED)

    assert [each.why for each in released] == ["it ran out"]
    assert all(data_in(each) == {"color": "red"} for each in engine.clusters.values())
