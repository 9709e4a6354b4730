"""What `shoal drift` shows and does: the same drift once, undone when a person asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.harness import EngineUnderTest, config_map, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.changes import DriftView
from shoal.errors import UnknownName
from shoal.model.identity import Ref
from shoal.model.records import Deed

SHOP = Ref("default", "shop")
REPORT = {"whenDrifted": "Report"}


@asynccontextmanager
async def fleet(
    folder: Path, *names: str, sync: dict[str, Any] | None = None
) -> AsyncIterator[EngineUnderTest]:
    """Clusters that are synced with two ConfigMaps, `settings` and `extra`."""
    engine = make_engine(folder, *names)
    engine.declare_application("shop", sync=REPORT if sync is None else sync)
    manifests = {"shop__settings": config_map(a="1"), "shop__extra": config_map("extra", a="1")}
    revision = engine.source.commit(**manifests)
    async with engine.running():
        await engine.until_synced(revision)
        yield engine


async def edit(engine: EngineUnderTest, cluster: str, name: str = "settings") -> None:
    await engine.clusters[cluster].change(key_of(name), {"data": {"a": "9"}})
    target = engine.state.targets[next(k for k in engine.state.targets if k.cluster == cluster)]
    await engine.until(lambda: key_of(name) in target.drifted, f"drift of {name} on {cluster}")


def drifts(engine: EngineUnderTest) -> Sequence[DriftView]:
    return engine.controller.drifts()


@in_virtual_time
async def test_what_is_deleted_on_two_clusters_is_one_drift(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two", "three") as engine:
        for name in ("one", "two"):
            await engine.clusters[name].remove(key_of())
        await engine.until(
            lambda: drifts(engine) and drifts(engine)[0].clusters == ["one", "two"], "it"
        )

        (one,) = drifts(engine)

    assert (one.kind, one.objects, one.policy) == ("missing", [str(key_of())], "Report")
    assert one.since is not None
    assert one.id.startswith("drift-")
    assert one.ignore == []


@in_virtual_time
async def test_two_objects_that_are_gone_are_two_drifts(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        for name in ("settings", "extra"):
            await engine.clusters["one"].remove(key_of(name))
        await engine.until(lambda: len(drifts(engine)) == 2, "two drifts")

        found = drifts(engine)

    assert len({each.id for each in found}) == 2


@in_virtual_time
async def test_a_drift_that_is_only_reported_is_undone_when_a_person_asks(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await edit(engine, "one")
        await edit(engine, "two")
        await anyio.sleep(60)
        assert data_in(engine.clusters["one"]) == {"a": "9"}

        (told,) = await engine.controller.revert(
            SHOP, who="ana", reason="storm", clusters=frozenset({"one"})
        )
        await engine.until(lambda: data_in(engine.clusters["one"]) == {"a": "1"}, "undone")
        await anyio.sleep(60)

        assert told.clusters == ["one"]
        assert data_in(engine.clusters["two"]) == {"a": "9"}
        (record,) = engine.store.recorded(Deed.REVERT_REQUESTED)
        assert (record.who, record.why, record.subject) == ("ana", "storm", "default/shop@one")
        assert [each.clusters for each in drifts(engine)] == [["two"]]


@in_virtual_time
async def test_one_object_can_be_named_in_every_way_it_is_written(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        for name in ("ConfigMap default/settings", "configmap/default/settings"):
            await edit(engine, "one")
            await edit(engine, "one", "extra")

            await engine.controller.revert(SHOP, who="ana", reason="", names=[name])
            await engine.until(lambda: data_in(engine.clusters["one"]) == {"a": "1"}, "undone")
            await anyio.sleep(60)

            assert data_in(engine.clusters["one"], "extra") == {"a": "9"}


@in_virtual_time
async def test_a_wider_look_in_the_same_pass_undoes_no_other_drift(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        await edit(engine, "one")
        await edit(engine, "one", "extra")

        await engine.controller.revert(SHOP, who="ana", reason="", names=[str(key_of())])
        await engine.controller.sync(SHOP, who="ana")
        await engine.until(lambda: data_in(engine.clusters["one"]) == {"a": "1"}, "undone")
        await anyio.sleep(60)

        assert data_in(engine.clusters["one"], "extra") == {"a": "9"}


@in_virtual_time
async def test_a_name_that_no_drift_has_is_said_with_the_nearest(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        await edit(engine, "one")

        with pytest.raises(UnknownName) as error:
            await engine.controller.revert(
                SHOP, who="ana", reason="", names=["ConfigMap default/setings"]
            )
        assert "ConfigMap default/settings" in error.value.next_step


@in_virtual_time
async def test_a_suspension_holds_a_revert_too(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        await edit(engine, "one")
        until = engine.state.now().replace(year=2100)
        await engine.controller.suspend(SHOP, who="li", reason="storm", until=until)

        await engine.controller.revert(SHOP, who="ana", reason="")
        await anyio.sleep(60)

        assert data_in(engine.clusters["one"]) == {"a": "9"}


@in_virtual_time
async def test_a_rule_is_suggested_for_an_object_that_is_written_without_its_namespace(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync=REPORT)
    bare = {**config_map(a="1"), "metadata": {"name": "settings"}}
    revision = engine.source.commit(shop__settings=bare)
    async with engine.running():
        await engine.until_synced(revision)
        await edit(engine, "one")

        (found,) = drifts(engine)

    assert [rule["path"] for rule in found.ignore] == ["/data/a"]
    assert found.ignore[0]["target"]["name"] == "settings"


@in_virtual_time
async def test_a_field_that_changes_every_second_is_recorded_less_and_less_often(
    tmp_path: Path,
) -> None:
    async with fleet(tmp_path, "one") as engine:
        for number in range(60):
            await engine.clusters["one"].change(key_of(), {"data": {"a": f"9{number}"}})
            await anyio.sleep(1)
        often = len(engine.store.recorded(Deed.TARGET_DRIFTED))
        await engine.clusters["one"].remove(key_of())
        await engine.until_recorded(Deed.TARGET_DRIFTED, count=often + 1)

        records = engine.store.recorded(Deed.TARGET_DRIFTED)

    assert 2 < often < 9
    assert [records[0].why, records[-1].why] == ["edited", "deleted"]
