"""What somebody changes by hand is undone, recorded with who and what, or left, as Git says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    complete,
    config_map,
    deployment,
    eventually,
    job,
    path_of,
    until_data,
)

from shoal.engine.views.applications import TargetPhase
from shoal.model.identity import Ref
from shoal.model.records import Deed, Verdict
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"


def secret(name: str, namespace: str, **values: str) -> Any:
    return {**config_map(name, namespace), "kind": "Secret", "data": {}, "stringData": values}


async def test_an_edit_is_undone_and_recorded_with_its_manager(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue", size="9")
    revision = small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        by_hand = config_map("settings", namespace, color="red")
        await admin.apply(path_of(settings), by_hand, manager="kubectl", force=True)
        await until_data(admin, settings, {"color": "blue", "size": "9"})
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)

    (change,) = record.body["changes"]
    assert (record.who, record.verdict) == ("shoal", Verdict.SUCCEEDED)
    assert record.why == "drift: changed in the cluster by kubectl"
    assert record.revision == revision
    assert change["object"] == f"ConfigMap {namespace}/settings"
    assert change["patch"] == [
        {"op": "test", "path": "/data/color", "value": "red"},
        {"op": "replace", "path": "/data/color", "value": "blue"},
    ]


async def test_an_edited_deployment_gets_its_image_back(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    web = deployment("web", namespace, image="shop:1")
    small_fleet.repository.commit_shop(web)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        path = "/spec/template/spec/containers/0/image"
        edit = [{"op": "replace", "path": path, "value": "evil:6"}]
        await admin.patch(path_of(web), edit, form="json", fieldManager="kubectl-edit")
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        live = await admin.get(path_of(web))

    (container,) = live["spec"]["template"]["spec"]["containers"]
    (change,) = record.body["changes"]
    assert container["image"] == "shop:1"
    assert record.why == "drift: changed in the cluster by kubectl-edit"
    assert change["patch"] == [
        {"op": "test", "path": path, "value": "evil:6"},
        {"op": "replace", "path": path, "value": "shop:1"},
    ]


async def test_a_deleted_object_comes_back(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await admin.delete(path_of(settings))
        await until_data(admin, settings, {"color": "blue"})
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        await small_fleet.until_phase("Synced")

    assert record.why == "drift: deleted in the cluster"
    assert small_fleet.last_seen("shop", "dev").drifted == 0


async def test_who_changes_an_object_back_again_and_again_is_named(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        for count in range(1, 6):
            red = {"data": {"color": f"red-{count}"}}
            await admin.patch(path_of(settings), red, fieldManager="angry-operator")
            await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET, count=count)
            await small_fleet.until_phase("Synced")
        red = {"data": {"color": "red"}}
        await admin.patch(path_of(settings), red, fieldManager="angry-operator")
        await small_fleet.until_phase("Held")

    assert "by client angry-operator" in small_fleet.last_seen("shop", "dev").message


async def test_a_removed_fleet_label_is_put_back(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        before = await admin.get(path_of(settings))
        await admin.patch(path_of(settings), {"metadata": {"labels": {"shoal.dev/fleet": None}}})
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        after = await admin.get(path_of(settings))

    assert after["metadata"]["labels"]["shoal.dev/fleet"] == small_fleet.name
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_fields_that_were_taken_over_unchanged_are_taken_back_and_are_no_drift(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)

    async def is_ours() -> bool:
        live = await admin.get(path_of(settings))
        (ours,) = [one for one in live["metadata"]["managedFields"] if one["manager"] == "shoal"]
        return "f:color" in ours["fieldsV1"].get("f:data", {})

    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        # Between two syncs, as seen by a watch that was away: another value, and ours again.
        for color in ("red", "blue"):
            edit = {"data": {"color": color}}
            await admin.patch(path_of(settings), edit, fieldManager="acme-controller")
        await eventually(is_ours, "data that is ours")
        live = await admin.get(path_of(settings))

    assert live["data"] == {"color": "blue"}


async def test_every_edit_of_many_is_undone(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    maps = [config_map(f"settings-{index}", namespace, color="blue") for index in range(12)]
    small_fleet.repository.commit_shop(*maps)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        for each in maps:
            await admin.patch(path_of(each), {"data": {"color": "red"}})
        for each in maps:
            await until_data(admin, each, {"color": "blue"})
        await small_fleet.until_phase("Synced")


async def test_drift_that_is_only_to_be_reported_stays_and_is_recorded_once(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, clusters: dict[str, ControlPlane]
) -> None:
    one, two = (config_map(name, namespace, color="blue") for name in ("one", "two"))
    small_fleet.repository.commit_shop(one, two)
    small_fleet.declare_application("shop", sync={"whenDrifted": "Report"})
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["dev"], namespace)
        edit = {"data": {"color": "red"}}
        await admin.patch(path_of(one), edit, fieldManager="kubectl-edit")
        await small_fleet.until_phase("Drifted")
        await small_fleet.controller.sync(Ref("default", "shop"), who="Ana")
        await admin.patch(path_of(two), edit, fieldManager="kubectl-edit")
        records = await small_fleet.until_recorded(Deed.TARGET_DRIFTED, TARGET, count=2)
        live = await admin.get(path_of(one))
        view = small_fleet.target("shop", "dev")

    assert [record.body["object"] for record in records] == [
        f"ConfigMap {namespace}/one",
        f"ConfigMap {namespace}/two",
    ]
    assert records[0].who == "client kubectl-edit"
    assert records[0].body["patch"] == [
        {"op": "test", "path": "/data/color", "value": "red"},
        {"op": "replace", "path": "/data/color", "value": "blue"},
    ]
    assert live["data"] == {"color": "red"}
    assert await writes.seen() == []
    assert view is not None
    assert view.phase is TargetPhase.DRIFTED
    assert view.message == (
        f"ConfigMap {namespace}/one was changed in the cluster by client kubectl-edit "
        "(and 1 more), and the application says whenDrifted: Report"
    )
    assert view.next_step.endswith("default/shop, or set whenDrifted: Correct")


async def test_reported_drift_that_somebody_undoes_is_over(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.commit_shop(settings)
    small_fleet.declare_application("shop", sync={"whenDrifted": "Report"})
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await admin.patch(path_of(settings), {"data": {"color": "red"}})
        await small_fleet.until_phase("Drifted")
        await admin.patch(path_of(settings), {"data": {"color": "blue"}})
        await small_fleet.until_phase("Synced")


async def test_replicas_written_through_scale_are_left_alone(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    scaled, other = (deployment(name, namespace, image="shop:1") for name in ("scaled", "other"))
    small_fleet.repository.commit_shop(scaled, other)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        await admin.patch(f"{path_of(scaled)}/scale", {"spec": {"replicas": 7}})
        # Healing the other one shows that the same watch has told of the scaling, too.
        await admin.patch(path_of(other), {"spec": {"replicas": 3}})
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        after_scaling = await admin.get(path_of(scaled))
        small_fleet.repository.commit_shop(deployment("scaled", namespace, image="shop:2"), other)
        await small_fleet.until_revision(await small_fleet.push("Ship shop:2"))
        after_commit = await admin.get(path_of(scaled))
        records = await small_fleet.records(Deed.TARGET_CORRECTED, TARGET)

    (container,) = after_commit["spec"]["template"]["spec"]["containers"]
    assert after_scaling["spec"]["replicas"] == 7
    assert after_commit["spec"]["replicas"] == 7
    assert container["image"] == "shop:2"
    assert len(records) == 1


async def test_a_finished_job_that_is_deleted_does_not_run_again(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    finished, running = job("finished", namespace), job("running", namespace)
    small_fleet.repository.commit_shop(finished, running)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        first = await admin.get(path_of(running))
        await complete(admin, finished)
        await admin.delete(path_of(finished), propagationPolicy="Background")
        # The other one's return shows that the same watch has told of the first deletion, too.
        await admin.delete(path_of(running), propagationPolicy="Background")
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        again = await admin.get(path_of(running))
        small_fleet.repository.commit_shop(finished, running, config_map("settings", namespace))
        await small_fleet.until_revision(await small_fleet.push("Say more"))
        gone = await admin.find(path_of(finished))
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.repository.commit_shop(
            finished, running, config_map("settings", namespace, say="more")
        )
        await small_fleet.until_revision(await small_fleet.push("Say even more"))
        gone_after_restart = await admin.find(path_of(finished))

    assert again["metadata"]["uid"] != first["metadata"]["uid"]
    assert gone is None
    assert gone_after_restart is None


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Any:
    """All text that was logged or printed."""

    def read() -> str:
        out, err = capfd.readouterr()
        return "\n".join([caplog.text, out, err])

    return read


async def test_no_value_of_a_secret_is_kept_or_shown(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, written: Any
) -> None:
    token = secret("token", namespace, key="canary-in-git")
    small_fleet.repository.commit_shop(token)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        by_hand = {"stringData": {"key": "canary-by-hand"}}
        await admin.patch(path_of(token), by_hand, fieldManager="kubectl-edit")
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        controller = small_fleet.controller
        shown = [
            str(record),
            str(controller.trace(Ref("default", "shop"))),
            str(controller.targets()),
            str(controller.applications()),
            str(controller.sources()),
            str(controller.fleet()),
            str(await controller.records(limit=1000)),
            written(),
        ]

    (change,) = record.body["changes"]
    kept = await anyio.to_thread.run_sync(read_all, small_fleet.folder / "state")
    assert change["patch"] == [
        {"op": "test", "path": "/data/key", "value": "***"},
        {"op": "replace", "path": "/data/key", "value": "***"},
    ]
    for canary in ("canary-in-git", "canary-by-hand", "Y2FuYXJ5"):
        assert not [text for text in shown if canary in text]
        assert canary.encode() not in kept


def read_all(state: Path) -> bytes:
    """Every file of the state folder but the mirrors of repositories, which are Git's own."""
    files = [path for path in state.glob("*") if path.is_file() and not path.is_socket()]
    assert [path.name for path in files if path.suffix == ".db" or "db" in path.name]
    return b"".join(path.read_bytes() for path in files)
