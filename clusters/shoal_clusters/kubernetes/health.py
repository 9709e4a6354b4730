"""Health: how well a live object does, by the rules of kstatus, with a sentence that says why.

Built-in kinds have a rule each (sigs.k8s.io/cli-utils kstatus, and `kubectl rollout status` for the
wording); every other kind is judged by its conditions. No clock is read here: a deadline is the
caller's. Health speaks of a live object only; MISSING is said by who looked for it in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind
from shoal.model.masking import scrub
from shoal_clusters.kubernetes.staging import is_custom

Body = Mapping[str, Any]
HEALTHY = Health(HealthState.HEALTHY)
_LOOPING = "CrashLoopBackOff"
NO_CONDITIONS = Health(HealthState.PROGRESSING, "it has no conditions yet")
"""What a custom resource is until somebody looks at it: there may be nobody who ever does."""


def _nobody() -> Health | None:
    return None


def assess(
    body: Body,
    kind: GroupKind | None = None,
    *,
    has_status: bool = False,
    judged: Callable[[], Health | None] = _nobody,
) -> Health:
    """The health of one live object.

    `kind` is handed in for items of a LIST, which do not say it. `has_status`: the kind is a custom
    resource with a status subresource, so one without any condition has not been looked at yet.
    `judged` is asked before the rules of the kind, for an object whose controller has seen our
    change.
    """
    kind = kind or kind_of(body)
    return _shared(early(body, kind) or judged() or _by_kind(body, kind, has_status=has_status))


def early(body: Body, kind: GroupKind) -> Health | None:
    """What is true of every kind: it goes away, or says nothing yet about what was written.

    None: what else it says counts.
    """
    if (body.get("metadata") or {}).get("deletionTimestamp"):
        return _progressing(_deletion_reason(body))
    if kind.group == "apps" and "observedGeneration" not in _status(body):
        # Zero replicas are reached without anybody having looked.
        return _progressing("its controller has not looked at it yet")
    if not _is_observed(body):
        return _progressing("its controller has not seen the newest change yet")
    return None


def _by_kind(body: Body, kind: GroupKind, *, has_status: bool) -> Health:
    """The rule of the kind; conditions that say that it stalled, or works, come before it."""
    if _condition(body, "Stalled") == "True":
        return _degraded(_said(body, "Stalled", "it is stalled"))
    if _condition(body, "Reconciling") == "True":
        return _progressing(_said(body, "Reconciling", "it is being reconciled"))
    rule = _RULES.get(kind)
    if rule is not None:
        return rule(body)
    return _by_conditions(body, has_status=has_status and is_custom(kind))


def kind_of(body: Body) -> GroupKind:
    """The kind that a body says it is."""
    group, slash, _ = str(body.get("apiVersion", "")).rpartition("/")
    return GroupKind(group if slash else "", str(body.get("kind", "")))


def _deployment(body: Body) -> Health:
    spec, status = _spec(body), _status(body)
    if spec.get("paused"):
        return _progressing("the rollout is paused")
    if _reason(body, "Progressing") == "ProgressDeadlineExceeded":
        ready = f"{_number(status, 'availableReplicas')} of {_wanted(spec)} replicas are available"
        return _degraded(f"the rollout made no progress within its deadline; {ready}")
    if _condition(body, "ReplicaFailure") == "True":
        return _degraded(_said(body, "ReplicaFailure", "replicas cannot be created"))
    return _replicas(
        wanted=_wanted(spec),
        total=_number(status, "replicas"),
        counts=(
            ("updated", _number(status, "updatedReplicas")),
            ("ready", _number(status, "readyReplicas")),
            ("available", _number(status, "availableReplicas")),
        ),
    )


def _replica_set(body: Body) -> Health:
    spec, status = _spec(body), _status(body)
    if _condition(body, "ReplicaFailure") == "True":
        return _degraded(_said(body, "ReplicaFailure", "replicas cannot be created"))
    return _replicas(
        wanted=_wanted(spec),
        total=_number(status, "replicas"),
        counts=(
            ("ready", _number(status, "readyReplicas")),
            ("available", _number(status, "availableReplicas")),
        ),
    )


def _stateful_set(body: Body) -> Health:
    spec, status = _spec(body), _status(body)
    strategy = spec.get("updateStrategy") or {}
    wanted = _wanted(spec)
    ready = _replicas(
        wanted=wanted,
        total=_number(status, "replicas"),
        counts=(("ready", _number(status, "readyReplicas")),),
    )
    if ready != HEALTHY or strategy.get("type") == "OnDelete":
        return ready
    updated = _number(status, "updatedReplicas")
    partition = _number(strategy.get("rollingUpdate") or {}, "partition")
    if partition:
        due = max(wanted - partition, 0)
        return HEALTHY if updated >= due else _count(updated, due, "updated")
    if status.get("currentRevision") != status.get("updateRevision"):
        return _count(updated, wanted, "updated")
    return HEALTHY


def _daemon_set(body: Body) -> Health:
    status = _status(body)
    wanted = _number(status, "desiredNumberScheduled")
    counts = [("scheduled", "currentNumberScheduled")]
    if (_spec(body).get("updateStrategy") or {}).get("type") != "OnDelete":
        counts.append(("updated", "updatedNumberScheduled"))
    counts += [("ready", "numberReady"), ("available", "numberAvailable")]
    for word, name in counts:
        if _number(status, name) < wanted:
            return _progressing(f"{_number(status, name)} of {wanted} pods are {word}")
    return HEALTHY


def _pod(body: Body) -> Health:
    phase = _status(body).get("phase", "Pending")
    if phase == "Succeeded":
        return HEALTHY
    if phase == "Failed":
        return _degraded(_message(_status(body), "it failed"))
    if phase == "Running" and _condition(body, "Ready") == "True":
        return HEALTHY
    looping = _crash_looping(body)
    if looping:
        return _degraded(looping)
    if _condition(body, "PodScheduled") == "False":
        return _progressing(_said(body, "PodScheduled", "no node was found for it yet"))
    waiting = _waiting_containers(body)
    if waiting:
        return _progressing(waiting)
    return _progressing("it is running and not ready" if phase == "Running" else "it is starting")


def _crash_looping(body: Body) -> str:
    """The containers that end again and again: `container app waits: CrashLoopBackOff`."""
    statuses = _status(body).get("containerStatuses")
    for container in statuses if isinstance(statuses, list) else ():
        if ((container.get("state") or {}).get("waiting") or {}).get("reason") == _LOOPING:
            return f"container {container.get('name')} waits: {_LOOPING}"
    return ""


def _waiting_containers(body: Body) -> str:
    """The first container that waits, and for what: `container app waits: ImagePullBackOff`."""
    status = _status(body)
    for part in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(part) or ():
            reason = ((container.get("state") or {}).get("waiting") or {}).get("reason")
            if reason:
                return f"container {container.get('name')} waits: {reason}"
    return ""


def _job(body: Body) -> Health:
    """Stricter than kstatus, which is content with a start: what waits for a Job needs its end."""
    if _condition(body, "Failed") == "True":
        return _degraded(_said(body, "Failed", "it failed"))
    if _condition(body, "Complete") == "True":
        return HEALTHY
    if _condition(body, "Suspended") == "True":
        return _progressing("it is suspended")
    spec, status = _spec(body), _status(body)
    if not status.get("startTime"):
        return _progressing("it has not started yet")
    wanted, done = spec.get("completions", 1), _number(status, "succeeded")
    return _progressing(f"{done} of {wanted} completions are done")


def _service(body: Body) -> Health:
    if _spec(body).get("type") != "LoadBalancer":
        return HEALTHY
    if (_status(body).get("loadBalancer") or {}).get("ingress"):
        return HEALTHY
    return _progressing("the load balancer has no address yet")


def _ingress(body: Body) -> Health:
    """kstatus calls every Ingress current: many controllers never write an address."""
    return HEALTHY


def _claim(body: Body) -> Health:
    phase = _status(body).get("phase", "Pending")
    if phase == "Bound":
        return HEALTHY
    if phase == "Lost":
        return _degraded("its volume is lost")
    return _progressing("no volume is bound to it yet")


def _budget(body: Body) -> Health:
    status = _status(body)
    have, want = _number(status, "currentHealthy"), _number(status, "desiredHealthy")
    if have >= want:
        return HEALTHY
    return _progressing(f"{have} of {want} pods are healthy")


def _crd(body: Body) -> Health:
    if _condition(body, "NamesAccepted") == "False":
        return _degraded(_said(body, "NamesAccepted", "its names are taken"))
    if _condition(body, "Established") == "True":
        return HEALTHY
    if _condition(body, "Established") == "False" and _reason(body, "Established") != "Installing":
        return _degraded(_said(body, "Established", "it cannot be established"))
    return _progressing("it is not established yet")


def _namespace(body: Body) -> Health:
    if _status(body).get("phase", "Active") == "Active":
        return HEALTHY
    return _progressing(_deletion_reason(body))


def left_in_namespace(body: Body) -> str:
    """What the namespace controller says stands in the way of the end of a Namespace."""
    for name in _NAMESPACE_REMAINS:
        if _condition(body, name) == "True":
            return f": {_said(body, name, name)}"
    return ""


def _api_service(body: Body) -> Health:
    if _condition(body, "Available") == "True":
        return HEALTHY
    return _progressing(_said(body, "Available", "it is not available yet"))


def _autoscaler(body: Body) -> Health:
    if _condition(body, "AbleToScale") == "False":
        return _degraded(_said(body, "AbleToScale", "it cannot scale its target"))
    if _condition(body, "ScalingActive") == "False" and _reason(body, "ScalingActive") not in (
        "ScalingDisabled",  # its target has zero replicas: somebody switched it off
        "FailedGetResourceMetric",  # metrics come some time after the pods
    ):
        return _degraded(_said(body, "ScalingActive", "it cannot read its metrics"))
    return HEALTHY


def _by_conditions(body: Body, *, has_status: bool) -> Health:
    """Every other kind, by the condition that Kubernetes' API conventions name."""
    ready = _condition(body, "Ready")
    if ready == "True":
        return HEALTHY
    if ready is not None:
        # Not degraded: Ready=False is also what a controller says while it works.
        return _progressing(_said(body, "Ready", "it is not ready"))
    if has_status and not _status(body).get("conditions"):
        return NO_CONDITIONS
    return HEALTHY


# The most telling first: what has only been asked to go is waited for in any case.
_NAMESPACE_REMAINS = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)

_RULES: Mapping[GroupKind, Callable[[Body], Health]] = {
    GroupKind("apps", "Deployment"): _deployment,
    GroupKind("apps", "ReplicaSet"): _replica_set,
    GroupKind("", "ReplicationController"): _replica_set,
    GroupKind("apps", "StatefulSet"): _stateful_set,
    GroupKind("apps", "DaemonSet"): _daemon_set,
    GroupKind("", "Pod"): _pod,
    GroupKind("batch", "Job"): _job,
    GroupKind("batch", "CronJob"): lambda body: HEALTHY,
    GroupKind("", "Service"): _service,
    GroupKind("networking.k8s.io", "Ingress"): _ingress,
    GroupKind("", "PersistentVolumeClaim"): _claim,
    GroupKind("policy", "PodDisruptionBudget"): _budget,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    GroupKind("", "Namespace"): _namespace,
    GroupKind("apiregistration.k8s.io", "APIService"): _api_service,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
}


def _replicas(*, wanted: int, total: int, counts: tuple[tuple[str, int], ...]) -> Health:
    """Healthy when every count reaches what is wanted and nothing more is there."""
    for word, have in counts:
        if have < wanted:
            return _count(have, wanted, word)
    if total > wanted:
        return _progressing(f"{total - wanted} old replicas have yet to end")
    return HEALTHY


def _count(have: int, wanted: int, word: str) -> Health:
    return _progressing(f"{have} of {wanted} replicas are {word}")


def _is_observed(body: Body) -> bool:
    seen = _status(body).get("observedGeneration")
    generation = (body.get("metadata") or {}).get("generation")
    return not isinstance(seen, int) or not isinstance(generation, int) or seen >= generation


def _deletion_reason(body: Body) -> str:
    finalizers = (body.get("metadata") or {}).get("finalizers") or ()
    waits = f" and waits for {', '.join(map(str, finalizers))}" if finalizers else ""
    return f"it is being deleted{waits}{left_in_namespace(body)}"


# It is remembered of every object, and most say one of a few things.
@lru_cache(maxsize=512)
def _shared(health: Health) -> Health:
    return health


def _progressing(reason: str) -> Health:
    return Health(HealthState.PROGRESSING, reason)


def _degraded(reason: str) -> Health:
    return Health(HealthState.DEGRADED, reason)


def _spec(body: Body) -> Body:
    return body.get("spec") or {}


def _status(body: Body) -> Body:
    return body.get("status") or {}


def _number(part: Body, name: str) -> int:
    value = part.get(name)
    return value if isinstance(value, int) else 0


def _wanted(spec: Body) -> int:
    value = spec.get("replicas")
    return value if isinstance(value, int) else 1


def _found(body: Body, name: str) -> Body:
    conditions = _status(body).get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, Mapping) and condition.get("type") == name:
            return condition
    return {}


def _condition(body: Body, name: str) -> str | None:
    """`True`, `False` or `Unknown`; None when the condition is not there."""
    return _found(body, name).get("status")


def _reason(body: Body, name: str) -> str:
    return str(_found(body, name).get("reason") or "")


def _said(body: Body, name: str, otherwise: str) -> str:
    return _message(_found(body, name), otherwise)


def _message(part: Body, otherwise: str) -> str:
    """The controller's own words, scrubbed and cut; `otherwise` where it has none."""
    text = scrub(str(part.get("message") or part.get("reason") or ""))
    return text or otherwise
