"""The version of a revision, and whose signature it has: in the ledger and in the view."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.artifacts import Provenance
from shoal.model.records import Deed


@in_virtual_time
async def test_a_signer_and_a_version_are_recorded_and_shown(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.provenance = Provenance(version="v1.2.0", signer="ann (SHA256:abc)")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        (source,) = engine.controller.sources()

    (entry,) = engine.store.recorded(Deed.SOURCE_CHANGED)
    assert (entry.body["version"], entry.body["signer"]) == ("v1.2.0", "ann (SHA256:abc)")
    assert (source.version, source.signer) == ("v1.2.0", "ann (SHA256:abc)")


@in_virtual_time
async def test_what_is_not_known_is_not_recorded(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)

    (entry,) = engine.store.recorded(Deed.SOURCE_CHANGED)
    assert set(entry.body) == {"digest"}
