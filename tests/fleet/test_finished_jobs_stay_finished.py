from __future__ import annotations

from typing import Any

import anyio
from tests.fleet.harness import FleetUnderTest, complete, config_map, eventually, job, path_of

from shoal.model.records import Deed
from shoal_clusters.controlplane.client import Client

COUNT = 12
TARGET = "default/shop@dev"


async def complete_at_once(admin: Client, manifest: Any) -> None:
    """Complete a Job in the moment it appears, while the rest is still being applied."""

    async def look() -> bool:
        return await admin.find(path_of(manifest)) is not None

    await eventually(look, f"{manifest['metadata']['name']} is there")
    await complete(admin, manifest)


async def test_jobs_that_finish_during_their_sync_never_run_again(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    jobs = [job(f"once-{index}", namespace) for index in range(COUNT)]
    others = [config_map(f"settings-{index}", namespace) for index in range(40)]
    small_fleet.repository.write("shop/all.yaml", *jobs, *others)
    revision = small_fleet.repository.commit("Open the shop")
    async with small_fleet.running(), anyio.create_task_group() as tasks:
        for each in jobs:
            tasks.start_soon(complete_at_once, admin, each)
        await small_fleet.until_revision(revision)

    async with small_fleet.running():
        await small_fleet.until_revision(revision)
        for each in jobs:
            await admin.delete(path_of(each), propagationPolicy="Background")
        # Its return shows that the watches have told of what went before it.
        await admin.delete(path_of(others[0]))
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)

    async with small_fleet.running():
        await small_fleet.until_revision(revision)
        await admin.delete(path_of(others[1]))
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET, count=2)
    left = await admin.get(f"/apis/batch/v1/namespaces/{namespace}/jobs")

    assert left["items"] == []
