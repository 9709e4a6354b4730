"""Health that was seen before an object was written says nothing about what was written."""

from __future__ import annotations

from typing import Any

from tests.fleet.harness import (
    FleetUnderTest,
    complete,
    config_map,
    deployment,
    eventually,
    job,
    path_of,
)

from shoal_clusters.controlplane.client import Client


async def make_healthy(admin: Client, manifest: Any) -> None:
    """Say of a Deployment what its controller would, once its one Pod runs."""
    live = await admin.get(path_of(manifest))
    status = {
        "observedGeneration": live["metadata"]["generation"],
        **{f"{kind}eplicas": 1 for kind in ("r", "updatedR", "readyR", "availableR")},
        "conditions": [{"type": "Available", "status": "True"}],
    }
    await admin.patch(f"{path_of(manifest)}/status", {"status": status})


async def until_gone(admin: Client, manifest: Any) -> None:
    async def look() -> bool:
        return await admin.find(path_of(manifest)) is None

    await eventually(look, f"{path_of(manifest)} gone")


async def test_a_workload_that_left_git_goes_though_no_health_changes(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings, old = config_map("settings", namespace, step="1"), job("old", namespace)
    kept = job("kept", namespace)
    small_fleet.repository.write("shop/all.yaml", settings, old, kept)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await complete(admin, kept)
        settings = config_map("settings", namespace, step="2")
        small_fleet.repository.write("shop/all.yaml", settings, kept)
        await small_fleet.push("Remove the workload")
        await until_gone(admin, old)
        await small_fleet.until_phase("Synced")

    assert small_fleet.last_seen("shop", "dev").objects == 2


async def test_the_health_of_an_older_generation_lets_nothing_go(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    old, new = deployment("old", namespace), deployment("new", namespace, image="shop:1")
    small_fleet.repository.write("shop/all.yaml", old, new)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await make_healthy(admin, old)
        await make_healthy(admin, new)
        await small_fleet.until(
            lambda: small_fleet.application("shop").health == "Healthy", "both are healthy"
        )
        settings = config_map("settings", namespace)
        new = deployment("new", namespace, image="shop:2")
        small_fleet.repository.write("shop/all.yaml", new, settings)
        await small_fleet.until_revision(await small_fleet.push("Ship shop:2, without old"))
        # A drift that is healed meanwhile is seen healthy, too, and proves nothing either.
        await admin.delete(path_of(settings))

        async def is_back() -> bool:
            return await admin.find(path_of(settings)) is not None

        await eventually(is_back, "settings back")
        await small_fleet.until_phase("Synced")
        meanwhile = await admin.find(path_of(old))
        await make_healthy(admin, new)
        await until_gone(admin, old)

    assert meanwhile is not None
