"""When a cluster was swept, those targets are looked at again for which that changed something."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.faulty_target import FaultyTarget
from tests.engine.harness import EngineUnderTest, config_maps, key_of, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed


@in_virtual_time
async def test_a_target_that_lost_nothing_is_not_looked_at_again_after_the_sweep(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev", "prod")
    for each in engine.clusters.values():
        each.listing = anyio.Event()
    engine.source.commit(**config_maps(3))

    async with engine.running():
        await engine.until_synced("1")
        for each in engine.clusters.values():
            assert each.listing is not None
            each.listing.set()
        await engine.until_recorded(Deed.CLUSTER_RECOVERED, count=2)
        await anyio.sleep(600)
        passes = {key: len(proofs) for key, proofs in engine.target_type.planned.items()}

    assert passes == {target_key("dev"): 1, target_key("prod"): 1}


@in_virtual_time
async def test_what_was_found_before_a_sweep_was_cut_off_is_told_after_it(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(2))
    async with engine.running():
        await engine.until_synced("1")
    engine.source.commit(**config_maps(1))
    again = EngineUnderTest(
        tmp_path,
        FaultyTarget(dev),
        engine.clusters,
        source=engine.source,
        documents=engine.documents,
    )
    dev.listing = anyio.Event()

    async with again.running():
        await again.until(lambda: key_of("m1") in again.state.inventory("dev"), "m1 is found")
        dev.unreachable = True
        await again.until_recorded(Deed.CLUSTER_LOST)
        dev.unreachable = False
        planned = len(again.target_type.planned.get(target_key("dev"), ()))
        await again.until(
            lambda: len(again.target_type.planned[target_key("dev")]) > planned, "another pass"
        )
        await anyio.sleep(60)
        before = again.controller.holds()
        dev.listing.set()
        (hold,) = await again.until_held("Orphaned")

    assert before == []
    assert "ConfigMap default/m1" in hold.reason
