"""dependsOn and waves on real API servers: what comes first is written and seen healthy first."""

from __future__ import annotations

from typing import Any

from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    complete,
    config_map,
    eventually,
    job,
    path_of,
)

from shoal.engine.views.applications import TargetView
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client


async def until_there(admin: Client, manifest: Any) -> None:
    async def look() -> bool:
        return await admin.find(path_of(manifest)) is not None

    await eventually(look, f"{manifest['metadata']['name']} is there")


async def until_said(fleet: FleetUnderTest, word: str) -> TargetView:
    def look() -> TargetView | None:
        view = fleet.target("shop", "dev")
        return view if view is not None and word in view.message else None

    view = await fleet.until(look, f"it speaks of a {word}")
    assert isinstance(view, TargetView)
    return view


async def test_an_application_waits_until_another_one_is_healthy_on_its_cluster(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    database, settings = job("database", namespace), config_map("settings", namespace)
    small_fleet.repository.write("db/all.yaml", database)
    small_fleet.repository.write("shop/all.yaml", settings)
    small_fleet.repository.commit("Open the shop")
    small_fleet.declare_application("db")
    small_fleet.declare_application("shop", dependsOn=[{"application": "db"}])
    async with small_fleet.running():
        await until_there(admin, database)
        await small_fleet.until_phase("Synced", "db")
        await small_fleet.until_phase("Held")
        view = small_fleet.target("shop", "dev")
        early = await admin.find(path_of(settings))
        await complete(admin, database)
        await small_fleet.until_phase("Synced")

    assert early is None
    assert view is not None
    assert view.message == (
        "default/shop on cluster dev waits until application default/db is synced and healthy "
        f"there; default/db is not healthy, for Job.batch {namespace}/database is Progressing"
    )


async def test_a_wave_is_written_when_the_one_before_is_healthy(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: dict[str, ControlPlane],
) -> None:
    migrate, settings = job("migrate", namespace), config_map("settings", namespace)
    settings["metadata"]["annotations"] = {"shoal.dev/wave": "1"}
    small_fleet.repository.write("shop/all.yaml", settings, migrate)
    small_fleet.repository.commit("Open the shop")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        await until_there(admin, migrate)
        view = await until_said(small_fleet, "wave")
        early = await admin.find(path_of(settings))
        await complete(admin, migrate)
        await small_fleet.until_phase("Synced")

    assert early is None
    assert view.phase == "Syncing"
    assert f"for wave 0, in which Job.batch {namespace}/migrate" in view.message
    assert [entry.name for entry in await writes.at_least(2)] == ["migrate", "settings"]
