"""Causes as real controllers leave them: conditions of ReplicaSets, events, the pods they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment, job
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.hooks.host import Host
from shoal.model.health import Health, HealthState
from shoal.model.sightings import Sighting
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.workload_simulator import simulated_workloads
from shoal_clusters.controlplane.workloads import FAIL_ANNOTATION
from shoal_clusters.kubernetes.investigating import Cadence
from shoal_clusters.kubernetes.session import KubernetesTarget


@pytest.fixture
async def it(
    controlled_plane: ControlPlane, controlled_namespace: str, shoal_host: Callable[..., Host]
) -> Subject:
    """The Kubernetes target beside real controllers, with hardly any time between looks."""
    host = shoal_host()
    cadence = Cadence(progressing=0.2, again=0.2, most=0.2, between=0)
    target = KubernetesTarget(cadence=cadence)
    endpoint = await endpoint_of(controlled_plane, host)
    world = PlaneWorld(controlled_plane, controlled_namespace)
    return Subject(target, controlled_plane.name, endpoint, host, world)


def inside(subject: Subject) -> str:
    return subject.world.namespace


async def told(it: Bench, *words: str) -> Health:
    """The health that was told with all of these words."""

    def holds(one: Sighting) -> bool:
        return one.health is not None and all(word in one.health.reason for word in words)

    found = (await it.until(holds)).health
    assert found is not None
    return found


def quota(namespace: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": {"hard": {"pods": "0"}},
    }


def stateful_set(namespace: str) -> Any:
    body = deployment(namespace, "db")
    return {**body, "kind": "StatefulSet", "spec": {**body["spec"], "serviceName": "db"}}


async def test_a_roll_out_that_fails_names_the_container_that_fails(
    controlled_plane: ControlPlane, it: Subject
) -> None:
    body = deployment(inside(it), "web")
    body["metadata"]["annotations"] = {FAIL_ANNOTATION: "ImagePullBackOff"}
    body["spec"]["progressDeadlineSeconds"] = 1
    async with simulated_workloads([controlled_plane]), bench(it) as opened:
        await opened.sync(body)
        words = ("no progress", "app of pod web-", "ImagePullBackOff", "(and 1 more pod)")
        health = await told(opened, *words)

    assert health.state is HealthState.DEGRADED


async def test_a_quota_that_refuses_pods_is_named(it: Subject) -> None:
    async with bench(it) as opened:
        await opened.sync(quota(inside(it)), deployment(inside(it), "web"))
        health = await told(opened, "no pod can be made", "exceeded quota: none")

    assert health.state is HealthState.DEGRADED
    assert health.reason.count("exceeded quota: none") == 1


async def test_a_stateful_set_tells_it_by_its_events(it: Subject) -> None:
    async with bench(it) as opened:
        await opened.sync(quota(inside(it)), stateful_set(inside(it)))
        health = await told(opened, "FailedCreate", "exceeded quota: none")

    assert health.state is HealthState.PROGRESSING


async def test_a_policy_that_refuses_pods_is_named(
    controlled_plane: ControlPlane, it: Subject
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    async with controlled_plane.client() as client:
        await client.patch(f"/api/v1/namespaces/{inside(it)}", {"metadata": {"labels": labels}})
    async with bench(it) as opened:
        await opened.sync(deployment(inside(it), "web"))
        health = await told(opened, "violates PodSecurity")

    assert health.state is HealthState.DEGRADED


async def test_a_job_that_failed_names_the_exit_code(
    controlled_plane: ControlPlane, it: Subject
) -> None:
    body = job(inside(it), "migrate")
    body["metadata"]["annotations"] = {FAIL_ANNOTATION: "Error"}
    body["spec"]["backoffLimit"] = 0
    async with simulated_workloads([controlled_plane]), bench(it) as opened:
        await opened.sync(body)
        health = await told(opened, "backoff limit", "app of pod migrate-", "exit code 1")

    assert health.state is HealthState.DEGRADED
