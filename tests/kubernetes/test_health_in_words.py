"""The sentences of health: what each rule of a kind looks at, in its order, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.health import (
    HEALTHY,
    NO_CONDITIONS,
    assess,
    early,
    kind_of,
)

VERSIONS = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), "apps/v1"),
    "Job": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "APIService": "apiregistration.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "Fish": "example.com/v1",
}


def live(kind: str, status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    version = VERSIONS.get(kind, "v1")
    seen = {"observedGeneration": 2} if version == "apps/v1" else {}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "x", "generation": 2},
        "spec": spec,
        "status": {**seen, **(status or {})},
    }


def conditions(*found: tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("type", "status", "reason", "message")
    return {"conditions": [dict(zip(names, one, strict=True)) for one in found]}


def one(name: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return conditions((name, status, reason, message))


def waiting(reason: str, part: str = "containerStatuses", name: str = "app") -> dict[str, Any]:
    return {part: [{"name": "done", "state": None}, container(name, reason)]}


def container(name: str, reason: str) -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason}}}


def progressing(reason: str) -> Health:
    return Health(HealthState.PROGRESSING, reason)


def degraded(reason: str) -> Health:
    return Health(HealthState.DEGRADED, reason)


THREE = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
SET = {"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3}
PODS = {
    "desiredNumberScheduled": 3,
    "currentNumberScheduled": 3,
    "updatedNumberScheduled": 3,
    "numberReady": 3,
    "numberAvailable": 3,
}
DEADLINE = one("Progressing", "False", "ProgressDeadlineExceeded")

ROWS: list[tuple[dict[str, Any], Health]] = [
    # Every number counts, in the order of a rollout, and the first that is short is told.
    (
        live("Deployment", {**THREE, "updatedReplicas": 2}, replicas=3),
        progressing("2 of 3 replicas are updated"),
    ),
    (
        live("Deployment", {**THREE, "updatedReplicas": 2, "readyReplicas": 1}, replicas=3),
        progressing("2 of 3 replicas are updated"),
    ),
    (
        live("Deployment", {**THREE, "readyReplicas": 1, "availableReplicas": 0}, replicas=3),
        progressing("1 of 3 replicas are ready"),
    ),
    (
        live("Deployment", {**THREE, "replicas": 5}, replicas=3),
        progressing("2 old replicas have yet to end"),
    ),
    (
        live("Deployment", {**THREE, "readyReplicas": "3"}, replicas=3),
        progressing("0 of 3 replicas are ready"),
    ),
    (live("Deployment", {"replicas": 1, **dict.fromkeys(THREE, 1)}), HEALTHY),
    (live("Deployment", {**THREE, **DEADLINE}, paused=True), progressing("the rollout is paused")),
    (
        live(
            "Deployment", {**THREE, **one("Progressing", "True", "ReplicaSetUpdated")}, replicas=3
        ),
        HEALTHY,
    ),
    (live("Deployment", {**THREE, **one("ReplicaFailure", "False", "x")}, replicas=3), HEALTHY),
    (
        live("Deployment", {**THREE, **one("ReplicaFailure", "True")}, replicas=3),
        degraded("replicas cannot be created"),
    ),
    (
        live("ReplicaSet", {**THREE, **one("ReplicaFailure", "True", "NoQuota")}, replicas=3),
        degraded("NoQuota"),
    ),
    (
        live("ReplicaSet", {**THREE, "availableReplicas": 2}, replicas=3),
        progressing("2 of 3 replicas are available"),
    ),
    (
        live("ReplicationController", {**THREE, "readyReplicas": 2}, replicas=3),
        progressing("2 of 3 replicas are ready"),
    ),
    (live("StatefulSet", SET, replicas=3), HEALTHY),
    (
        live("StatefulSet", {**SET, "replicas": 4}, replicas=3),
        progressing("1 old replicas have yet to end"),
    ),
    (
        live("StatefulSet", {**SET, "updatedReplicas": 0, "updateRevision": "b"}, replicas=3),
        progressing("0 of 3 replicas are updated"),
    ),
    (
        live("StatefulSet", {**SET, "currentRevision": "b", "updateRevision": "b"}, replicas=3),
        HEALTHY,
    ),
    (
        live(
            "StatefulSet",
            {**SET, "updatedReplicas": 0, "updateRevision": "b"},
            replicas=3,
            updateStrategy={"type": "OnDelete"},
        ),
        HEALTHY,
    ),
    (
        live(
            "StatefulSet",
            {**SET, "updatedReplicas": 1, "updateRevision": "b"},
            replicas=3,
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
        ),
        progressing("1 of 2 replicas are updated"),
    ),
    (
        live(
            "StatefulSet",
            {**SET, "updatedReplicas": 0, "updateRevision": "b"},
            replicas=3,
            updateStrategy={"rollingUpdate": {"partition": 5}},
        ),
        HEALTHY,
    ),
    (live("DaemonSet", PODS), HEALTHY),
    (
        live("DaemonSet", {**PODS, "currentNumberScheduled": 2, "numberReady": 1}),
        progressing("2 of 3 pods are scheduled"),
    ),
    (
        live("DaemonSet", {**PODS, "updatedNumberScheduled": 2, "numberReady": 1}),
        progressing("2 of 3 pods are updated"),
    ),
    (
        live(
            "DaemonSet", {**PODS, "updatedNumberScheduled": 0}, updateStrategy={"type": "OnDelete"}
        ),
        HEALTHY,
    ),
    (
        live("DaemonSet", {**PODS, "numberReady": 2, "numberAvailable": 1}),
        progressing("2 of 3 pods are ready"),
    ),
    (live("DaemonSet", {**PODS, "numberAvailable": 1}), progressing("1 of 3 pods are available")),
    (live("Pod"), progressing("it is starting")),
    (live("Pod", {"phase": "Pending", **one("Ready", "True")}), progressing("it is starting")),
    (live("Pod", {"phase": "Failed", "message": "evicted"}), degraded("evicted")),
    (live("Pod", {"phase": "Failed", "reason": "Evicted"}), degraded("Evicted")),
    (
        live("Pod", {"phase": "Running", **waiting("CrashLoopBackOff")}),
        degraded("container app waits: CrashLoopBackOff"),
    ),
    (
        live("Pod", {"phase": "Running", **one("Ready", "True"), **waiting("CrashLoopBackOff")}),
        HEALTHY,
    ),
    (
        live("Pod", {**waiting("CrashLoopBackOff", "initContainerStatuses", "init")}),
        progressing("container init waits: CrashLoopBackOff"),
    ),
    (
        live("Pod", {**waiting("A", "initContainerStatuses", "init"), **waiting("B")}),
        progressing("container init waits: A"),
    ),
    (
        live(
            "Pod", {**one("PodScheduled", "False", "", "no node"), **waiting("ContainerCreating")}
        ),
        progressing("no node"),
    ),
    (live("Pod", one("PodScheduled", "False")), progressing("no node was found for it yet")),
    (
        live("Pod", {**one("PodScheduled", "True"), **waiting("PodInitializing")}),
        progressing("container app waits: PodInitializing"),
    ),
    (live("Job"), progressing("it has not started yet")),
    (live("Job", one("Failed", "True")), degraded("it failed")),
    (live("Job", one("Failed", "False")), progressing("it has not started yet")),
    (live("Job", one("Suspended", "True")), progressing("it is suspended")),
    (
        live("Job", {"startTime": "x", **one("Suspended", "False")}),
        progressing("0 of 1 completions are done"),
    ),
    (live("Service"), HEALTHY),
    (
        live("Service", {"loadBalancer": None}, type="LoadBalancer"),
        progressing("the load balancer has no address yet"),
    ),
    (live("Ingress"), HEALTHY),
    (live("PersistentVolumeClaim", {"phase": "Lost"}), degraded("its volume is lost")),
    (live("PodDisruptionBudget", {"currentHealthy": 2, "desiredHealthy": 2}), HEALTHY),
    (
        live("CustomResourceDefinition", one("NamesAccepted", "False")),
        degraded("its names are taken"),
    ),
    (
        live("CustomResourceDefinition", one("NamesAccepted", "True")),
        progressing("it is not established yet"),
    ),
    (
        live("CustomResourceDefinition", one("Established", "False", "Installing")),
        progressing("it is not established yet"),
    ),
    (
        live("CustomResourceDefinition", one("Established", "False")),
        degraded("it cannot be established"),
    ),
    (live("APIService", one("Available", "True")), HEALTHY),
    (live("APIService"), progressing("it is not available yet")),
    (
        live("APIService", one("Available", "False", "", "no endpoints")),
        progressing("no endpoints"),
    ),
    (live("HorizontalPodAutoscaler"), HEALTHY),
    (
        live("HorizontalPodAutoscaler", one("AbleToScale", "False")),
        degraded("it cannot scale its target"),
    ),
    (
        live("HorizontalPodAutoscaler", one("ScalingActive", "False", "NoMetrics")),
        degraded("NoMetrics"),
    ),
    (
        live("HorizontalPodAutoscaler", one("ScalingActive", "False")),
        degraded("it cannot read its metrics"),
    ),
    (live("HorizontalPodAutoscaler", one("ScalingActive", "False", "ScalingDisabled")), HEALTHY),
    (
        live("HorizontalPodAutoscaler", one("ScalingActive", "False", "FailedGetResourceMetric")),
        HEALTHY,
    ),
    (live("Namespace", {"phase": "Terminating"}), progressing("it is being deleted")),
    (live("Namespace"), HEALTHY),
    (live("Fish", one("Ready", "False")), progressing("it is not ready")),
    (live("Fish", one("Ready", "Unknown", "Thinking")), progressing("Thinking")),
    (live("Fish", one("Stalled", "True")), degraded("it is stalled")),
    (live("Fish", one("Stalled", "False", "x")), HEALTHY),
    (live("Fish", one("Reconciling", "False", "x")), HEALTHY),
    (
        live("Fish", conditions(("Ready", "True", "", ""), ("Reconciling", "True", "Digging", ""))),
        progressing("Digging"),
    ),
    (
        live("Fish", conditions(("Reconciling", "True", "", ""), ("Stalled", "True", "Dry", ""))),
        degraded("Dry"),
    ),
    (live("Job", {**one("Stalled", "True", "Stuck"), "startTime": "x"}), degraded("Stuck")),
]


@pytest.mark.parametrize(
    ("body", "health"), ROWS, ids=[f"{body['kind']}-{at}" for at, (body, _) in enumerate(ROWS)]
)
def test_health_says_the_first_thing_that_is_missing(body: dict[str, Any], health: Health) -> None:
    assert assess(body) == health


@pytest.mark.parametrize("status", [{"conditions": []}, {"conditions": None}, {}])
def test_a_custom_resource_that_nobody_looked_at_has_no_conditions_yet(
    status: dict[str, Any],
) -> None:
    assert assess(live("Fish", status), has_status=True) == NO_CONDITIONS
    assert assess(live("Fish", status)) == HEALTHY
    assert assess(live("Fish", one("Other", "True")), has_status=True) == HEALTHY


@pytest.mark.parametrize(
    ("seen", "generation", "is_early"),
    [
        (1, 2, True),
        (2, 2, False),
        (3, 2, False),
        (None, 2, False),
        ("1", 2, False),
        (1, None, False),
    ],
)
def test_health_counts_once_the_controller_has_seen_the_change(
    seen: Any, generation: Any, is_early: bool
) -> None:
    body = live("Fish", {"observedGeneration": seen})
    body["metadata"]["generation"] = generation
    found = early(body, kind_of(body))

    assert found == (
        progressing("its controller has not seen the newest change yet") if is_early else None
    )


def test_a_body_that_says_nothing_is_judged_by_what_it_is_said_to_be() -> None:
    assert early({}, GroupKind("", "Pod")) is None
    assert early({"metadata": None, "status": None}, GroupKind("", "Pod")) is None
    assert early({}, GroupKind("apps", "Deployment")) == progressing(
        "its controller has not looked at it yet"
    )
    assert assess({"spec": None, "status": None}, GroupKind("batch", "Job")) == progressing(
        "it has not started yet"
    )
    assert kind_of({}) == GroupKind("", "")
    assert kind_of(live("Deployment")) == GroupKind("apps", "Deployment")
    assert kind_of(live("Pod")) == GroupKind("", "Pod")


def test_what_goes_away_says_what_it_waits_for() -> None:
    body = live("Fish", one("Ready", "True"))
    body["metadata"]["deletionTimestamp"] = "now"
    assert assess(body) == progressing("it is being deleted")

    body["metadata"]["finalizers"] = ["a", "b"]
    assert assess(body) == progressing("it is being deleted and waits for a, b")


@pytest.mark.parametrize(
    ("judge", "health"),
    [(lambda: degraded("a rule"), degraded("a rule")), (lambda: None, progressing("not ready"))],
)
def test_a_rule_of_the_application_is_asked_before_those_of_the_kind(
    judge: Callable[[], Health | None], health: Health
) -> None:
    body = live("Fish", one("Ready", "False", "", "not ready"))

    assert assess(body, judged=judge) == health
    body["metadata"]["generation"] = 5
    body["status"]["observedGeneration"] = 4
    assert assess(body, judged=judge).state is HealthState.PROGRESSING


def test_a_namespace_that_goes_away_says_what_is_left_in_it() -> None:
    def condition(name: str, status: str, message: str) -> dict[str, str]:
        return {"type": name, "status": status, "message": message}

    conditions = [
        condition("NamespaceDeletionDiscoveryFailure", "False", "all discovered"),
        condition("NamespaceContentRemaining", "True", "configmaps. has 1 resource instances"),
        condition("NamespaceFinalizersRemaining", "True", "a finalizer remains: example.org/hang"),
    ]
    body = live("Namespace", {"phase": "Terminating", "conditions": conditions})

    said = "it is being deleted: a finalizer remains: example.org/hang"
    assert assess(body) == progressing(said)
