"""Stages, on a real API server: what is waited for between them, and how deletion goes back."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.kubernetes.bodies import crd, deployment, widget
from tests.kubernetes.planes import PlaneWorld

from shoal.errors import MissingNamespace
from shoal.model.identity import ObjectKey
from shoal.model.plans import ResultStatus
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


def webhook(world: PlaneWorld, name: str, service: str) -> dict[str, Any]:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "nobody"}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": f"{name}.example.test",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"namespace": world.namespace, "name": service}},
                "namespaceSelector": selector,
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["configmaps"],
                    }
                ],
            }
        ],
    }


def service(world: PlaneWorld, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": world.namespace},
        "spec": {"ports": [{"port": 443}]},
    }


def endpoints(world: PlaneWorld, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-abc",
            "namespace": world.namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"], "conditions": {"ready": True}}],
        "ports": [{"port": 443}],
    }


async def written(plane: ControlPlane, start: int, verb: str = "patch") -> list[str]:
    entries = await read_audit_log(plane.audit_log, since=start)
    return [one.resource for one in entries if one.user == "shoal" and one.verb == verb]


async def test_a_webhook_configuration_is_written_last_and_only_with_ready_endpoints(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    name = f"hook-{world.namespace}"
    async with bench(subject) as it:
        bodies = [webhook(world, name, "guard"), service(world, "guard"), it.config_map("a", a="1")]
        first = await it.sync(*bodies)
        async with plane.client() as client:
            path = f"/apis/discovery.k8s.io/v1/namespaces/{world.namespace}/endpointslices"
            await client.create(path, endpoints(world, "guard"))
        start = await audit_position(plane.audit_log)
        fresh = [webhook(world, name, "guard"), service(world, "guard"), it.config_map("b", a="1")]
        fresh[1]["metadata"]["labels"] = {"touched": "yes"}
        second = await it.sync(*fresh)
        order = await written(plane, start)
        await it.sync()

        assert first[name].status is ResultStatus.WAITING
        assert "has ready endpoints" in first[name].note
        assert second[name].status is ResultStatus.APPLIED
        assert order[-1] == "validatingwebhookconfigurations"


async def test_a_definition_is_established_before_its_resources_are_written(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    group = f"order.{world.namespace}.test"
    async with bench(subject) as it:
        start = await audit_position(plane.audit_log)
        results = await it.sync(widget(group, world.namespace, size=1), crd(group))
        order = await written(plane, start)

        assert order == ["customresourcedefinitions", "widgets"]
        assert set(statuses(results).values()) == {ResultStatus.APPLIED}


async def test_deletion_goes_rank_by_rank_and_waits_for_each_to_be_gone(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"ranks.{world.namespace}.test"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": world.namespace},
        "rules": [],
    }
    async with bench(subject) as it:
        bodies = [
            crd(group),
            widget(group, world.namespace, size=1),
            deployment(world.namespace, "web"),
            it.config_map("settings", a="1"),
            role,
        ]
        await it.sync(*bodies)
        results = await it.sync()

        order = [ObjectKey(*one.key).kind for one in results.values()]
        assert order == [
            "Widget",
            "Deployment",
            "ConfigMap",
            "Role",
            "CustomResourceDefinition",
        ]


async def test_what_hangs_keeps_the_later_ranks_and_names_its_finalizer(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web"), it.config_map("settings", a="1"))
        await world.change(key, {"metadata": {"finalizers": ["example.test/hold"]}})
        first = await it.sync()
        kept = await world.read(it.key("settings"))
        await world.change(key, {"metadata": {"finalizers": None}})
        second = await it.sync()

        assert set(statuses(first).values()) == {ResultStatus.WAITING}
        assert "example.test/hold" in first["web"].note
        assert "Deployment" in first["settings"].note
        assert kept is not None
        assert set(statuses(second).values()) == {ResultStatus.DELETED}
        assert it.inventory == {}


async def test_objects_of_a_terminating_namespace_wait_and_are_no_errors(
    subject: Subject, world: PlaneWorld
) -> None:
    name = f"{world.namespace}-leaving"
    path = f"/api/v1/namespaces/{name}"
    async with bench(subject) as it, world.plane.client() as client:
        await client.create(
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )
        await client.delete(path)  # without controllers nobody finalizes it, so it stays so
        inside = it.config_map("inside", a="1")
        inside["metadata"]["namespace"] = name
        results = await _until_terminating(it, inside)

        assert results["inside"].status is ResultStatus.WAITING
        assert isinstance(results["inside"].error, MissingNamespace)


async def _until_terminating(it: Bench, body: Any) -> Any:
    with anyio.fail_after(20):  # admission learns of a namespace by a watch of its own
        while True:
            results = await it.sync(body)
            if results["inside"].error is not None:
                return results
            await it.sync()
