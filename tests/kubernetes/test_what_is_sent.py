"""Preparing, on a real API server: manifests as people write or export them can be applied."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.plans import ResultStatus
from shoal.testing.target_bench import Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


def service(namespace: str, *ports: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}


async def test_what_was_exported_from_a_cluster_is_applied(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with world.plane.client() as client:
        root = path_of(key).rpartition("/")[0]
        await client.create(root, deployment(world.namespace, "web"))
        await client.patch(f"{path_of(key)}/status", {"status": {"observedGeneration": 1}})
        exported = await client.get(path_of(key))
        await client.delete(path_of(key))
    last_applied = "kubectl.kubernetes.io/last-applied-configuration"
    exported["metadata"]["annotations"] = {last_applied: "{}"}
    async with bench(subject) as it:
        results = await it.sync(exported)
        live = await world.read(key) or {}

        assert statuses(results) == {"web": ResultStatus.APPLIED}
        assert live["metadata"]["uid"] != exported["metadata"]["uid"]
        assert last_applied not in live["metadata"]["annotations"]
        assert (await it.plan(exported)).changes == ()


async def test_owner_references_are_left_out_and_the_result_says_so(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("owned", a="1")
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1-2-3"}
        body["metadata"]["ownerReferences"] = [owner]
        results = await it.sync(body)
        live = await world.read(it.key("owned")) or {}

        assert "ownerReferences" not in live["metadata"]
        assert results["owned"].note == (
            "metadata.ownerReferences was left out: a uid in Git names nothing"
        )


async def test_the_items_of_a_list_are_applied(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        items = [it.config_map("first", a="1"), it.config_map("second", a="1")]
        results = await it.sync({"apiVersion": "v1", "kind": "List", "items": items})

        assert statuses(results) == {
            "first": ResultStatus.APPLIED,
            "second": ResultStatus.APPLIED,
        }


async def test_string_data_of_a_secret_is_there_as_data_and_is_compared(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("", "Secret", world.namespace, "login")
    async with bench(subject) as it:
        body = {**it.config_map("login"), "kind": "Secret", "stringData": {"password": "tide"}}
        del body["data"]
        await it.sync(body)
        written = await world.read(key) or {}
        await world.change(key, {"data": {"password": base64.b64encode(b"ebb").decode()}})
        await it.until_drifted("login", missing=False)
        await it.sync(body)
        corrected = await world.read(key) or {}

        assert base64.b64decode(written["data"]["password"]) == b"tide"
        assert corrected["data"] == written["data"]


async def test_ports_without_a_protocol_meet_those_that_are_there(
    subject: Subject, world: PlaneWorld
) -> None:
    """Without it the list could not be merged (kubernetes/kubernetes#105610)."""
    key = ObjectKey("", "Service", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(service(world.namespace, {"name": "http", "port": 80}))
        results = await it.sync(
            service(world.namespace, {"name": "web", "port": 80}, {"name": "admin", "port": 81})
        )
        live = await world.read(key) or {}

        assert results["web"].error is None
        assert [(one["name"], one["port"]) for one in live["spec"]["ports"]] == [
            ("web", 80),
            ("admin", 81),
        ]


async def test_an_object_of_the_whole_cluster_is_applied_though_it_names_a_namespace(
    subject: Subject, world: PlaneWorld
) -> None:
    name = f"reader-{world.namespace}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "namespace": world.namespace},
        "rules": [],
    }
    async with bench(subject) as it:
        results = await it.sync(role)
        await it.sync()

        assert results[name].status is ResultStatus.APPLIED
        assert results[name].key.namespace == ""


async def test_marks_are_all_that_is_added_and_tell_nothing_of_content_or_revision(
    subject: Subject, world: PlaneWorld
) -> None:
    found = []
    async with bench(subject) as it:
        for value in ("1", "2"):
            await it.sync(it.config_map("marked", a=value))
            metadata = (await world.read(it.key("marked")) or {})["metadata"]
            found.append((metadata["labels"], metadata["annotations"]))

    assert found[0] == found[1]
    assert found[0] == (
        {"shoal.dev/fleet": "test", "shoal.dev/application": "default.web"},
        {"shoal.dev/owner": f"test/default/web:/ConfigMap:{world.namespace}/marked"},
    )


async def test_what_is_refused_before_sending_costs_no_request_and_hides_no_other(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        marked = it.config_map("marked", a="1")
        marked["metadata"]["labels"] = {"shoal.dev/fleet": "test"}
        encrypted = {**it.config_map("encrypted", a="1"), "sops": {"mac": "x", "version": "3"}}
        twice = it.config_map("twice", a="1"), it.config_map("twice", a="2")
        nameless = it.config_map("", a="1")
        generated = it.config_map("", a="1")
        generated["metadata"]["generateName"] = "each-time-"
        bodies = [marked, encrypted, *twice, nameless, generated, it.config_map("good", a="1")]
        start = await audit_position(plane.audit_log)
        plan = await it.plan(*bodies)
        await it.sync(*bodies)
        entries = await read_audit_log(plane.audit_log, since=start)

        written = [one.name for one in entries if one.user == "shoal" and one.verb == "patch"]
        assert written == ["good"]
        assert len(plan.refused) == 5
