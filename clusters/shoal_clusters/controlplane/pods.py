"""What becomes of a Pod on a node, where controllers are real: pure functions.

A Pod runs and is ready at once. One of a Job ends well at once. One that has, or whose controller
has, the annotation `simulator.shoal.dev/fail` when it starts never becomes ready, and of a Job it
fails; so a Deployment that is annotated fails with and without real controllers. Carried out by
`node_simulator`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from shoal_clusters.controlplane.workloads import (
    Body,
    Status,
    Workload,
    container_statuses,
    failure_of,
    missing_status,
    pod_conditions,
    pod_status,
)

NODE = "node-1"
NODE_LABELS = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
_SCHEDULER = "default-scheduler"
_CONTROLLERS: Mapping[str, str] = {
    "ReplicaSet": "/apis/apps/v1/{namespaces}/replicasets",
    "StatefulSet": "/apis/apps/v1/{namespaces}/statefulsets",
    "DaemonSet": "/apis/apps/v1/{namespaces}/daemonsets",
    "Job": "/apis/batch/v1/{namespaces}/jobs",
}


def waits_for_a_node(pod: Body) -> bool:
    """Whether the scheduler's turn has come; gates hold a Pod back until somebody lifts them."""
    spec = pod["spec"]
    return (
        "deletionTimestamp" not in pod["metadata"]
        and not spec.get("nodeName")
        and not spec.get("schedulingGates")
        and spec.get("schedulerName", _SCHEDULER) == _SCHEDULER
    )


def waits_to_be_removed(pod: Body) -> bool:
    """Whether a kubelet would end its containers now, and then remove it."""
    metadata = pod["metadata"]
    is_ours = pod["spec"].get("nodeName") == NODE
    # Zero: the kubelet has said its part, and only finalizers keep the Pod.
    return is_ours and bool(metadata.get("deletionGracePeriodSeconds"))


def controller_path(pod: Body) -> str | None:
    """Where the controller is read that may say how this Pod fares, None when nothing can."""
    is_starting = (pod.get("status") or {}).get("phase", "Pending") == "Pending"
    owner = _controller(pod)
    if not is_starting or owner is None or owner["kind"] not in _CONTROLLERS:
        return None
    namespaces = f"namespaces/{pod['metadata']['namespace']}"
    return f"{_CONTROLLERS[owner['kind']].format(namespaces=namespaces)}/{owner['name']}"


def missing_pod_status(pod: Body, controller: Body | None, now: str) -> Status | None:
    """What must be patched into the status of a Pod on the node, None when it is as it should."""
    if pod["spec"].get("nodeName") != NODE:
        return None
    reason = failure_of(pod) or (failure_of(controller) if controller is not None else None)
    return missing_status(Workload("Pod", "/api/v1/pods", _decision(reason)), pod, now)


def node_status(now: str) -> Status:
    """A node that is ready and never full."""
    quantities = {"cpu": "256", "memory": "1Ti", "ephemeral-storage": "10Ti", "pods": "10000"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    return {
        "capacity": quantities,
        "allocatable": quantities,
        "addresses": [{"type": "Hostname", "address": NODE}],
        "conditions": [{**ready, "lastHeartbeatTime": now, "lastTransitionTime": now}],
    }


def _decision(reason: str | None) -> Callable[[Body, str], Status]:
    def decide(pod: Body, now: str) -> Status:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return {}  # a Pod that ended is never changed again
        address = {"podIP": _address(pod), "podIPs": [{"ip": _address(pod)}]}
        return _status(pod, reason, now) | address | {"hostIP": "127.0.0.1"}

    return decide


def _status(pod: Body, reason: str | None, now: str) -> Status:
    owner = _controller(pod)
    if owner is not None and owner["kind"] == "Job":
        return _ended(pod, reason, now)
    return pod_status(pod, reason, now) | {"startTime": now}


def _ended(pod: Body, reason: str | None, now: str) -> Status:
    ended = {
        "exitCode": 1 if reason else 0,
        "reason": reason or "Completed",
        "startedAt": now,
        "finishedAt": now,
    }
    return {
        "phase": "Failed" if reason else "Succeeded",
        "startTime": now,
        "conditions": pod_conditions("False", "PodFailed" if reason else "PodCompleted", now),
        "containerStatuses": container_statuses(pod, {"terminated": ended}, is_ready=False),
    }


def _controller(pod: Body) -> Mapping[str, str] | None:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _address(pod: Body) -> str:
    """An address of its own, as EndpointSlices need one."""
    digest = hashlib.sha256(pod["metadata"]["uid"].encode()).digest()
    return f"10.244.{digest[0]}.{1 + digest[1] % 254}"
