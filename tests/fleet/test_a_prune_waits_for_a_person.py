"""A prune beyond its budget: writes go on, deletions wait, one approval for all clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fleet.harness import FleetUnderTest, Writes, config_map, eventually

from shoal.engine.views.changes import HoldView
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client


def write(fleet: FleetUnderTest, namespace: str, count: int, color: str) -> None:
    maps = [config_map(f"m{number}", namespace, color=color) for number in range(count)]
    fleet.repository.write("shop/all.yaml", *maps)


async def until_held(fleet: FleetUnderTest, cause: str, count: int) -> list[HoldView]:
    def look() -> list[HoldView]:
        holds = [hold for hold in fleet.controller.holds() if hold.cause == cause]
        return holds if len(holds) == count else []

    holds: list[HoldView] = await fleet.until(look, f"{count} holds {cause}")
    return holds


async def colors(admin: Client, namespace: str) -> dict[str, str]:
    items: list[Any] = (await admin.get(f"/api/v1/namespaces/{namespace}/configmaps"))["items"]
    return {
        item["metadata"]["name"]: item["data"]["color"] for item in items if "color" in item["data"]
    }


async def test_one_approval_of_a_group_covers_every_cluster_also_after_a_restart(
    fleet: FleetUnderTest,
    namespace: str,
    admins: Mapping[str, Client],
    clusters: Mapping[str, ControlPlane],
) -> None:
    write(fleet, namespace, 8, "blue")
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        writes = {
            name: await Writes.since_now(cluster, namespace) for name, cluster in clusters.items()
        }
        write(fleet, namespace, 5, "green")
        await fleet.push("Close three shelves")
        before = await until_held(fleet, "PruneBudget", len(clusters))
        verbs = {
            name: {entry.verb for entry in await writes[name].at_least(5)} for name in clusters
        }
        live = {name: await colors(admin, namespace) for name, admin in admins.items()}
    async with fleet.running():
        after = await until_held(fleet, "PruneBudget", len(clusters))
        await fleet.until_phase("Held")
        (group,) = {hold.group for hold in after}
        await fleet.controller.approve(group, who="Ana", reason="they are closed")
        await fleet.until_phase("Synced")
        holds = fleet.controller.holds()
        left = {name: await colors(admin, namespace) for name, admin in admins.items()}

    assert {hold.id for hold in before} == {hold.id for hold in after}
    kept = dict.fromkeys(["m0", "m1", "m2", "m3", "m4"], "green")
    waiting = dict.fromkeys(["m5", "m6", "m7"], "blue")
    assert all(each == {**kept, **waiting} for each in live.values())
    assert all(each == {"patch"} for each in verbs.values())
    assert all(each == kept for each in left.values())
    assert holds == []


async def test_a_set_that_shrinks_below_half_is_held_as_a_whole(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    write(small_fleet, namespace, 8, "blue")
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        write(small_fleet, namespace, 3, "green")
        await small_fleet.push("Lose a file")
        (hold,) = await until_held(small_fleet, "ShrunkRender", 1)
        # What somebody deletes meanwhile is put back as it was.
        await admin.delete(f"/api/v1/namespaces/{namespace}/configmaps/m0")

        async def is_back() -> bool:
            return (await colors(admin, namespace)).get("m0") == "blue"

        await eventually(is_back, "m0 is back")
        live = await colors(admin, namespace)
        small_fleet.repository.git("revert", "--no-edit", "HEAD")
        await small_fleet.push("And go on")
        await small_fleet.until_phase("Synced")
        holds = small_fleet.controller.holds()

    assert "renders to 3 objects, less than half of the 8 that are in cluster dev" in hold.reason
    assert live == {f"m{number}": "blue" for number in range(8)}
    assert holds == []


async def test_one_revision_may_not_prune_the_whole_fleet(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Client]
) -> None:
    """On each cluster it is less than a quarter; together it is more than fifty objects."""
    write(fleet, namespace, 72, "blue")
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        write(fleet, namespace, 54, "blue")
        await fleet.push("Close eighteen shelves")
        holds = await until_held(fleet, "PruneBudget", len(admins))
        live = [await colors(admin, namespace) for admin in admins.values()]

    assert [len(each) for each in live] == [72] * 3
    assert all("would delete 54 of 216 in the whole fleet" in hold.reason for hold in holds)
