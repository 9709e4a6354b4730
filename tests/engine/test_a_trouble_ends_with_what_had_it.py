"""Who was told of a trouble is told of its end, also when what had it is there no more."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import (
    SOURCE,
    EngineUnderTest,
    config_map,
    deployment,
    key_of,
    make_engine,
)
from tests.engine.test_an_older_state_is_not_believed import put_back
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import HoldView
from shoal.errors import InvalidSource
from shoal.model.health import Health, HealthState
from shoal.model.records import Deed

WEB = key_of("web", "Deployment")


async def built_anew(engine: EngineUnderTest) -> HoldView:
    """Another cluster answers at the same address, with nothing in it; what asks for a person."""
    engine.clusters["one"].uid = "uid-of-another"
    engine.clusters["one"].objects.clear()

    def found() -> HoldView | None:
        holds = engine.controller.holds()
        return next((each for each in holds if each.cause == "IdentityChanged"), None)

    hold = await engine.until(found, "the identity is held")
    assert hold is not None
    return hold


@in_virtual_time
async def test_an_application_that_fails_and_is_removed_fails_no_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__settings=config_map())
    engine.renderer.error = InvalidSource("it cannot be rendered")

    async with engine.running():
        await engine.until_recorded(Deed.APPLICATION_FAILED)
        engine.remove_application("shop")
        (ended,) = await engine.until_recorded(Deed.APPLICATION_RECOVERED)

    assert (ended.subject, ended.why) == ("default/shop", "it was removed from the fleet")


@in_virtual_time
async def test_a_source_that_fails_and_is_removed_fails_no_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.documents.write("Source", SOURCE.name, {"memory": {"at": "no-branch"}})

    async with engine.running():
        await engine.until_recorded(Deed.SOURCE_FAILED)
        del engine.documents.files[f"Source-{SOURCE.name}.yaml"]
        (ended,) = await engine.until_recorded(Deed.SOURCE_RECOVERED)

    assert ended.why == "it was removed from the fleet"


@in_virtual_time
async def test_what_did_badly_on_a_cluster_that_was_built_anew_does_so_no_more(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    first = engine.source.commit(shop__web=deployment("web"))

    async with engine.running():
        await engine.until_synced(first)
        engine.clusters["one"].set_health(WEB, Health(HealthState.DEGRADED, "it crashes"))
        await engine.until_recorded(Deed.TARGET_DEGRADED)
        other = await built_anew(engine)
        second = engine.source.commit(shop__settings=config_map())
        await engine.until(lambda: engine.application().revision == second, "it is decided")
        await engine.controller.approve(other.id, who="ana", reason="we rebuilt it")
        (ended,) = await engine.until_recorded(Deed.TARGET_HEALTHY)

    assert ended.subject == "default/shop@one"


@in_virtual_time
async def test_what_nobody_knew_to_be_unwanted_went_with_its_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__a=config_map("a"), shop__b=config_map("b"))
    async with engine.running():
        await engine.until_synced("1")
        older = engine.store.disk.copy()
    second = engine.source.commit(shop__a=config_map("a"))
    again = await put_back(engine, older)

    async with again.running():
        (orphaned,) = await again.until_held("Orphaned")
        other = await built_anew(again)
        await again.controller.approve(orphaned.id, who="ana", reason="it may go")
        await again.controller.approve(other.id, who="ana", reason="we rebuilt it")
        await again.until_recorded(Deed.CLUSTER_RECOVERED, count=2)
        await again.until_phase(TargetPhase.SYNCED, "one")

    assert again.store.recorded(Deed.TARGET_SYNCED)[-1].revision == second
