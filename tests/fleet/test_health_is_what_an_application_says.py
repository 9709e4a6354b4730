"""Health rules of an application over a custom resource, on a real API server."""

from __future__ import annotations

from typing import Any

from tests.fleet.harness import FleetUnderTest

from shoal_clusters.controlplane.client import Client


def definition(group: str) -> Any:
    properties = {
        "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    names = {"kind": "Database", "plural": "databases", "singular": "database"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"databases.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def test_a_rule_judges_a_custom_resource_and_is_followed_when_it_changes(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    group = f"{namespace}.example.com"
    database = {
        "apiVersion": f"{group}/v1",
        "kind": "Database",
        "metadata": {"name": "main", "namespace": namespace},
        "spec": {"size": 3},
    }
    path = f"/apis/{group}/v1/namespaces/{namespace}/databases/main"
    rule = {
        "target": {"group": group, "kind": "Database"},
        "healthy": "object.status.members == object.spec.size",
        "degraded": "object.status.members == 0",
        "message": "string(object.status.members) + ' members'",
    }

    async def until(health: str, message: str = "") -> None:
        def holds() -> bool:
            view = small_fleet.target("shop", "dev")
            return view is not None and view.health == health and said in view.message

        said = f"Database.{group} {namespace}/main: {message}" if message else ""

        await small_fleet.until(holds, f"{health}: {message}")

    async def members(count: int) -> None:
        await admin.patch(f"{path}/status", {"status": {"members": count}})

    small_fleet.declare_application("shop", health=[rule])
    small_fleet.repository.write("shop/all.yaml", definition(group), database)
    small_fleet.repository.commit("Order a database")
    async with small_fleet.running():
        await until("Progressing", "spec.health[0].healthy: there is no field status")
        await members(0)
        await until("Degraded", "0 members")
        await members(2)
        await until("Progressing", "2 members")
        small_fleet.declare_application("shop", health=[{**rule, "healthy": "true"}])
        await small_fleet.reload()
        await until("Healthy")
        small_fleet.declare_application("shop", health=[rule])
        await small_fleet.reload()
        await until("Progressing", "2 members")
        await members(3)
        await until("Healthy")
