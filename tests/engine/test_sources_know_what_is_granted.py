"""Sources are told which revisions targets may have, and never "none" while that is not known."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import config_map, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time


@in_virtual_time
async def test_granted_revisions_are_unknown_at_first_and_told_then(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    before = engine.state.granted_revisions()
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        granted = engine.state.granted_revisions()

    assert before is None
    assert granted == {revision}
    assert engine.state.grants[target_key("one")].revision == revision
