"""The ledger tells when a source changed: a controller that starts again has seen no change."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import SOURCE, EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed


def told(engine: EngineUnderTest) -> list[str]:
    return [entry.revision for entry in engine.store.recorded(Deed.SOURCE_CHANGED)]


def revisions(engine: EngineUnderTest) -> list[str]:
    return [source.revision for source in engine.controller.sources()]


@in_virtual_time
async def test_a_restart_is_no_change_and_what_was_pushed_meanwhile_is(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    first = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(first)

    engine.restart()
    async with engine.running():
        await engine.until(lambda: revisions(engine) == [first], "the revision again")
        assert told(engine) == [first]

    second = engine.source.commit(shop__settings=config_map(colour="red"))
    engine.restart()
    async with engine.running():
        await engine.until_synced(second)
        assert told(engine) == [first, second]


@in_virtual_time
async def test_a_source_that_comes_again_under_its_name_is_another_one(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    first = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(first)

    del engine.documents.files[f"Source-{SOURCE.name}.yaml"]
    engine.restart()
    async with engine.running():
        await engine.until(lambda: not engine.store.disk.rows["sources"], "no row of it")

    engine.documents.write("Source", SOURCE.name, {"memory": {}, "interval": "1s"})
    engine.restart()
    async with engine.running():
        await engine.until(lambda: told(engine) == [first, first], "the revision as a new one")
