"""Who decides about a hold sees what its release would do, tried out on the cluster."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import EngineUnderTest, config_maps, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.changes import HoldView
from shoal.errors import ForbiddenByCluster
from shoal.model.plans import Proof

LEFT = range(4, 8)


async def held(engine: EngineUnderTest) -> HoldView:
    """Four of eight objects leave Git: more than may go without a person."""
    await engine.until_synced("1")
    engine.source.commit(**config_maps(4, color="green"))
    await engine.until_held("PruneBudget", "dev")
    await engine.until(lambda: engine.controller.holds()[0].changes, "what it holds")
    (hold,) = engine.controller.holds()
    return hold


@in_virtual_time
async def test_it_is_tried_out_once_and_holds_nothing_of_what_goes_on(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8, color="blue"))

    async with engine.running():
        hold = await held(engine)
        proofs = [each for many in engine.target_type.planned.values() for each in many]
        await engine.controller.approve(hold.id, who="Ana", reason="moved away")
        await engine.until_synced("2")
        after = engine.controller.holds()

    assert hold.proven
    assert hold.change_count == 4
    assert [(each.object, each.action) for each in hold.changes] == [
        (str(key_of(f"m{number}")), "delete") for number in LEFT
    ]
    # Its own, and that of the update before it.
    assert proofs.count(Proof.DRY_RUN) == 2
    assert after == []


@in_virtual_time
async def test_what_the_cluster_would_refuse_is_in_it(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(8, color="blue"))
    refusal = ForbiddenByCluster("it is protected", next_step="ask its owner")
    engine.clusters["dev"].refusals[key_of("m7")] = refusal

    async with engine.running():
        engine.clusters["dev"].refusals.clear()
        await engine.until_synced("1")
        engine.clusters["dev"].refusals[key_of("m7")] = refusal
        hold = await held(engine)

    (refused,) = [each for each in hold.changes if each.action == "refuse"]
    assert (refused.object, refused.cause) == (str(key_of("m7")), "it is protected")
    assert refused.next_step == "ask its owner"
