"""Recreating, on a real API server: where it is asked for, and nothing would be lost by it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import asking, deployment
from tests.kubernetes.planes import PlaneWorld

from shoal.errors import InvalidObject
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.testing.target_bench import Bench, Subject, bench

pytestmark = pytest.mark.real


def sealed(it: Bench, **data: str) -> dict[str, Any]:
    return {**it.config_map("sealed", **data), "immutable": True}


async def test_an_immutable_field_is_recreated_where_the_manifest_asks_for_it(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(asking(sealed(it, a="1"), "Recreate"))
        before = await world.read(it.key("sealed")) or {}
        results = await it.sync(asking(sealed(it, a="2"), "Recreate"))
        after = await world.read(it.key("sealed")) or {}

        assert results["sealed"].action is Action.RECREATE
        assert "data" in results["sealed"].note
        assert after["data"] == {"a": "2"}
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert (await it.plan(asking(sealed(it, a="2"), "Recreate"))).changes == ()


async def test_without_being_asked_for_the_error_names_the_annotation(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(sealed(it, a="1"))
        results = await it.sync(sealed(it, a="2"))

        assert isinstance(results["sealed"].error, InvalidObject)
        assert "shoal.dev/apply: Recreate" in results["sealed"].error.next_step
        assert (await world.read(it.key("sealed")) or {})["data"] == {"a": "1"}


async def test_a_changed_selector_recreates_a_deployment(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    other = deployment(world.namespace, "web")
    other["spec"]["selector"]["matchLabels"] = {"app": "web", "tier": "front"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "web", "tier": "front"}
    async with bench(subject) as it:
        await it.sync(asking(deployment(world.namespace, "web"), "Recreate"))
        results = await it.sync(asking(other, "Recreate"))

        assert results["web"].action is Action.RECREATE
        assert "tier" in (await world.read(key) or {})["spec"]["selector"]["matchLabels"]


async def test_a_manifest_that_is_wrong_otherwise_deletes_nothing(
    subject: Subject, world: PlaneWorld
) -> None:
    """fluxcd/kustomize-controller#734: `force` deleted objects whose new manifest was invalid."""
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(asking(deployment(world.namespace, "web"), "Recreate"))
        before = await world.read(key) or {}
        only_selector = deployment(world.namespace, "web")
        only_selector["spec"]["selector"]["matchLabels"] = {"tier": "front"}
        besides = deployment(world.namespace, "web", replicas=-1)
        besides["spec"]["selector"]["matchLabels"] = {"app": "web", "tier": "front"}
        besides["spec"]["template"]["metadata"]["labels"] = {"app": "web", "tier": "front"}
        for wrong in (only_selector, besides):
            results = await it.sync(asking(wrong, "Recreate"))

            assert isinstance(results["web"].error, InvalidObject)
            assert (await world.read(key) or {})["metadata"]["uid"] == before["metadata"]["uid"]


async def test_a_service_whose_new_manifest_has_no_ports_stays(
    subject: Subject, world: PlaneWorld
) -> None:
    """fluxcd/kustomize-controller#734, as it was reported."""
    key = ObjectKey("", "Service", world.namespace, "web")

    def service(*ports: Any) -> Any:
        spec = {"selector": {"app": "web"}, "type": "ClusterIP", "ports": list(ports)}
        metadata = {"name": "web", "namespace": world.namespace}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        return asking(body, "Recreate")

    async with bench(subject) as it:
        await it.sync(service({"port": 80}))
        before = await world.read(key)
        results = await it.sync(service())

        assert isinstance(results["web"].error, InvalidObject)
        assert await world.read(key) == before


async def test_what_the_cluster_would_not_take_as_new_is_not_deleted(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(asking(sealed(it, a="1"), "Recreate"))
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": world.namespace},
            "spec": {"hard": {"count/configmaps": "0"}},
        }
        async with world.plane.client() as client:
            path = f"/api/v1/namespaces/{world.namespace}/resourcequotas"
            await client.create(path, quota)
            status = {"hard": {"count/configmaps": "0"}, "used": {"count/configmaps": "0"}}
            await client.patch(f"{path}/none/status", {"status": status})
        results = await it.sync(asking(sealed(it, a="2"), "Recreate"))

        assert "quota" in str(results["sealed"].error).lower()
        assert (await world.read(it.key("sealed")) or {})["data"] == {"a": "1"}


async def test_a_stateful_set_with_claims_is_never_recreated(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "StatefulSet", world.namespace, "store")

    def store(service: str) -> dict[str, Any]:
        body = {**deployment(world.namespace, "store"), "kind": "StatefulSet"}
        claim = {
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
        spec = {**body["spec"], "serviceName": service, "volumeClaimTemplates": [claim]}
        return asking({**body, "spec": spec}, "Recreate")

    async with bench(subject) as it:
        await it.sync(store("one"))
        before = await world.read(key) or {}
        results = await it.sync(store("two"))

        assert "never deleted" in str(results["store"].error)
        assert (await world.read(key) or {})["metadata"]["uid"] == before["metadata"]["uid"]


async def test_a_recreation_that_hangs_waits_and_ends_when_the_old_object_is_gone(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(asking(sealed(it, a="1"), "Recreate"))
        await world.change(it.key("sealed"), {"metadata": {"finalizers": ["example.test/hold"]}})
        waiting = await it.sync(asking(sealed(it, a="2"), "Recreate"))
        await world.change(it.key("sealed"), {"metadata": {"finalizers": None}})
        await it.sync(asking(sealed(it, a="2"), "Recreate"))

        assert waiting["sealed"].status is ResultStatus.WAITING
        assert "example.test/hold" in waiting["sealed"].note
        assert (await world.read(it.key("sealed")) or {})["data"] == {"a": "2"}
