"""Fields that somebody added by hand are removed, or reported, or kept, as Git says."""

from __future__ import annotations

from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    config_map,
    deployment,
    eventually,
    path_of,
    until_data,
)

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"


async def test_a_key_added_by_hand_is_removed_and_recorded_with_its_client(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, clusters: dict[str, ControlPlane]
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["dev"], namespace)
        await admin.patch(path_of(settings), {"data": {"more": "1"}}, fieldManager="kubectl-edit")
        await until_data(admin, settings, {"color": "blue"})
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)

    (change,) = record.body["changes"]
    assert record.who == "shoal"
    assert change["cause"] == "added in the cluster by kubectl-edit"
    assert change["patch"] == [{"op": "remove", "path": "/data/more"}]
    assert len(await writes.seen()) == 1


async def test_an_edit_and_an_addition_of_one_object_are_both_undone(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        edit = {"data": {"color": "red", "more": "1"}}
        await admin.patch(path_of(settings), edit, fieldManager="kubectl-edit")
        await until_data(admin, settings, {"color": "blue"})
        await small_fleet.until_phase("Synced")


async def test_what_is_only_to_be_reported_stays_and_is_recorded_once(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    small_fleet.declare_application("shop", sync={"whenFieldsAdded": "Report"})
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        edit = {"data": {"color": "red", "more": "1"}}
        await admin.patch(path_of(settings), edit, fieldManager="kubectl-edit")
        await until_data(admin, settings, {"color": "blue", "more": "1"})
        (record,) = await small_fleet.until_recorded(Deed.TARGET_DRIFTED, TARGET)
        await small_fleet.until_phase("Drifted")
        view = small_fleet.target("shop", "dev")

    assert (record.who, record.why) == ("client kubectl-edit", "added")
    assert record.body["atSource"] == "managedFields"
    assert view is not None
    assert view.phase is TargetPhase.DRIFTED
    assert view.message == (
        f"ConfigMap {namespace}/settings has fields that were added in the cluster "
        "by client kubectl-edit, and the application says whenFieldsAdded: Report"
    )
    assert view.next_step.endswith("default/shop, or set whenFieldsAdded: Remove")


async def test_what_is_to_be_kept_is_no_drift(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    small_fleet.declare_application("shop", sync={"whenFieldsAdded": "Keep"})
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        for data in ({"more": "1"}, {"color": "red"}):
            await admin.patch(path_of(settings), {"data": data}, fieldManager="kubectl-edit")
        await until_data(admin, settings, {"color": "blue", "more": "1"})
        await small_fleet.until_phase("Synced")


async def test_an_ignored_path_is_taken_from_git_without_a_change_in_the_cluster(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    web = deployment("web", namespace, replicas=5)
    rule = {"target": {"kind": "Deployment"}, "path": "/spec/replicas"}
    small_fleet.repository.commit_shop(web)
    async with small_fleet.running():
        await small_fleet.until_recorded(Deed.TARGET_SYNCED, TARGET)
        before = await admin.get(path_of(web))
        small_fleet.declare_application("shop", sync={"ignore": [rule]})

        async def is_let_go() -> bool:
            live = await admin.get(path_of(web))
            ours = [one for one in live["metadata"]["managedFields"] if one["manager"] == "shoal"]
            return all("f:replicas" not in one["fieldsV1"]["f:spec"] for one in ours)

        await eventually(is_let_go, "replicas that are nobody's")
        after = await admin.get(path_of(web))

    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
