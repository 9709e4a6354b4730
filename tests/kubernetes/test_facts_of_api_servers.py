"""What our rules rely on: how a real API server behaves when nobody of ours is between.

Each test is one fact that was measured before a rule was built upon it. When one fails on a newer
Kubernetes, the rule it bears is to be thought over again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal_clusters.controlplane.client import AnsweredError, Client

pytestmark = pytest.mark.real
OURS = "shoal"


@pytest.fixture
async def client(world: PlaneWorld) -> AsyncIterator[Client]:
    async with world.plane.client() as opened:
        yield opened


def config_map(world: PlaneWorld, **data: str) -> dict[str, Any]:
    metadata = {"name": "fact", "namespace": world.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def path(world: PlaneWorld, kind: str = "ConfigMap", group: str = "") -> str:
    return path_of(ObjectKey(group, kind, world.namespace, "fact"))


def create_only(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}


def fields_of(live: Mapping[str, Any], manager: str = OURS) -> Mapping[str, Any]:
    entries = live["metadata"]["managedFields"]
    return next((one["fieldsV1"] for one in entries if one["manager"] == manager), {})


async def refusal(client: Client, path: str, body: object, **options: Any) -> int:
    with pytest.raises(AnsweredError) as error:
        await client.patch(path, body, **options)
    return error.value.code


async def test_an_apply_that_changes_nothing_leaves_the_resource_version(
    client: Client, world: PlaneWorld
) -> None:
    body = config_map(world, a="1")
    first = await client.apply(path(world), body, manager=OURS, force=True)
    second = await client.apply(path(world), body, manager=OURS, force=True)

    assert second == first


@pytest.mark.parametrize("force", ["true", "false"])
async def test_an_apply_with_resource_version_1_creates_or_conflicts_even_with_force(
    client: Client, world: PlaneWorld, force: str
) -> None:
    body = create_only(config_map(world, a="1"))
    options = {"form": "apply", "fieldManager": OURS, "force": force}
    await client.patch(path(world), body, **options)

    assert await refusal(client, path(world), body, **options) == 409


@pytest.mark.parametrize("force", [True, False])
async def test_force_or_not_an_apply_takes_what_nobody_labelled(
    client: Client, world: PlaneWorld, force: bool
) -> None:
    await client.create(path(world).rpartition("/")[0], config_map(world, theirs="1"))
    applied = await client.apply(path(world), config_map(world, a="1"), manager=OURS, force=force)

    assert applied["data"] == {"theirs": "1", "a": "1"}


async def test_a_delete_by_uid_alone_hits_an_object_that_was_handed_over(
    client: Client, world: PlaneWorld
) -> None:
    live = await client.apply(path(world), config_map(world, a="1"), manager=OURS)
    await client.patch(path(world), {"metadata": {"labels": {"owner": "somebody-else"}}})
    by_uid = {"uid": live["metadata"]["uid"]}
    by_both = {**by_uid, "resourceVersion": live["metadata"]["resourceVersion"]}
    options = {"apiVersion": "v1", "kind": "DeleteOptions"}
    with pytest.raises(AnsweredError) as guarded:
        await client.request("DELETE", path(world), {**options, "preconditions": by_both})
    await client.request("DELETE", path(world), {**options, "preconditions": by_uid})

    assert guarded.value.code == 409
    assert await client.find(path(world)) is None


async def test_a_stale_version_in_a_json_patch_is_a_conflict_and_a_failed_test_is_not(
    client: Client, world: PlaneWorld
) -> None:
    live = await client.apply(path(world), config_map(world, a="1"), manager=OURS)
    await client.patch(path(world), {"data": {"b": "2"}})
    version = live["metadata"]["resourceVersion"]
    edit = {"op": "add", "path": "/data/c", "value": "3"}
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}

    assert await refusal(client, path(world), [guard, edit], form="json") == 409
    assert await refusal(client, path(world), [test, edit], form="json") == 422


async def test_a_value_comes_back_in_the_servers_own_words(
    client: Client, world: PlaneWorld
) -> None:
    body = deployment(world.namespace, "fact")
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    live = await client.apply(path(world, "Deployment", "apps"), body, manager=OURS)

    (container,) = live["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "1"}


@pytest.mark.parametrize("edit", ["2", None], ids=["edited", "removed"])
async def test_an_edit_or_a_removal_takes_the_field_out_of_our_live_set(
    client: Client, world: PlaneWorld, edit: str | None
) -> None:
    await client.apply(path(world), config_map(world, a="1", b="1"), manager=OURS)
    live = await client.patch(path(world), {"data": {"a": edit}}, fieldManager="kubectl-edit")

    assert "f:a" not in fields_of(live)["f:data"]
    assert "f:b" in fields_of(live)["f:data"]


async def test_a_field_added_by_hand_survives_a_forced_apply(
    client: Client, world: PlaneWorld
) -> None:
    body = config_map(world, a="1")
    await client.apply(path(world), body, manager=OURS, force=True)
    await client.patch(path(world), {"data": {"b": "2"}}, fieldManager="kubectl-edit")
    live = await client.apply(path(world), {**body, "data": {"a": "2"}}, manager=OURS, force=True)

    assert live["data"] == {"a": "2", "b": "2"}


async def test_replicas_that_are_no_longer_applied_fall_to_one(
    client: Client, world: PlaneWorld
) -> None:
    body = deployment(world.namespace, "fact", replicas=5)
    await client.apply(path(world, "Deployment", "apps"), body, manager=OURS, force=True)
    del body["spec"]["replicas"]
    live = await client.apply(path(world, "Deployment", "apps"), body, manager=OURS, force=True)

    assert live["spec"]["replicas"] == 1


async def test_a_removed_label_looks_like_a_deletion_to_a_watch_by_label(
    client: Client, world: PlaneWorld
) -> None:
    body = config_map(world, a="1")
    body["metadata"]["labels"] = {"fleet": world.namespace}
    live = await client.apply(path(world), body, manager=OURS)
    await client.patch(path(world), {"metadata": {"labels": {"fleet": None}}})
    selected = f"{path(world).rpartition('/')[0]}?labelSelector=fleet={world.namespace}"
    async with aclosing(client.watch(selected, live["metadata"]["resourceVersion"])) as events:
        event = await anext(events)

    assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "fact")
    assert await client.find(path(world)) is not None
