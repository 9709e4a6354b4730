"""`shoal diff` on real API servers: what they would do, told once, and nothing done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    config_map,
    deployment,
    eventually,
    path_of,
)

from shoal.engine.diffing import DiffRequest
from shoal.engine.sent_files import pack
from shoal.engine.views.changes import Difference, DiffView
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

SHOP = Ref("default", "shop")
IMAGE = "/spec/template/spec/containers/0/image"


def secret(namespace: str, value: str) -> dict[str, Any]:
    body = config_map("login", namespace)
    return {**body, "kind": "Secret", "data": {}, "stringData": {"password": value}}


async def diff(fleet: FleetUnderTest, *manifests: Any, **asked: Any) -> DiffView:
    """What a working copy with these manifests would change, or what Git has."""
    if manifests:
        files = {f"shop/{at}.json": orjson.dumps(each) for at, each in enumerate(manifests)}
        asked["files"] = await pack(MemoryTree(files), ["shop"])
    found = await fleet.controller.diff(DiffRequest(SHOP, "ana", **asked))
    assert isinstance(found, DiffView)
    return found


def by_object(found: DiffView) -> dict[tuple[str, str], Difference]:
    return {(one.object.split("/")[-1], one.action): one for one in found.differences}


async def test_every_kind_of_difference_is_told_and_nothing_is_written(
    fleet: FleetUnderTest,
    namespace: str,
    clusters: Mapping[str, ControlPlane],
    admins: Mapping[str, Client],
) -> None:
    web, old = deployment("web", namespace), config_map("old", namespace, a="1")
    fleet.repository.write("shop/all.yaml", web, old, secret(namespace, "canary-before"))
    async with fleet.running():
        await fleet.until_revision(fleet.repository.commit("Open the shop"))
        writes = {name: await Writes.since_now(each, namespace) for name, each in clusters.items()}

        found = await diff(
            fleet,
            deployment("web", namespace, image="shop:2"),
            secret(namespace, "canary-after"),
            config_map("new", namespace, a="1"),
            config_map("bad name", namespace),
        )
        same = await diff(fleet)

        asked = [each for one in writes.values() for each in await one.sent()]
        assert asked
        assert all("dryRun=All" in each.path for each in asked)
        assert (await admins["dev"].get(path_of(old)))["data"] == {"a": "1"}

    everywhere = sorted(clusters)
    assert (found.clusters, found.answered, found.unanswered, found.failed) == (3, 3, [], [])
    told = by_object(found)
    changes = (("web", "update"), ("login", "update"), ("new", "create"), ("old", "delete"))
    assert {each: list(one.clusters) for each, one in told.items()} == dict.fromkeys(
        (*changes, ("bad name", "refuse")), everywhere
    )
    assert [each["op"] for each in told["web", "update"].patch] == ["test", "replace"]
    assert {each["path"] for each in told["web", "update"].patch} == {IMAGE}
    assert [each["value"] for each in told["web", "update"].patch] == ["shop:1", "shop:2"]
    assert told["bad name", "refuse"].reason == "InvalidObject"
    assert "canary" not in str(found)
    assert same.differences == []


async def test_a_field_that_a_cluster_has_differently_is_told_for_that_cluster(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Client]
) -> None:
    fleet.declare_application("shop", sync={"whenDrifted": "Report"})
    web = deployment("web", namespace)
    fleet.repository.write("shop/all.yaml", web)
    async with fleet.running():
        await fleet.until_revision(fleet.repository.commit("Open the shop"))
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "x:9"}]}}}}
        await admins["dev"].patch(path_of(web), patch)

        async def look() -> bool:
            return len((await diff(fleet)).differences) > 0

        await eventually(look, "a difference on dev")
        (one,) = (await diff(fleet)).differences

    assert list(one.clusters) == ["dev"]
    assert one.cause.endswith("; it is only reported")
    assert [each["value"] for each in one.patch] == ["x:9", "shop:1"]
