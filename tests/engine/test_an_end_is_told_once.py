"""That a trouble is over is told once, also when it is seen while a pass is being recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.health import Health, HealthState
from shoal.model.records import Deed, Record
from shoal.store import Append, Change
from shoal.testing.fake_cluster import FakeCluster

WEB = key_of("web", "Deployment")


class SlowStore(MemoryStore):
    """While it writes down the second sync, the Deployment becomes healthy."""

    cluster: FakeCluster

    async def write(self, *changes: Change) -> Sequence[Record]:
        entries = [each.entry for each in changes if isinstance(each, Append)]
        if any(each.what is Deed.TARGET_SYNCED and each.revision == "2" for each in entries):
            self.cluster.set_health(WEB, Health(HealthState.HEALTHY))
            await anyio.sleep(1)
        return await super().write(*changes)


@in_virtual_time
async def test_health_that_comes_back_while_a_sync_is_written_down(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.store = SlowStore()
    engine.store.cluster = dev = engine.clusters["dev"]
    engine.source.commit(shop__web=deployment("web"))

    async with engine.running():
        await engine.until_synced("1")
        dev.set_health(WEB, Health(HealthState.DEGRADED, "it crashes"))
        await engine.until_recorded(Deed.TARGET_DEGRADED)
        engine.source.commit(shop__web=deployment("web", image="2"))
        await engine.until_synced("2")
        await anyio.sleep(60)

    assert len(engine.store.recorded(Deed.TARGET_HEALTHY)) == 1
