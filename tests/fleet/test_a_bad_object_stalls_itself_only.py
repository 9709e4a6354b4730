"""A manifest that cannot be applied is named, with why and what to do; all others are applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.fleet.harness import (
    DEADLINE_SECONDS,
    FleetUnderTest,
    Writes,
    config_map,
    deployment,
    path_of,
)
from tests.kubernetes.bodies import crd, widget

from shoal.engine.views.applications import TargetView
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.waiting import wait_until

TARGET = "default/shop@dev"


@pytest.fixture
def fleet(small_fleet: FleetUnderTest, namespace: str) -> FleetUnderTest:
    """`shop` with one good object, and beside it `good`, which nothing may happen to.

    Nothing is tried out, which would stop an update with a bad object before any of it is written.
    """
    small_fleet.declare_application("shop", sync={"validation": "Never"})
    small_fleet.declare_application("good")
    for name in ("shop", "good"):
        small_fleet.repository.write(f"{name}/all.yaml", config_map(name, namespace, step="1"))
    small_fleet.repository.commit("Open both")
    return small_fleet


async def until_failed(fleet: FleetUnderTest) -> TargetView:
    await fleet.until_phase("Failed")
    view = fleet.target("shop", "dev")
    assert view is not None
    return view


async def until_the_others_go_on(
    fleet: FleetUnderTest, namespace: str, admin: Client, bad: Any
) -> None:
    """With the bad object still there, the rest of `shop` and all of `good` follow a commit."""
    for name in ("shop", "good"):
        fleet.repository.write(f"{name}/all.yaml", config_map(name, namespace, step="2"))
    fleet.repository.write("shop/bad.yaml", bad)
    await fleet.until_revision(await fleet.push("Go on"), "good")
    records = await fleet.until_recorded(Deed.TARGET_FAILED, TARGET)
    assert records[-1].body["counts"].get("applied")

    async def has_followed() -> bool:
        live = await admin.get(path_of(config_map("shop", namespace)))
        return bool(live["data"] == {"step": "2"})

    assert await wait_until(has_followed, seconds=DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("text", "message", "next_step"),
    [
        pytest.param(
            "hello: world",
            "in folder shop: bad.yaml:1: not a Kubernetes manifest: apiVersion is missing or not "
            "text",
            "move files that are no manifests out of the folder",
            id="no manifest",
        ),
        pytest.param(
            "kind: [",
            "in folder shop: bad.yaml:1: not valid YAML: did not find expected node content",
            "",
            id="no YAML",
        ),
    ],
)
async def test_a_file_that_is_no_manifest_stops_its_application_where_it_is(
    fleet: FleetUnderTest, namespace: str, text: str, message: str, next_step: str
) -> None:
    async with fleet.running():
        await fleet.until_phase("Synced")
        fleet.repository.write("shop/bad.yaml", text)
        fleet.repository.write("good/all.yaml", config_map("good", namespace, step="2"))
        await fleet.until_revision(await fleet.push("Write nonsense"), "good")
        await fleet.until(lambda: fleet.application("shop").phase == "Failed", "shop failed")
        view = fleet.application("shop")
        await fleet.until_phase("Synced")
        (fleet.repository.folder / "shop/bad.yaml").unlink()
        await fleet.push("Remove the nonsense")
        await fleet.until(lambda: fleet.application("shop").phase == "Synced", "shop is well")

    assert (view.message, view.next_step) == (message, next_step)


async def test_an_object_without_a_name_fails_alone(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace}}
    fleet.repository.write("shop/bad.yaml", bad)
    fleet.repository.commit("Name nothing")
    async with fleet.running():
        view = await until_failed(fleet)
        await until_the_others_go_on(fleet, namespace, admin, bad)

    assert view.message == "ConfigMap shop/bad.yaml:1: metadata.name: missing"
    assert view.next_step == "correct it in the source"


async def test_an_object_waits_for_its_namespace_and_is_applied_when_it_is_there(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    early = config_map("early", f"{namespace}-later")
    fleet.repository.write("shop/early.yaml", early)
    fleet.repository.commit("Be early")
    async with fleet.running():
        await fleet.until_phase("Syncing")
        await fleet.until(lambda: fleet.application("shop").message, "a message")
        view = fleet.target("shop", "dev")
        await fleet.until_phase("Synced", "good")
        rest = await admin.find(path_of(config_map("shop", namespace)))
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-later"}}
        await admin.create("/api/v1/namespaces", body)
        await fleet.until_phase("Synced")
        live = await admin.find(path_of(early))
        waits = await fleet.records(Deed.TARGET_WAITING, "default/shop@dev")

    assert [wait.verdict for wait in waits] == ["noted"]
    assert view is not None
    assert view.message == (
        f"ConfigMap {namespace}-later/early: the namespace {namespace}-later does not exist"
    )
    assert view.next_step == (
        f"add Namespace {namespace}-later to the manifests, or create it; it is tried again"
    )
    assert rest is not None
    assert live is not None


async def test_an_unlabelled_object_of_the_same_name_survives_byte_for_byte(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    theirs = config_map("theirs", namespace, owner="somebody else")
    await admin.patch(path_of(theirs), theirs, form="apply", fieldManager="helm")
    before = await admin.get(path_of(theirs))
    ours = config_map("theirs", namespace, owner="shop")
    fleet.repository.write("shop/bad.yaml", ours)
    fleet.repository.commit("Take it")
    async with fleet.running():
        view = await until_failed(fleet)
        await until_the_others_go_on(fleet, namespace, admin, ours)
        after = await admin.get(path_of(theirs))
        (fleet.repository.folder / "shop/bad.yaml").unlink()
        await fleet.until_revision(await fleet.push("Leave it"))
        after_removal = await admin.get(path_of(theirs))

    assert view.message == (
        f"ConfigMap {namespace}/theirs is there already and belongs to the client helm, not to "
        "application default/shop; it was left untouched"
    )
    assert view.next_step == (
        "delete it, remove it from the application's manifests, or let sync.whenAlreadyExists "
        "adopt it"
    )
    assert after == before
    assert after_removal == before


async def test_an_object_of_another_application_is_not_taken_over(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    async with fleet.running():
        await fleet.until_phase("Synced", "good")
        before = await admin.get(path_of(config_map("good", namespace)))
        fleet.repository.write("shop/bad.yaml", config_map("good", namespace, step="shop's"))
        await fleet.push("Take it")
        view = await until_failed(fleet)
        after = await admin.get(path_of(config_map("good", namespace)))
        await fleet.until_phase("Synced", "good")
        (fleet.repository.folder / "shop/bad.yaml").unlink()
        await fleet.until_revision(await fleet.push("Leave it"))
        after_removal = await admin.get(path_of(config_map("good", namespace)))

    assert "belongs to Shoal application default/good" in view.message
    assert after == before
    assert after_removal == before


async def test_an_object_that_the_server_refuses_fails_alone(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    bad = deployment("web", namespace)
    bad["spec"]["replicas"] = -1
    fleet.repository.write("shop/bad.yaml", bad)
    fleet.repository.commit("Ship less than nothing")
    async with fleet.running():
        view = await until_failed(fleet)
        application = fleet.application("shop")
        await until_the_others_go_on(fleet, namespace, admin, bad)
        fleet.repository.write("shop/bad.yaml", deployment("web", namespace))
        await fleet.until_revision(await fleet.push("Ship one"))

    assert view.message == (
        f"Deployment.apps {namespace}/web: the API server refuses it: spec.replicas has an "
        "invalid value: must be greater than or equal to 0"
    )
    assert view.next_step == "correct it in the source"
    (problem,) = view.problems[:1]
    assert problem.message.startswith("the API server refuses it: spec.replicas has an")
    assert application.message == f"dev: {view.message}"
    assert (application.phase, application.next_step) == ("Failed", view.next_step)


async def test_an_unknown_field_fails_alone(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    bad = deployment("web", namespace)
    bad["spec"]["replica"] = 1
    fleet.repository.write("shop/bad.yaml", bad)
    fleet.repository.commit("Misspell it")
    async with fleet.running():
        view = await until_failed(fleet)
        await until_the_others_go_on(fleet, namespace, admin, bad)

    assert view.message == (
        f"Deployment.apps {namespace}/web: the API server refuses it: "
        ".spec.replica: field not declared in schema"
    )


async def test_a_kind_that_is_not_served_fails_alone(
    fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    metadata = {"name": "what", "namespace": namespace}
    bad = {"apiVersion": "example.org/v1", "kind": "Wonder", "metadata": metadata}
    fleet.repository.write("shop/bad.yaml", bad)
    fleet.repository.commit("Wonder")
    async with fleet.running():
        view = await until_failed(fleet)
        await until_the_others_go_on(fleet, namespace, admin, bad)

    assert view.message == (
        f"Wonder.example.org {namespace}/what (shop/bad.yaml:1): the cluster does not serve "
        "Wonder in example.org/v1"
    )
    assert view.next_step == "install what provides it, or correct apiVersion and kind"


async def test_an_object_is_applied_when_its_kind_comes_and_waits_for_no_back_off(
    fleet: FleetUnderTest, namespace: str, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tomorrow(failures: int, *, now: datetime, **_: Any) -> datetime:
        return now + timedelta(days=1)

    monkeypatch.setattr("shoal.engine.concluding.retry_at", tomorrow)
    group = f"later.{namespace}.test"
    fleet.repository.write("shop/widget.yaml", widget(group, namespace, size=1))
    revision = fleet.repository.commit("Widget")
    async with fleet.running():
        missing = await until_failed(fleet)
        definition = crd(group)
        await admin.create(path_of(definition).rpartition("/")[0], definition)
        await fleet.until_revision(revision)
        live = await admin.get(f"/apis/{group}/v1/namespaces/{namespace}/widgets/one")

    assert "the cluster does not serve Widget" in missing.message
    assert live["spec"] == {"size": 1}


async def test_a_failure_that_stays_the_same_is_recorded_once_and_not_sent_again(
    fleet: FleetUnderTest,
    namespace: str,
    clusters: Mapping[str, ControlPlane],
) -> None:
    bad = deployment("web", namespace)
    bad["spec"]["replicas"] = -1
    fleet.repository.write("shop/bad.yaml", bad)
    fleet.repository.commit("Ship less than nothing")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with fleet.running():
        await until_failed(fleet)
        fleet.repository.write("good/all.yaml", config_map("good", namespace, step="2"))
        await fleet.until_revision(await fleet.push("Go on"), "good")
        records = await fleet.records(Deed.TARGET_FAILED, TARGET)
        entries = await writes.at_least(4)

    names = sorted(entry.name for entry in entries)
    assert len(records) == 1
    assert [name for name in names if name != "web"] == ["good", "good", "shop"]
    # What was decided while a new cluster was swept is looked at once more when that is over.
    assert names.count("web") in (1, 2)
