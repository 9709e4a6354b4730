"""An application that takes over what another tool deployed, and what the ledger says of it."""

from __future__ import annotations

from tests.fleet.harness import FleetUnderTest, config_map, path_of

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"


async def test_an_adoption_is_recorded_with_the_owner_before(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    fleet, body = small_fleet, config_map("settings", namespace, a="1")
    marks = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "default"}
    theirs = {**body, "metadata": {**body["metadata"], "annotations": marks}}
    collection = path_of(body).rpartition("/")[0]
    await admin.request("POST", collection, theirs, parameters={"fieldManager": "helm"})
    fleet.repository.write("shop/all.yaml", body)
    revision = fleet.repository.commit("Take the shop over from Helm")
    async with fleet.running():
        await fleet.until_phase(TargetPhase.FAILED)
        view = fleet.target("shop", "dev")
        fleet.declare_application("shop", sync={"whenAlreadyExists": "AdoptIfNoDiff"})
        await fleet.until_revision(revision)
        (record,) = await fleet.until_recorded(Deed.TARGET_SYNCED, TARGET)
        (change,) = record.body["changes"]

    assert view is not None
    assert "Helm release default/shop" in view.message
    assert change["action"] == "adopt"
    assert change["note"] == "taken over from Helm release default/shop"
