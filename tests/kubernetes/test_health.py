"""Health: kstatus's rules, with sentences that say what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.health import assess

PROGRESSING, DEGRADED = HealthState.PROGRESSING, HealthState.DEGRADED
GOOD = Health(HealthState.HEALTHY)
APPS, CORE = "apps/v1", "v1"


def live(api_version: str, kind: str, *, status: Any = None, **spec: Any) -> dict[str, Any]:
    seen = {"observedGeneration": 2} if api_version == APPS else {}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "generation": 2},
        "spec": spec,
        "status": {**seen, **(status or {})},
    }


def condition(name: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": name, "status": status, **more}]}


def replicas(total: int = 3, updated: int = 3, ready: int = 3, available: int = 3) -> Any:
    return {
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
    }


DEADLINE = condition("Progressing", "False", reason="ProgressDeadlineExceeded")
QUOTA = condition("ReplicaFailure", message="exceeded quota: small")

CASES: list[tuple[dict[str, Any], Health]] = [
    (live(APPS, "Deployment", replicas=3, status=replicas()), GOOD),
    (
        live(APPS, "Deployment", replicas=3, status=replicas(ready=2, available=2)),
        Health(PROGRESSING, "2 of 3 replicas are ready"),
    ),
    (
        live(APPS, "Deployment", replicas=3, status=replicas(available=1)),
        Health(PROGRESSING, "1 of 3 replicas are available"),
    ),
    (
        live(APPS, "Deployment", replicas=3, status=replicas(total=4, updated=1)),
        Health(PROGRESSING, "1 of 3 replicas are updated"),
    ),
    (
        live(APPS, "Deployment", replicas=3, status=replicas(total=4)),
        Health(PROGRESSING, "1 old replicas have yet to end"),
    ),
    (
        live(APPS, "Deployment", replicas=3, status={**replicas(available=0), **DEADLINE}),
        Health(
            DEGRADED,
            "the rollout made no progress within its deadline; 0 of 3 replicas are available",
        ),
    ),
    (
        live(APPS, "Deployment", replicas=3, status=QUOTA),
        Health(DEGRADED, "exceeded quota: small"),
    ),
    (live(APPS, "Deployment", paused=True), Health(PROGRESSING, "the rollout is paused")),
    (live(APPS, "Deployment", replicas=0), GOOD),
    (
        live(
            APPS,
            "ReplicaSet",
            replicas=1,
            status={"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
        ),
        GOOD,
    ),
    (live(APPS, "ReplicaSet"), Health(PROGRESSING, "0 of 1 replicas are ready")),
    (
        live(APPS, "StatefulSet", replicas=2, status={"replicas": 2, "readyReplicas": 1}),
        Health(PROGRESSING, "1 of 2 replicas are ready"),
    ),
    (
        live(
            APPS,
            "StatefulSet",
            replicas=2,
            status={
                "replicas": 2,
                "readyReplicas": 2,
                "updatedReplicas": 1,
                "currentRevision": "a",
                "updateRevision": "b",
            },
        ),
        Health(PROGRESSING, "1 of 2 replicas are updated"),
    ),
    (
        live(
            APPS,
            "StatefulSet",
            replicas=2,
            updateStrategy={"rollingUpdate": {"partition": 1}},
            status={"replicas": 2, "readyReplicas": 2, "updatedReplicas": 1},
        ),
        GOOD,
    ),
    (
        live(
            APPS,
            "DaemonSet",
            status={
                "desiredNumberScheduled": 3,
                "currentNumberScheduled": 3,
                "updatedNumberScheduled": 3,
                "numberReady": 2,
                "numberAvailable": 2,
            },
        ),
        Health(PROGRESSING, "2 of 3 pods are ready"),
    ),
    (live(APPS, "DaemonSet", status={"desiredNumberScheduled": 0}), GOOD),
    (live(CORE, "Pod", status={"phase": "Running", **condition("Ready")}), GOOD),
    (live(CORE, "Pod", status={"phase": "Succeeded"}), GOOD),
    (live(CORE, "Pod", status={"phase": "Failed"}), Health(DEGRADED, "it failed")),
    (
        live(CORE, "Pod", status={"phase": "Running"}),
        Health(PROGRESSING, "it is running and not ready"),
    ),
    (
        live(
            CORE,
            "Pod",
            status={
                "phase": "Pending",
                "containerStatuses": [
                    {"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
                ],
            },
        ),
        Health(PROGRESSING, "container app waits: ImagePullBackOff"),
    ),
    (live("batch/v1", "Job", status=condition("Complete")), GOOD),
    (
        live("batch/v1", "Job", status=condition("Failed", message="too many retries")),
        Health(DEGRADED, "too many retries"),
    ),
    (
        live("batch/v1", "Job", completions=2, status={"startTime": "x", "succeeded": 1}),
        Health(PROGRESSING, "1 of 2 completions are done"),
    ),
    (live("batch/v1", "CronJob"), GOOD),
    (live(CORE, "Service", type="ClusterIP"), GOOD),
    (
        live(CORE, "Service", type="LoadBalancer"),
        Health(PROGRESSING, "the load balancer has no address yet"),
    ),
    (
        live(CORE, "Service", type="LoadBalancer", status={"loadBalancer": {"ingress": [{}]}}),
        GOOD,
    ),
    (live(CORE, "PersistentVolumeClaim", status={"phase": "Bound"}), GOOD),
    (
        live(CORE, "PersistentVolumeClaim"),
        Health(PROGRESSING, "no volume is bound to it yet"),
    ),
    (
        live("policy/v1", "PodDisruptionBudget", status={"currentHealthy": 1, "desiredHealthy": 2}),
        Health(PROGRESSING, "1 of 2 pods are healthy"),
    ),
    (
        live("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        Health(PROGRESSING, "it is not established yet"),
    ),
    (
        live(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", status=condition("Established")
        ),
        GOOD,
    ),
    (
        live("apiregistration.k8s.io/v1", "APIService", status=condition("Available", "False")),
        Health(PROGRESSING, "it is not available yet"),
    ),
    (live(CORE, "Namespace", status={"phase": "Active"}), GOOD),
    (live(CORE, "ConfigMap"), GOOD),
    (
        live(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            status=condition("AbleToScale", "False", message="no such scale"),
        ),
        Health(DEGRADED, "no such scale"),
    ),
    (live("example.com/v1", "Fish", status=condition("Ready")), GOOD),
    (
        live("example.com/v1", "Fish", status=condition("Ready", "False", message="hungry")),
        Health(PROGRESSING, "hungry"),
    ),
    (
        live("example.com/v1", "Fish", status=condition("Stalled", reason="NoWater")),
        Health(DEGRADED, "NoWater"),
    ),
    (
        live("example.com/v1", "Fish", status=condition("Reconciling")),
        Health(PROGRESSING, "it is being reconciled"),
    ),
    (live("example.com/v1", "Fish"), GOOD),
]


@pytest.mark.parametrize(
    ("body", "health"), CASES, ids=[f"{body['kind']}-{at}" for at, (body, _) in enumerate(CASES)]
)
def test_an_objects_health_says_what_is_missing(body: dict[str, Any], health: Health) -> None:
    found = assess(body)

    assert found.state is health.state
    assert found.reason.lower() == health.reason.lower()


def test_an_object_being_deleted_is_progressing_and_names_its_finalizers() -> None:
    body = live(CORE, "Namespace")
    body["metadata"].update(deletionTimestamp="now", finalizers=["example.com/hold"])

    assert assess(body) == Health(PROGRESSING, "it is being deleted and waits for example.com/hold")


def test_a_change_that_its_controller_has_not_seen_is_progressing() -> None:
    body = live("example.com/v1", "Fish", status={"observedGeneration": 1, **condition("Ready")})

    assert assess(body).state is PROGRESSING


def test_a_workload_that_nobody_looked_at_is_progressing_even_with_zero_replicas() -> None:
    body = live(APPS, "Deployment", replicas=0)
    del body["status"]

    assert assess(body) == Health(PROGRESSING, "its controller has not looked at it yet")


def test_a_custom_resource_with_a_status_subresource_and_no_conditions_is_progressing() -> None:
    body = live("example.com/v1", "Fish")

    assert assess(body, has_status=True).state is PROGRESSING
    assert assess(live(CORE, "ConfigMap"), has_status=True) == GOOD


def test_the_kind_of_an_item_in_a_list_is_handed_in() -> None:
    body = live(APPS, "Deployment", replicas=1)
    del body["apiVersion"], body["kind"]

    assert assess(body, GroupKind("apps", "Deployment")).state is PROGRESSING


kinds = st.sampled_from([(body["apiVersion"], body["kind"]) for body, _ in CASES])
parts = st.dictionaries(
    st.sampled_from(["replicas", "phase", "conditions", "readyReplicas", "loadBalancer"]),
    st.none() | st.integers(0, 5) | st.text(max_size=3),
)


@given(kinds, parts, parts)
def test_a_status_of_any_shape_has_some_health(
    kind: tuple[str, str], spec: dict[str, Any], status: dict[str, Any]
) -> None:
    status.pop("loadBalancer", None)

    health = assess(live(*kind, status=status, **spec))

    assert health == GOOD or health.reason
