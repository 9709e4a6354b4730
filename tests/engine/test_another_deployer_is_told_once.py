"""Another deployer of our objects changes nothing yet: it is told, once, as long as it goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_maps, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed
from shoal.model.sightings import Neighbour

SINCE = datetime(2025, 12, 31, 9, 12, tzinfo=UTC)
HELM, CI = Neighbour("helm", SINCE), Neighbour("kubectl", None)


async def until_warned(engine: EngineUnderTest, count: int) -> list[str]:
    await engine.until(lambda: len(engine.target("dev").warnings) == count, f"{count} warnings")
    return [each.message for each in engine.target("dev").warnings]


@in_virtual_time
async def test_each_client_is_recorded_once_and_told_with_all_its_objects(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(5, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        for number in range(5):
            await engine.clusters["dev"].deploy_too(key_of(f"m{number}"), HELM)
        await engine.clusters["dev"].deploy_too(key_of("m0"), HELM, CI)
        messages = await until_warned(engine, 2)
        await anyio.sleep(60)
        view = engine.target("dev")
        records = engine.store.recorded(Deed.TARGET_SHARED)

    assert messages[0] == (
        "client helm deploys ConfigMap default/m0, ConfigMap default/m1, ConfigMap default/m2 "
        "and 2 more too since 2025-12-31 09:12 UTC; the next change of either undoes the other's"
    )
    assert messages[1].startswith("client kubectl deploys ConfigMap default/m0 too since ")
    assert view.phase is TargetPhase.SYNCED
    assert view.message == f"{messages[0]} (and 1 more)"
    assert "take it out there or out of the application" in view.next_step
    assert [each.who for each in records] == ["client helm", "client kubectl"]
    assert records[0].why.startswith("it deploys ConfigMap default/m")
    assert records[0].body["since"] == SINCE.isoformat()


@in_virtual_time
async def test_it_is_told_no_more_when_it_stops_and_recorded_again_when_it_comes_back(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(2, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await engine.clusters["dev"].deploy_too(key_of("m0"), HELM)
        await until_warned(engine, 1)
        await engine.clusters["dev"].deploy_too(key_of("m0"))
        await until_warned(engine, 0)
        view = engine.target("dev")
        again = Neighbour("helm", engine.state.now())
        await anyio.sleep(60)
        await engine.clusters["dev"].deploy_too(key_of("m0"), again)
        await until_warned(engine, 1)
        records = engine.store.recorded(Deed.TARGET_SHARED)

    assert view.message == ""
    assert len(records) == 2


@in_virtual_time
async def test_after_a_restart_it_is_told_and_not_recorded_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(2, color="blue"))
    async with engine.running():
        await engine.until_synced("1")
        await engine.clusters["dev"].deploy_too(key_of("m0"), HELM, CI)
        await until_warned(engine, 2)

        before = engine.target("dev").warnings

    async with engine.running():
        await until_warned(engine, 2)
        after = engine.target("dev").warnings
        records = engine.store.recorded(Deed.TARGET_SHARED)

    assert len(records) == 2
    assert after == before


@in_virtual_time
async def test_of_an_object_that_is_pruned_nothing_is_told_any_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(**config_maps(9, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await engine.clusters["dev"].deploy_too(key_of("m8"), HELM)
        await until_warned(engine, 1)
        engine.source.commit(**config_maps(8, color="blue"))
        await engine.until_synced("2")

        assert engine.target("dev").warnings == []
