"""What was granted before a restart is not written before the source was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio
from tests.engine.fakes import FakeSource, MemorySpec, MemoryStore
from tests.engine.harness import config_map, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.state import EngineState
from shoal.errors import SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Artifact
from shoal.model.identity import Ref


@dataclass
class UnreliableSource(FakeSource):
    """A source whose server may be away."""

    is_away: bool = False

    async def fetch(
        self, source: Ref, spec: MemorySpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        if self.is_away:
            raise SourceUnavailable("the server is away")
        return await super().fetch(source, spec, previous, host)


@in_virtual_time
async def test_at_a_start_nothing_is_written_before_the_source_was_looked_at(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    one, source = engine.clusters["one"], UnreliableSource()
    engine.source = source
    first = source.commit(shop__settings=config_map(color="blue"))
    async with engine.running():
        await engine.until_synced(first)
    # The controller is down; somebody edits, and somebody commits.
    await one.change(key_of(), {"data": {"color": "edited"}})
    second = source.commit(shop__settings=config_map(color="red"))
    written = len(one.writes)

    engine.state, engine.store = EngineState(now), MemoryStore(engine.store.disk)
    source.is_away = True
    async with engine.running():
        await anyio.sleep(600)
        meanwhile = one.writes[written:], data_in(one)
        source.is_away = False
        await engine.until_synced(second)

    assert meanwhile == ([], {"color": "edited"})
    assert len(one.writes[written:]) == 1
    assert data_in(one) == {"color": "red"}
