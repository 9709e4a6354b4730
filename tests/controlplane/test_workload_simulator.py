"""Workloads on local control planes become healthy, or fail when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import read_audit_log
from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.fixtures import StartVictim
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.controlplane.workload_simulator import USER, simulated_workloads
from shoal_clusters.controlplane.workloads import FAIL_ANNOTATION, WORKLOADS, missing_status

Clusters = Mapping[str, ControlPlane]
Status = Mapping[str, Any]

PODS = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]},
}
SELECTOR = {"matchLabels": {"app": "web"}}
PATHS = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Job": ("batch/v1", "jobs"),
    "Pod": ("v1", "pods"),
}
SPECS: dict[str, dict[str, Any]] = {
    "Deployment": {"replicas": 2, "selector": SELECTOR, "template": PODS},
    "StatefulSet": {"replicas": 2, "selector": SELECTOR, "template": PODS, "serviceName": "web"},
    "DaemonSet": {"selector": SELECTOR, "template": PODS},
    "ReplicaSet": {"replicas": 2, "selector": SELECTOR, "template": PODS},
    "Job": {"template": {"spec": {**PODS["spec"], "restartPolicy": "Never"}}},
    "Pod": PODS["spec"],
}


def condition(status: Status, kind: str) -> str:
    found = [one for one in status.get("conditions", []) if one["type"] == kind]
    return f"{found[0]['status']} {found[0].get('reason', '')}".strip() if found else ""


HEALTHY: dict[str, Callable[[Status], bool]] = {
    "Deployment": lambda status: (
        status.get("availableReplicas") == 2 and condition(status, "Available").startswith("True")
    ),
    "StatefulSet": lambda status: (
        status.get("readyReplicas") == 2 and status["currentRevision"] == status["updateRevision"]
    ),
    "DaemonSet": lambda status: status.get("numberReady") == 1,
    "ReplicaSet": lambda status: status.get("readyReplicas") == 2,
    "Job": lambda status: condition(status, "Complete").startswith("True"),
    "Pod": lambda status: condition(status, "Ready") == "True",
}
FAILED: dict[str, Callable[[Status], bool]] = {
    "Deployment": lambda status: (
        condition(status, "Progressing") == "False ProgressDeadlineExceeded"
    ),
    "StatefulSet": lambda status: (
        status.get("observedGeneration") == 1 and status.get("readyReplicas", 0) == 0
    ),
    "DaemonSet": lambda status: status.get("numberUnavailable") == 1,
    "ReplicaSet": lambda status: (
        status.get("replicas") == 2 and status.get("readyReplicas", 0) == 0
    ),
    "Job": lambda status: condition(status, "Failed") == "True BackoffLimitExceeded",
    "Pod": lambda status: condition(status, "Ready") == "False ImagePullBackOff",
}


def workload(kind: str, namespace: str, **annotations: str) -> tuple[str, dict[str, Any]]:
    version, plural = PATHS[kind]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    metadata = {"name": "web", "namespace": namespace, "annotations": annotations}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": SPECS[kind]}
    return f"{root}/namespaces/{namespace}/{plural}/web", body


async def reaches(client: Client, path: str, holds: Callable[[Status], bool]) -> bool:
    async def is_reached() -> bool:
        return holds((await client.get(path)).get("status") or {})

    return await wait_until(is_reached, seconds=10)


@pytest.mark.real
@pytest.mark.parametrize("kind", sorted(HEALTHY))
async def test_a_workload_becomes_healthy(clusters: Clusters, namespace: str, kind: str) -> None:
    cluster = clusters["dev"]
    path, body = workload(kind, namespace)

    async with simulated_workloads([cluster]), cluster.client() as client:
        await client.apply(path, body, manager="test")

        assert await reaches(client, path, HEALTHY[kind])


@pytest.mark.real
@pytest.mark.parametrize("kind", sorted(FAILED))
async def test_a_workload_fails_when_its_annotation_says_so(
    clusters: Clusters, namespace: str, kind: str
) -> None:
    cluster = clusters["dev"]
    path, body = workload(kind, namespace, **{FAIL_ANNOTATION: "ImagePullBackOff"})

    async with simulated_workloads([cluster]), cluster.client() as client:
        await client.apply(path, body, manager="test")

        assert await reaches(client, path, FAILED[kind])


@pytest.mark.real
async def test_a_changed_workload_is_answered_at_its_new_generation(
    clusters: Clusters, namespace: str
) -> None:
    cluster = clusters["dev"]
    path, body = workload("Deployment", namespace)

    async with simulated_workloads([cluster]), cluster.client() as client:
        await client.apply(path, body, manager="test")
        assert await reaches(client, path, HEALTHY["Deployment"])
        await client.patch(path, {"spec": {"replicas": 5}})

        assert await reaches(
            client,
            path,
            lambda status: status["observedGeneration"] == 2 and status["readyReplicas"] == 5,
        )


@pytest.mark.real
@pytest.mark.parametrize(
    "annotations", [{}, {FAIL_ANNOTATION: "ImagePullBackOff"}], ids=["", "fails"]
)
@pytest.mark.parametrize("kind", sorted(HEALTHY))
async def test_each_workload_costs_one_write_by_a_user_of_its_own(
    clusters: Clusters, namespace: str, kind: str, annotations: dict[str, str]
) -> None:
    cluster = clusters["staging"]
    path, body = workload(kind, namespace, **annotations)
    async with simulated_workloads([cluster]), cluster.client() as client:
        await client.apply(path, body, manager="test")
        assert await reaches(client, path, (FAILED if annotations else HEALTHY)[kind])
        # Events of a kind come in order: when the second is healthy, all of the first were seen.
        body["metadata"] = {**body["metadata"], "name": "second", "annotations": {}}
        second = path.replace("/web", "/second")
        await client.apply(second, body, manager="test")
        assert await reaches(client, second, HEALTHY[kind])

    async def written() -> list[tuple[str, str]]:
        logged = await read_audit_log(cluster.audit_log)
        ours = [entry for entry in logged if entry.namespace == namespace and entry.user == USER]
        return [(entry.name, entry.subresource) for entry in ours if entry.verb == "patch"]

    async def is_second_logged() -> bool:
        return ("second", "status") in await written()

    assert await wait_until(is_second_logged, seconds=5)
    assert await written() == [("web", "status"), ("second", "status")]


@pytest.mark.real
async def test_a_cluster_that_was_away_is_followed_again(start_victim: StartVictim) -> None:
    victim = await start_victim("away")
    path, body = workload("Deployment", "default")

    async with simulated_workloads([victim]):
        await victim.kill()
        await victim.start()
        async with victim.client() as client:
            await client.apply(path, body, manager="test")

            assert await reaches(client, path, HEALTHY["Deployment"])


@pytest.mark.parametrize("kind", sorted(HEALTHY))
def test_a_status_that_is_as_it_should_be_is_not_written_again(kind: str) -> None:
    (chosen,) = (workload for workload in WORKLOADS if workload.kind == kind)
    _, body = workload(kind, "default")

    first = missing_status(chosen, body, "2026-01-01T00:00:00Z")
    assert first is not None
    kept = {name: value for name, value in first.items() if value is not None}

    assert missing_status(chosen, {**body, "status": kept}, "2026-01-01T00:09:00Z") is None


def test_an_object_that_is_being_deleted_is_left_alone() -> None:
    _, body = workload("Deployment", "default")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert missing_status(WORKLOADS[0], body, "2026-01-01T00:00:01Z") is None
