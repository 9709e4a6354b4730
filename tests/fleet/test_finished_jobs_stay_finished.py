from __future__ import annotations

from typing import Any

import anyio
from tests.fleet.harness import FleetUnderTest, complete, config_map, eventually, job, path_of

from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal_clusters.controlplane.client import Client

COUNT = 12
TARGET = "default/shop@dev"
SHOP = Ref("default", "shop")


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


async def test_a_finished_job_runs_again_when_a_person_asks(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    once = job("once", namespace)
    small_fleet.repository.write("shop/all.yaml", once, config_map("settings", namespace, a="1"))
    revision = small_fleet.repository.commit("Open the shop")
    async with small_fleet.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(complete_at_once, admin, once)
        await small_fleet.until_revision(revision)

        async def is_known_to_be_finished() -> bool:
            view = small_fleet.target("shop", "dev")
            return view is not None and view.health == "Healthy"

        await eventually(is_known_to_be_finished, "the Job is seen finished")
        first = (await admin.get(path_of(once)))["metadata"]["uid"]
        await small_fleet.controller.sync(SHOP, who="ana")
        await small_fleet.until_phase("Synced")
        assert (await admin.get(path_of(once)))["metadata"]["uid"] == first

        await small_fleet.controller.sync(SHOP, who="ana", rerun=True)

        async def runs_again() -> bool:
            found = await admin.find(path_of(once))
            return found is not None and found["metadata"]["uid"] != first

        await eventually(runs_again, "the Job made anew")
