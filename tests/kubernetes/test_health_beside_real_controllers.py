"""Health is judged by what real controllers write, and changes as they go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment, job

from shoal.model.health import HealthState
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.controlplane.workload_simulator import simulated_workloads
from shoal_clusters.controlplane.workloads import FAIL_ANNOTATION
from shoal_clusters.kubernetes.health import assess

SECONDS = 60
DEPLOYMENT, JOB = "/apis/apps/v1/namespaces/{}/deployments", "/apis/batch/v1/namespaces/{}/jobs"


async def applied(client: Client, collection: str, body: Mapping[str, Any]) -> str:
    """Apply it; its path."""
    path = f"{collection.format(body['metadata']['namespace'])}/{body['metadata']['name']}"
    await client.apply(path, body, manager="shoal", force=True)
    return path


async def becomes(client: Client, path: str, state: HealthState) -> bool:
    async def is_it() -> bool:
        return assess(await client.get(path)).state is state

    return await wait_until(is_it, seconds=SECONDS)


async def test_a_deployment_becomes_healthy_by_its_replica_sets_and_pods(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    async with controlled_plane.client() as client:
        path = await applied(client, DEPLOYMENT, deployment(controlled_namespace, "web"))
        assert await becomes(client, path, HealthState.PROGRESSING)

        async with simulated_workloads([controlled_plane]):
            assert await becomes(client, path, HealthState.HEALTHY)

        pods = await client.get(f"/api/v1/namespaces/{controlled_namespace}/pods")
        assert [assess(pod).state for pod in pods["items"]] == [HealthState.HEALTHY] * 2


async def test_a_roll_out_that_fails_is_degraded_when_its_deadline_has_passed(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    body = deployment(controlled_namespace, "web")
    body["spec"]["progressDeadlineSeconds"] = 1
    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        path = await applied(client, DEPLOYMENT, body)
        assert await becomes(client, path, HealthState.HEALTHY)

        template = body["spec"]["template"]
        template["metadata"]["annotations"] = {FAIL_ANNOTATION: "ImagePullBackOff"}
        await applied(client, DEPLOYMENT, body)

        assert await becomes(client, path, HealthState.DEGRADED)


@pytest.mark.parametrize(
    ("annotations", "state"),
    [({}, HealthState.HEALTHY), ({FAIL_ANNOTATION: "Error"}, HealthState.DEGRADED)],
    ids=["completes", "fails"],
)
async def test_a_job_is_as_healthy_as_its_end(
    controlled_plane: ControlPlane,
    controlled_namespace: str,
    annotations: dict[str, str],
    state: HealthState,
) -> None:
    body = job(controlled_namespace, "migrate")
    body["metadata"]["annotations"] = annotations
    body["spec"]["backoffLimit"] = 0

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        path = await applied(client, JOB, body)

        assert await becomes(client, path, state)


async def test_a_deployment_that_is_being_deleted_in_the_foreground_is_progressing_and_goes(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    async with controlled_plane.client() as client:
        async with simulated_workloads([controlled_plane]):
            path = await applied(client, DEPLOYMENT, deployment(controlled_namespace, "web"))
            assert await becomes(client, path, HealthState.HEALTHY)

        # Nobody plays the kubelet now: the Pods, and so the Deployment, stay for the moment.
        await client.delete(path, propagationPolicy="Foreground")
        assert await becomes(client, path, HealthState.PROGRESSING)

        async def is_gone() -> bool:
            return await client.find(path) is None

        async with simulated_workloads([controlled_plane]):
            assert await wait_until(is_gone, seconds=SECONDS)
