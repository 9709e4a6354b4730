"""Much drift at once is one event; drift of one object again and again is left to a person."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fleet.harness import FleetUnderTest, Writes, config_map, eventually, path_of

from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"


async def test_an_emptied_namespace_is_one_reset_and_is_filled_again(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    maps = [config_map(f"m{number:02}", namespace, color="blue") for number in range(40)]
    small_fleet.repository.write("shop/all.yaml", *maps)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await admin.delete(f"/api/v1/namespaces/{namespace}/configmaps")
        (reset,) = await small_fleet.until_recorded(Deed.TARGET_RESET, TARGET)

        async def are_back() -> bool:
            found = [await admin.find(path_of(each)) for each in maps]
            return all(each is not None for each in found)

        await eventually(are_back, "all 40 are back")
        await small_fleet.until_phase("Synced")
        resets = await small_fleet.records(Deed.TARGET_RESET, TARGET)
        corrections = await small_fleet.records(Deed.TARGET_CORRECTED, TARGET)

    assert reset.why.endswith("of 40 objects changed at once")
    assert len(resets) == 1
    assert len(corrections) < 20


async def test_a_fight_ends_after_five_corrections_and_outlives_a_restart(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    one, other = (config_map(name, namespace, color="blue") for name in ("one", "other"))
    small_fleet.repository.write("shop/all.yaml", one, other)
    small_fleet.repository.commit("Open the shop")

    async def color(of: Mapping[str, object]) -> str:
        return str((await admin.get(path_of(of)))["data"]["color"])

    async def is_blue() -> bool:
        return await color(one) == "blue"

    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        for _ in range(5):
            await admin.patch(path_of(one), {"data": {"color": "red"}})
            await eventually(is_blue, "it is corrected")
        await admin.patch(path_of(one), {"data": {"color": "red"}})
        await small_fleet.until_phase("Held")
        (hold,) = small_fleet.controller.holds()
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Held")
        await admin.patch(path_of(other), {"data": {"color": "red"}})
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET, count=6)
        still = await color(one)
        (again,) = small_fleet.controller.holds()
        await small_fleet.controller.approve(hold.id, who="Ana", reason="the scaler is off")
        await eventually(is_blue, "it is corrected once more")
        await small_fleet.until_phase("Synced")

    assert hold.cause == "Conflict"
    assert f"ConfigMap {namespace}/one in cluster dev was changed back 5 times" in hold.reason
    assert again.id == hold.id
    assert still == "red"
    assert [entry.name for entry in await writes.at_least(2)] == ["other", "one"]
