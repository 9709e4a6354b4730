"""A write of ours that a proxy held back, and that arrives after a newer one.

An apply names the object by its uid, not by its version: each change of its status would refuse it
otherwise. So a late request is taken; the watch shows that the object is not as it was last left.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.fleet.harness import FleetUnderTest, config_map, eventually, path_of

from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"


async def test_an_older_revision_that_arrives_late_is_corrected(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    fleet, body = small_fleet, config_map("settings", namespace, color="blue")
    fleet.repository.write("shop/all.yaml", body)
    first = fleet.repository.commit("Open the shop")
    async with fleet.running(), clusters["dev"].client("shoal") as shoal:
        await fleet.until_revision(first)
        old = await admin.get(path_of(body))
        fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="red"))
        second = await fleet.push("Paint it red")
        await fleet.until_revision(second)
        marks = {name: old["metadata"][name] for name in ("labels", "annotations", "uid")}
        late = {**body, "metadata": {**body["metadata"], **marks}}
        await shoal.apply(path_of(body), late, manager="shoal", force=True)
        await fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)

        async def is_red() -> bool:
            return bool((await admin.get(path_of(body)))["data"] == {"color": "red"})

        await eventually(is_red, "the newer revision")
