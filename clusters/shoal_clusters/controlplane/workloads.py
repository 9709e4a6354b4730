"""What the status of a workload would be, were there controllers and kubelets: pure functions.

One function per kind, from an object (as the API server sends it) to the status it should have. All
of them answer the last generation at once. An object whose annotation `simulator.shoal.dev/fail`
names a reason (`ImagePullBackOff`) fails with it, as real ones do after their deadline. Carried out
by `workload_simulator`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

FAIL_ANNOTATION = "simulator.shoal.dev/fail"
# When something happened is no reason to write it again.
_TIMES = frozenset({"lastTransitionTime", "startTime", "completionTime", "startedAt", "finishedAt"})

Body = Mapping[str, Any]
Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind that gets a status: the path of all its objects, and what the status should be."""

    kind: str
    collection: str
    decide: Callable[[Body, str], Status]

    def path_of(self, body: Body) -> str:
        """Where the status of one object is patched."""
        prefix, _, plural = self.collection.rpartition("/")
        metadata = body["metadata"]
        return f"{prefix}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/status"


def missing_status(workload: Workload, body: Body, now: str) -> Status | None:
    """What must be patched into the status of an object, None when it is as it should be."""
    if "deletionTimestamp" in body["metadata"]:
        return None
    status: Body = body.get("status") or {}
    wanted = workload.decide(body, now)
    if "conditions" in wanted:
        wanted["conditions"] = _with_old_times(wanted["conditions"], status.get("conditions") or [])
    return None if not wanted or _is_covered(wanted, status) else wanted


def _deployment(body: Body, now: str) -> Status:
    replicas = _replicas(body)
    reason = failure_of(body)
    ready = 0 if reason else replicas
    if reason:
        conditions = [
            _condition("Available", "False", "MinimumReplicasUnavailable", now),
            _condition("Progressing", "False", "ProgressDeadlineExceeded", now, f"Pods: {reason}"),
        ]
    else:
        conditions = [
            _condition("Available", "True", "MinimumReplicasAvailable", now),
            _condition("Progressing", "True", "NewReplicaSetAvailable", now),
        ]
    return {
        "observedGeneration": _generation(body),
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": replicas - ready,
        "conditions": conditions,
    } | ({} if replicas - ready else {"unavailableReplicas": None})


def _stateful_set(body: Body, now: str) -> Status:
    replicas = _replicas(body)
    ready = 0 if failure_of(body) else replicas
    template = orjson.dumps(body["spec"].get("template"), option=orjson.OPT_SORT_KEYS)
    revision = f"{body['metadata']['name']}-{hashlib.sha256(template).hexdigest()[:10]}"
    return {
        "observedGeneration": _generation(body),
        "replicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": replicas,
        "updatedReplicas": replicas,
        "currentRevision": revision,
        "updateRevision": revision,
    }


def _daemon_set(body: Body, now: str) -> Status:
    ready = 0 if failure_of(body) else 1  # as on a cluster of one node
    return {
        "observedGeneration": _generation(body),
        "desiredNumberScheduled": 1,
        "currentNumberScheduled": 1,
        "updatedNumberScheduled": 1,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": 1 - ready,
    }


def _replica_set(body: Body, now: str) -> Status:
    replicas = _replicas(body)
    ready = 0 if failure_of(body) else replicas
    return {
        "observedGeneration": _generation(body),
        "replicas": replicas,
        "fullyLabeledReplicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
    }


def _pod(body: Body, now: str) -> Status:
    return pod_status(body, failure_of(body), now)


def pod_status(body: Body, reason: str | None, now: str) -> Status:
    """A Pod that runs and is ready, or waits for ever because of `reason`."""
    is_ready = "False" if reason else "True"
    state = {"waiting": {"reason": reason}} if reason else {"running": {"startedAt": now}}
    return {
        "phase": "Pending" if reason else "Running",
        "conditions": pod_conditions(is_ready, reason or "", now),
        "containerStatuses": container_statuses(body, state, is_ready=not reason),
    }


def pod_conditions(is_ready: str, reason: str, now: str) -> list[Status]:
    """The conditions of a Pod that was scheduled."""
    return [
        _condition("PodScheduled", "True", "", now),
        _condition("Initialized", "True", "", now),
        _condition("ContainersReady", is_ready, reason, now),
        _condition("Ready", is_ready, reason, now),
    ]


def container_statuses(body: Body, state: Status, *, is_ready: bool) -> list[Status]:
    """All containers of a Pod in the same state."""
    return [_container(one, state, is_ready=is_ready) for one in body["spec"]["containers"]]


def _container(container: Body, state: Status, *, is_ready: bool) -> Status:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": is_ready,
        "restartCount": 0,
        "state": state,
    }


def _job(body: Body, now: str) -> Status:
    status: Body = body.get("status") or {}
    if body["spec"].get("suspend"):
        return {"conditions": [_condition("Suspended", "True", "JobSuspended", now)]}
    if any(
        condition["type"] in ("Complete", "Failed") for condition in status.get("conditions", [])
    ):
        return {}  # a finished Job is never changed again
    started = {"startTime": status.get("startTime", now), "uncountedTerminatedPods": {}, "ready": 0}
    if reason := failure_of(body):
        conditions = [
            _condition("FailureTarget", "True", "BackoffLimitExceeded", now, f"Pods: {reason}"),
            _condition("Failed", "True", "BackoffLimitExceeded", now, f"Pods: {reason}"),
        ]
        return started | {"failed": 1, "terminating": 0, "conditions": conditions}
    conditions = [
        _condition("SuccessCriteriaMet", "True", "CompletionsReached", now),
        _condition("Complete", "True", "CompletionsReached", now),
    ]
    return started | {
        "succeeded": body["spec"].get("completions") or 1,
        "terminating": 0,
        "completionTime": now,
        "conditions": conditions,
    }


WORKLOADS = (
    Workload("Deployment", "/apis/apps/v1/deployments", _deployment),
    Workload("StatefulSet", "/apis/apps/v1/statefulsets", _stateful_set),
    Workload("DaemonSet", "/apis/apps/v1/daemonsets", _daemon_set),
    Workload("ReplicaSet", "/apis/apps/v1/replicasets", _replica_set),
    Workload("Pod", "/api/v1/pods", _pod),
    Workload("Job", "/apis/batch/v1/jobs", _job),
)


def _replicas(body: Body) -> int:
    return int(body["spec"].get("replicas", 1))


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation", 0))


def failure_of(body: Body) -> str | None:
    """The reason that an object is told to fail with."""
    return (body["metadata"].get("annotations") or {}).get(FAIL_ANNOTATION)


def _condition(kind: str, status: str, reason: str, now: str, message: str = "") -> Status:
    condition = {"type": kind, "status": status, "lastTransitionTime": now}
    return (
        condition
        | ({"reason": reason} if reason else {})
        | ({"message": message} if message else {})
    )


def _is_covered(wanted: object, current: object) -> bool:
    """Whether `current` says all that `wanted` says; servers leave out zeros, and add fields."""
    if not wanted:
        return not current
    if isinstance(wanted, dict) and isinstance(current, dict):
        return all(
            name in _TIMES or _is_covered(value, current.get(name))
            for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(current, list):
        pairs = zip(wanted, current, strict=False)
        return len(wanted) == len(current) and all(_is_covered(*pair) for pair in pairs)
    return wanted == current


def _with_old_times(wanted: list[Status], current: list[Body]) -> list[Status]:
    """Keep the time of a condition whose status stays, and the times only a server knows."""
    old = {condition["type"]: condition for condition in current}
    kept: list[Status] = []
    for condition in wanted:
        before = old.get(condition["type"])
        if before is not None and before["status"] == condition["status"]:
            condition = {**before, **condition, "lastTransitionTime": before["lastTransitionTime"]}
        kept.append(condition)
    return kept
