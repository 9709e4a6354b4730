"""`shoal drift adopt`: what to commit so that Git says what is live, and nothing of a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import EngineUnderTest, config_map, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.changes import AdoptionsView, AdoptionView
from shoal.errors import UnknownName
from shoal.model.identity import ObjectKey, Ref

SHOP = Ref("default", "shop")
LOGIN = ObjectKey("", "Secret", "default", "login")


def secret(**data: str) -> dict[str, Any]:
    return {**config_map("login", **data), "kind": "Secret"}


@asynccontextmanager
async def fleet(folder: Path, *names: str) -> AsyncIterator[EngineUnderTest]:
    engine = make_engine(folder, *names)
    for name in names:
        engine.declare_cluster(name, env=name)
    engine.declare_application("shop", sync={"whenDrifted": "Report", "whenFieldsAdded": "Report"})
    manifests = {"shop__settings": config_map(a="1"), "shop__login": secret(a="MQ==")}
    revision = engine.source.commit(**manifests)
    async with engine.running():
        await engine.until_synced(revision)
        yield engine


async def edit(engine: EngineUnderTest, key: ObjectKey, *clusters: str, **data: str) -> None:
    for name in clusters:
        await engine.clusters[name].change(key, {"data": data})
        target = next(each for at, each in engine.state.targets.items() if at.cluster == name)
        await engine.until(lambda target=target: key in target.drifted, f"drift on {name}")


async def adopt(engine: EngineUnderTest, **asked: Any) -> AdoptionsView:
    return await engine.controller.adopt(SHOP, **asked)


def one(found: AdoptionsView) -> AdoptionView:
    (view,) = found.adoptions
    return view


@in_virtual_time
async def test_an_edit_is_told_as_an_override_of_the_clusters_that_have_it(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two", "three") as engine:
        await edit(engine, key_of(), "one", "two", a="9")

        view = one(await adopt(engine))

    assert (view.object, view.clusters) == ("ConfigMap default/settings", ["one", "two"])
    assert (view.everywhere, view.refused) == (False, "")
    assert view.origin.endswith("settings.json")
    assert view.override["clusterSelector"] == {
        "matchExpressions": [{"key": "env", "operator": "In", "values": ["one", "two"]}]
    }
    assert view.override["merge"][0]["patch"] == {"data": {"a": "9"}}


@in_virtual_time
async def test_what_is_told_makes_the_drift_none_once_it_is_committed(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await edit(engine, key_of(), "one", a="9")
        view = one(await adopt(engine))

        sync = {"whenDrifted": "Correct"}
        engine.declare_application("shop", overrides=[dict(view.override)], sync=sync)
        await engine.until(lambda: not engine.controller.drifts(), "no drift")

        assert data_in(engine.clusters["one"]) == {"a": "9"}
        assert data_in(engine.clusters["two"]) == {"a": "1"}


@in_virtual_time
async def test_where_all_clusters_have_it_the_manifest_may_be_changed(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await edit(engine, key_of(), "one", "two", a="9")

        view = one(await adopt(engine))

    assert view.everywhere
    assert view.override["clusterSelector"] == {}


@in_virtual_time
async def test_two_different_edits_are_two_overrides(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await edit(engine, key_of(), "one", a="8")
        await edit(engine, key_of(), "two", a="9")

        found = await adopt(engine)

    assert [view.clusters for view in found.adoptions] == [["one"], ["two"]]


@in_virtual_time
async def test_an_object_that_is_gone_is_excluded(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await engine.clusters["one"].remove(key_of())
        await engine.until(engine.controller.drifts, "drift")

        view = one(await adopt(engine))

    assert view.override["exclude"][0]["name"] == "settings"


@in_virtual_time
async def test_the_value_of_a_secret_is_never_told(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        await edit(engine, LOGIN, "one", a="Y2FuYXJ5")

        found = await adopt(engine)

    assert one(found).override == {}
    assert "never shown" in one(found).refused
    assert "Y2FuYXJ5" not in str(found)


@in_virtual_time
async def test_clusters_that_no_label_tells_apart_are_said(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        for name in ("one", "two"):
            engine.declare_cluster(name, env="same")
        await edit(engine, key_of(), "one", a="9")
        same = {"env": "same"}
        await engine.until(lambda: engine.cluster("one").labels == same, "other labels")

        view = one(await adopt(engine))

    assert view.override == {}
    assert "no labels tell these clusters from the others" in view.refused


@in_virtual_time
async def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one", "two") as engine:
        await edit(engine, key_of(), "one", "two", a="9")
        engine.clusters["two"].unreachable = True

        found = await adopt(engine)

    assert [each.cluster for each in found.unanswered] == ["two"]
    assert one(found).clusters == ["one"]


@in_virtual_time
async def test_one_drift_can_be_named(tmp_path: Path) -> None:
    async with fleet(tmp_path, "one") as engine:
        await edit(engine, key_of(), "one", a="9")
        await edit(engine, LOGIN, "one", a="OQ==")

        found = await adopt(engine, names=["configmap/default/settings"])
        with pytest.raises(UnknownName):
            await adopt(engine, names=["configmap/default/other"])

    assert one(found).object == "ConfigMap default/settings"
