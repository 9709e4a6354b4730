from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.fleet.harness import FleetUnderTest, Writes, config_map, deployment

from shoal_clusters.controlplane.apiserver import ControlPlane


def path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/{name}"


async def test_what_is_in_git_is_in_every_cluster(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="blue"))
    revision = fleet.repository.commit("Open the shop")

    async with fleet.running():
        await fleet.until_revision(revision)
        live = [await admin.get(path(namespace, "settings")) for admin in admins.values()]

    assert [body["data"] for body in live] == [{"color": "blue"}] * 3
    assert {body["metadata"]["labels"]["shoal.dev/fleet"] for body in live} == {fleet.name}


async def test_a_commit_changes_every_cluster(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="blue"))
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="red"))
        await fleet.until_revision(await fleet.push("Paint it red"))
        live = [await admin.get(path(namespace, "settings")) for admin in admins.values()]

    assert [body["data"] for body in live] == [{"color": "red"}] * 3


async def test_a_json_patch_makes_one_cluster_differ(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.write("shop/all.yaml", deployment("web", namespace, replicas=1))
    fleet.repository.commit("Open the shop")
    fleet.declare_application(
        "shop",
        overrides=[
            {
                "clusterSelector": {"matchLabels": {"env": "prod"}},
                "patches": [
                    {
                        "target": {"kind": "Deployment", "name": "web"},
                        "operations": [{"op": "replace", "path": "/spec/replicas", "value": 3}],
                    }
                ],
            }
        ],
    )

    async with fleet.running():
        await fleet.until_phase("Synced")
        replicas = {
            name: (await admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web"))[
                "spec"
            ]["replicas"]
            for name, admin in admins.items()
        }

    assert replicas == {"dev": 1, "staging": 1, "prod": 3}


async def test_a_removed_manifest_is_pruned_and_a_revert_brings_it_back(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.write("shop/one.yaml", config_map("one", namespace))
    fleet.repository.write("shop/two.yaml", config_map("two", namespace))
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        (fleet.repository.folder / "shop/two.yaml").unlink()
        await fleet.until_revision(await fleet.push("Remove two"))
        after_removal = [await admin.find(path(namespace, "two")) for admin in admins.values()]
        fleet.repository.git("revert", "--no-edit", "HEAD")
        await fleet.until_revision(await fleet.push("And something else"))
        after_revert = [await admin.find(path(namespace, "two")) for admin in admins.values()]

    assert after_removal == [None] * 3
    assert all(after_revert)


async def test_a_commit_that_touches_nothing_of_it_sends_nothing(
    fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    fleet.repository.write("other/all.yaml", config_map("other", namespace, step="1"))
    before = fleet.repository.commit("Open the shop")
    fleet.declare_application("other")
    async with fleet.running():
        await fleet.until_phase("Synced")
        await fleet.until_phase("Synced", "other")
        logs = [await Writes.since_now(each, namespace) for each in clusters.values()]
        fleet.repository.write("other/all.yaml", config_map("other", namespace, step="2"))
        after = await fleet.push("Change the other one")
        await fleet.until_revision(after, "other")
        writes = [entry.name for log in logs for entry in await log.at_least(1)]

    assert writes == ["other"] * 3
    assert fleet.last_seen("shop", "dev").revision == before


@pytest.mark.parametrize("cluster", ["dev", "staging", "prod"])
async def test_each_object_costs_one_write_on_each_cluster(
    fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane], cluster: str
) -> None:
    fleet.repository.write(
        "shop/all.yaml",
        *(config_map(f"settings-{index}", namespace) for index in range(12)),
        deployment("web", namespace),
    )
    revision = fleet.repository.commit("Open the shop")
    writes = await Writes.since_now(clusters[cluster], namespace)

    async with fleet.running():
        await fleet.until_revision(revision)

    assert [entry.verb for entry in await writes.at_least(13)] == ["patch"] * 13
