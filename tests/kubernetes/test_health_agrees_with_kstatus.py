"""Every row of kstatus (sigs.k8s.io/cli-utils, pkg/kstatus/status), beside what Shoal says.

`CURRENT`, `IN_PROGRESS` and `FAILED` are kstatus's words for the body. Where Shoal says something
else, the row has the reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from shoal.model.health import HealthState
from shoal_clusters.kubernetes.health import assess

CURRENT, IN_PROGRESS = HealthState.HEALTHY, HealthState.PROGRESSING
FAILED = TERMINATING = HealthState.DEGRADED
APPS = "apps/v1"


class Row(NamedTuple):
    """One case of kstatus; `ours` only where it differs, with why."""

    name: str
    body: dict[str, Any]
    kstatus: HealthState
    ours: HealthState | None = None
    why: str = ""


def body(api_version: str, kind: str, status: Any = None, **spec: Any) -> dict[str, Any]:
    seen = {"observedGeneration": 1} if api_version == APPS else {}
    metadata: dict[str, Any] = {"name": "x", "generation": 1}
    status = {**seen, **(status or {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | {
        "spec": spec,
        "status": status,
    }


def conditions(*found: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "conditions": [
            {"type": name, "status": status, "reason": reason} for name, status, reason in found
        ]
    }


def counts(**numbers: int) -> dict[str, int]:
    return numbers


AVAILABLE = conditions(
    ("Progressing", "True", "NewReplicaSetAvailable"), ("Available", "True", "MinimumReplicas")
)
DONE = counts(replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
SET = counts(replicas=1, readyReplicas=1, currentReplicas=1, updatedReplicas=1)
LOOPING = {
    "phase": "Running",
    "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
}
EACH = counts(
    desiredNumberScheduled=2,
    currentNumberScheduled=2,
    updatedNumberScheduled=2,
    numberReady=2,
    numberAvailable=2,
)


def deleted(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "metadata": {**of["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


def unobserved(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "metadata": {**of["metadata"], "generation": 2}}


ROWS = [
    Row(
        "deleted",
        deleted(body("v1", "ConfigMap")),
        TERMINATING,
        IN_PROGRESS,
        "going away is on its way, with its finalizers named; Shoal has no word of its own for it",
    ),
    Row("unobserved", unobserved(body(APPS, "Deployment", {**DONE, **AVAILABLE})), IN_PROGRESS),
    Row(
        "reconciling",
        body(APPS, "Deployment", conditions(("Reconciling", "True", ""))),
        IN_PROGRESS,
    ),
    Row("stalled", body("batch/v1", "CronJob", conditions(("Stalled", "True", "x"))), FAILED),
    Row("not ours to judge", body("v1", "Secret"), CURRENT),
    Row("cron job", body("batch/v1", "CronJob"), CURRENT),
    Row("deployment done", body(APPS, "Deployment", {**DONE, **AVAILABLE}), CURRENT),
    Row(
        "deployment deadline",
        body(APPS, "Deployment", conditions(("Progressing", "False", "ProgressDeadlineExceeded"))),
        FAILED,
    ),
    Row("deployment few", body(APPS, "Deployment", DONE, replicas=2), IN_PROGRESS),
    Row(
        "deployment few updated",
        body(APPS, "Deployment", {**DONE, "updatedReplicas": 0, **AVAILABLE}),
        IN_PROGRESS,
    ),
    Row(
        "deployment surplus",
        body(APPS, "Deployment", {**DONE, "replicas": 2, **AVAILABLE}),
        IN_PROGRESS,
    ),
    Row(
        "deployment few available",
        body(APPS, "Deployment", {**DONE, "availableReplicas": 0, **AVAILABLE}),
        IN_PROGRESS,
    ),
    Row(
        "deployment few ready",
        body(APPS, "Deployment", {**DONE, "readyReplicas": 0, **AVAILABLE}),
        IN_PROGRESS,
    ),
    Row(
        "deployment without conditions",
        body(APPS, "Deployment", DONE),
        IN_PROGRESS,
        CURRENT,
        "all replicas are updated, ready and available: the conditions say the same a moment later",
    ),
    Row(
        "deployment paused",
        body(APPS, "Deployment", {**DONE, **AVAILABLE}, paused=True),
        CURRENT,
        IN_PROGRESS,
        "what is paused may run the old version: nothing that waits for the new one may go on",
    ),
    Row(
        "deployment without replicas allowed",
        body(APPS, "Deployment", conditions(("ReplicaFailure", "True", "FailedCreate"))),
        IN_PROGRESS,
        FAILED,
        "quota, a webhook or a policy refuses its pods: somebody must act",
    ),
    Row("replica set done", body(APPS, "ReplicaSet", DONE), CURRENT),
    Row("replica set few", body(APPS, "ReplicaSet", counts(replicas=1)), IN_PROGRESS),
    Row(
        "replica set failure",
        body(APPS, "ReplicaSet", conditions(("ReplicaFailure", "True", "FailedCreate"))),
        IN_PROGRESS,
        FAILED,
        "as for a Deployment",
    ),
    Row("stateful set done", body(APPS, "StatefulSet", SET), CURRENT),
    Row(
        "stateful set on delete",
        body(APPS, "StatefulSet", counts(replicas=1), updateStrategy={"type": "OnDelete"}),
        CURRENT,
        IN_PROGRESS,
        "who updates by hand wants pods that are ready all the same",
    ),
    Row("stateful set few", body(APPS, "StatefulSet", counts(replicas=1), replicas=2), IN_PROGRESS),
    Row("stateful set surplus", body(APPS, "StatefulSet", {**SET, "replicas": 2}), IN_PROGRESS),
    Row(
        "stateful set partition",
        body(
            APPS,
            "StatefulSet",
            {**SET, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 0},
            replicas=3,
            updateStrategy={"rollingUpdate": {"partition": 2}},
        ),
        IN_PROGRESS,
    ),
    Row(
        "stateful set partition done",
        body(
            APPS,
            "StatefulSet",
            {**SET, "replicas": 3, "readyReplicas": 3},
            replicas=3,
            updateStrategy={"rollingUpdate": {"partition": 2}},
        ),
        CURRENT,
    ),
    Row(
        "stateful set revisions",
        body(APPS, "StatefulSet", {**SET, "currentRevision": "a", "updateRevision": "b"}),
        IN_PROGRESS,
    ),
    Row("daemon set done", body(APPS, "DaemonSet", EACH), CURRENT),
    Row(
        "daemon set unscheduled",
        body(APPS, "DaemonSet", {**EACH, "currentNumberScheduled": 1}),
        IN_PROGRESS,
    ),
    Row(
        "daemon set few updated",
        body(APPS, "DaemonSet", {**EACH, "updatedNumberScheduled": 1}),
        IN_PROGRESS,
    ),
    Row("daemon set few ready", body(APPS, "DaemonSet", {**EACH, "numberReady": 1}), IN_PROGRESS),
    Row(
        "daemon set few available",
        body(APPS, "DaemonSet", {**EACH, "numberAvailable": 1}),
        IN_PROGRESS,
    ),
    Row("claim bound", body("v1", "PersistentVolumeClaim", {"phase": "Bound"}), CURRENT),
    Row("claim pending", body("v1", "PersistentVolumeClaim", {"phase": "Pending"}), IN_PROGRESS),
    Row(
        "claim lost",
        body("v1", "PersistentVolumeClaim", {"phase": "Lost"}),
        IN_PROGRESS,
        FAILED,
        "its volume does not come back by itself",
    ),
    Row("pod succeeded", body("v1", "Pod", {"phase": "Succeeded"}), CURRENT),
    Row(
        "pod failed",
        body("v1", "Pod", {"phase": "Failed"}),
        CURRENT,
        FAILED,
        "a bare pod that failed did not do what it was there for",
    ),
    Row(
        "pod ready",
        body("v1", "Pod", {"phase": "Running", **conditions(("Ready", "True", ""))}),
        CURRENT,
    ),
    Row("pod not ready", body("v1", "Pod", {"phase": "Running"}), IN_PROGRESS),
    Row("pod crash looping", body("v1", "Pod", LOOPING), FAILED),
    Row("pod pending", body("v1", "Pod", {"phase": "Pending"}), IN_PROGRESS),
    Row(
        "pod unschedulable",
        body(
            "v1",
            "Pod",
            {"phase": "Pending", **conditions(("PodScheduled", "False", "Unschedulable"))},
        ),
        FAILED,
        IN_PROGRESS,
        "an autoscaler may bring a node; why it is not scheduled is said after half a minute",
    ),
    Row("pod unknown", body("v1", "Pod"), IN_PROGRESS),
    Row(
        "budget",
        body("policy/v1", "PodDisruptionBudget", {"currentHealthy": 0, "desiredHealthy": 1}),
        CURRENT,
        IN_PROGRESS,
        "a budget that is not met blocks every drain",
    ),
    Row("job complete", body("batch/v1", "Job", conditions(("Complete", "True", ""))), CURRENT),
    Row("job failed", body("batch/v1", "Job", conditions(("Failed", "True", ""))), FAILED),
    Row("job not started", body("batch/v1", "Job"), IN_PROGRESS),
    Row(
        "job running",
        body("batch/v1", "Job", {"startTime": "2026-01-01T00:00:00Z"}),
        CURRENT,
        IN_PROGRESS,
        "what waits for a Job waits for its end",
    ),
    Row(
        "job suspended",
        body("batch/v1", "Job", conditions(("Suspended", "True", ""))),
        CURRENT,
        IN_PROGRESS,
        "what waits for a Job waits for its end",
    ),
    Row("service", body("v1", "Service", type="ClusterIP"), CURRENT),
    Row("load balancer without address", body("v1", "Service", type="LoadBalancer"), IN_PROGRESS),
    Row(
        "load balancer with a cluster address",
        body("v1", "Service", type="LoadBalancer", clusterIP="10.0.0.1"),
        CURRENT,
        IN_PROGRESS,
        "a load balancer without an address of its own serves nobody outside",
    ),
    Row(
        "definition established",
        body(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            conditions(("NamesAccepted", "True", ""), ("Established", "True", "")),
        ),
        CURRENT,
    ),
    Row(
        "definition with taken names",
        body(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            conditions(("NamesAccepted", "False", "MultipleNames")),
        ),
        FAILED,
    ),
    Row(
        "definition installing",
        body(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            conditions(("Established", "False", "Installing")),
        ),
        IN_PROGRESS,
    ),
    Row(
        "definition not established",
        body(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            conditions(("Established", "False", "NotAccepted")),
        ),
        FAILED,
    ),
    Row("definition new", body("apiextensions.k8s.io/v1", "CustomResourceDefinition"), IN_PROGRESS),
    Row("custom", body("example.com/v1", "Fish"), CURRENT),
    Row("custom ready", body("example.com/v1", "Fish", conditions(("Ready", "True", ""))), CURRENT),
    Row(
        "custom not ready",
        body("example.com/v1", "Fish", conditions(("Ready", "False", "Hungry"))),
        IN_PROGRESS,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_of_kstatus_is_kept_or_left_for_a_reason(row: Row) -> None:
    assert assess(row.body).state is (row.ours or row.kstatus)
    assert bool(row.why) is (row.ours is not None)
    assert row.ours is not row.kstatus
