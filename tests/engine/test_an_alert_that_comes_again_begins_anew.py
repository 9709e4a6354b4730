"""An Alert that is removed and put back is a new one, however long it takes to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import config_map
from tests.engine.troubles import refuse, watched
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Record
from shoal.store import Change, DropStream


class SlowToForget(MemoryStore):
    """Takes half a minute to drop a stream."""

    is_forgetting = False

    async def write(self, *changes: Change) -> Sequence[Record]:
        if any(isinstance(each, DropStream) for each in changes):
            self.is_forgetting = True
            await anyio.sleep(30)
        return await super().write(*changes)


@in_virtual_time
async def test_an_alert_that_comes_again_while_it_is_forgotten_begins_anew(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")
    engine.store = store = SlowToForget()
    document = engine.documents.files["Alert-on-call.yaml"]

    async with engine.running():
        await engine.until_synced("1")
        await engine.until(lambda: engine.state.streams, "a place in the ledger")
        del engine.documents.files["Alert-on-call.yaml"]
        await engine.until(lambda: store.is_forgetting, "that it is being forgotten")
        engine.documents.files["Alert-on-call.yaml"] = document
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until(lambda: engine.notifier.sent, "a message")

    assert engine.notifier.titles == ["shop failed on one"]
