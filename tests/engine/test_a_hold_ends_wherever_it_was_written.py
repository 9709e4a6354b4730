"""A hold whose placing was cut off may be in the store: it ends there, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import config_maps, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed, Record
from shoal.store import Change, PutHold


class SlowStore(MemoryStore):
    """It has written a hold long before it says so."""

    slow_seconds = 600.0

    async def write(self, *changes: Change) -> Sequence[Record]:
        written = await super().write(*changes)
        if any(isinstance(each, PutHold) for each in changes):
            await anyio.sleep(self.slow_seconds)
        return written


@in_virtual_time
async def test_a_connection_that_is_lost_while_a_hold_is_written_down(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.store = SlowStore()
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(8))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(2))
        await engine.until_recorded(Deed.HOLD_PLACED)
        dev.unreachable = True
        await engine.until_recorded(Deed.CLUSTER_LOST)
        engine.store.slow_seconds = 0
        engine.source.commit(**config_maps(8, a="1"))
        await engine.until(lambda: engine.application().revision == "3", "it is decided")
        dev.unreachable = False
        await engine.until_synced("3")
        kept = await engine.store.load()

    assert dict(kept.holds) == {}
    assert len(engine.store.recorded(Deed.HOLD_RELEASED)) == 1
