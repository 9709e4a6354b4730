"""Explaining: which cause a person needs, from what stands around an object that is not healthy.

A Deployment says "0 of 2 replicas are available"; why, its pods, its newest ReplicaSet or an event
know. Here is decided what to look at and which of several causes to name: the one that is worst and
that somebody can act on. Reads bodies that are handed in; `investigating` fetches them. Messages
come from controllers and kubelets and pass the masks; what containers printed is never shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from shoal.model.identity import GroupKind
from shoal.model.masking import cut, scrub

Body = Mapping[str, Any]

DEPLOYMENT = GroupKind("apps", "Deployment")
POD = GroupKind("", "Pod")
WITH_PODS = frozenset(
    {
        DEPLOYMENT,
        GroupKind("apps", "ReplicaSet"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("batch", "Job"),
        GroupKind("", "ReplicationController"),
    }
)
"""Kinds whose pods tell the cause."""
WITH_EVENTS = frozenset(
    {
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("", "Service"),
        GroupKind("networking.k8s.io", "Ingress"),
    }
)
"""Kinds about which only events tell the cause."""
EXPLAINABLE = WITH_PODS | WITH_EVENTS | {POD}

_OPERATORS = {"Exists": "{key}", "DoesNotExist": "!{key}"}
_SETS = {"In": "{key} in ({values})", "NotIn": "{key} notin ({values})"}
# Waiting for these is part of every start; what holds them up, events tell.
_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})
# A cluster that grows by itself has another node by then.
_NODE_SECONDS = 180.0
_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


class Rank(IntEnum):
    """How much a finding tells, the worst first."""

    BROKEN = 0
    UNSCHEDULED = 1
    NOT_READY = 2
    STARTING = 3


class Finding(NamedTuple):
    """What one pod says. `is_final`: no event would tell more.

    `blocks_after` are the seconds after which it is in the way for good; None: it never is.
    """

    rank: Rank
    pod: str
    text: str
    uid: str = ""
    blocks_after: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether this is the cause itself, and not only where to look for it."""
        return self.rank in (Rank.BROKEN, Rank.UNSCHEDULED)


class Warned(NamedTuple):
    """What the newest warning about an object says, and when it was last given."""

    text: str = ""
    at: str = ""


class Cause(NamedTuple):
    """Why an object is not healthy, as one look found it; the text is empty when nothing was found.

    `blocks_after` is that of the finding. `warned_at` is set where all that says that something is
    in the way is a warning.
    """

    text: str = ""
    blocks_after: float | None = None
    warned_at: str = ""

    def stands(self, seconds: float) -> bool:
        """Whether this is in the way, when it has been looked for this long."""
        return self.blocks_after is not None and seconds >= self.blocks_after


NOTHING_FOUND = Cause()


def is_blocked(found: Cause, before: Cause, *, was_blocked: bool, seconds: float) -> bool:
    """Whether something is in the way, after a look and the one before it.

    It takes two looks that agree to say so, and two to take it back: a registry that hiccups is no
    news. A warning counts when it was given again between two looks.
    """
    if found.warned_at:
        is_repeated = found.warned_at > before.warned_at
        return bool(before.warned_at) and (was_blocked or is_repeated)
    stands = found.stands(seconds)
    return stands if stands == before.stands(seconds) else was_blocked


def pod_selector(body: Body) -> str:
    """The label selector of the pods of a workload, as a list request takes it; empty: none."""
    selector = (body.get("spec") or {}).get("selector")
    if not isinstance(selector, Mapping):
        return ""
    is_plain = "matchLabels" not in selector and "matchExpressions" not in selector
    labels = selector if is_plain else selector.get("matchLabels") or {}
    parts = [f"{key}={value}" for key, value in labels.items()]
    for one in () if is_plain else selector.get("matchExpressions") or ():
        form = {**_OPERATORS, **_SETS}.get(one.get("operator"), "")
        parts.append(form.format(key=one.get("key"), values=",".join(one.get("values") or ())))
    return ",".join(part for part in parts if part)


def newest_replica_set(replica_sets: Sequence[Body], uid: str) -> Body | None:
    """The ReplicaSet of the newest revision of the Deployment with this uid."""
    return max(owned_by(replica_sets, uid), key=_revision, default=None)


def with_hash(selector: str, replica_set: Body) -> str:
    """The selector narrowed to the pods of one ReplicaSet."""
    value = (_metadata(replica_set).get("labels") or {}).get(_HASH)
    return f"{selector},{_HASH}={value}" if value else selector


def owned_by(bodies: Iterable[Body], uid: str) -> list[Body]:
    """Those whose controller has this uid."""
    return [
        body
        for body in bodies
        if any(
            owner.get("uid") == uid and owner.get("controller")
            for owner in _metadata(body).get("ownerReferences") or ()
        )
    ]


def replica_failure(replica_set: Body) -> str:
    """Why no pod could be made (quota, a webhook, a policy); empty when pods can be made."""
    for condition in _conditions(replica_set):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return f"no pod can be made: {_said(condition)}"
    return ""


def worst_of(pods: Sequence[Body]) -> Finding | None:
    """The finding that tells most, with how many other pods have the like; None: all are well."""
    found = sorted(
        (one for pod in pods if (one := finding(pod)) is not None), key=lambda one: one.rank
    )
    if not found:
        return None
    alike = sum(each.rank == found[0].rank for each in found) - 1
    others = f" (and {alike} more {'pod' if alike == 1 else 'pods'})" if alike else ""
    return found[0]._replace(text=found[0].text + others)


def finding(pod: Body) -> Finding | None:
    """What keeps one pod from being ready; None when nothing does."""
    metadata, status = _metadata(pod), pod.get("status") or {}
    name, uid, phase = str(metadata.get("name")), str(metadata.get("uid")), status.get("phase")
    if phase == "Succeeded" or metadata.get("deletionTimestamp"):
        return None
    for container in _containers(status):
        broken, blocks_after = _broken(container)
        if broken:
            text = f"container {container.get('name')} of pod {name}: {broken}"
            return Finding(Rank.BROKEN, name, text, uid, blocks_after)
    if phase == "Failed":
        return Finding(Rank.BROKEN, name, f"pod {name} failed: {_said(status)}", uid)
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        # The scheduler's words hold no values, and what stands in braces are taints.
        text = f"pod {name} has no node: {cut(str(scheduled.get('message') or ''))}"
        return Finding(Rank.UNSCHEDULED, name, text, uid, _NODE_SECONDS)
    if phase == "Running":
        if _condition(pod, "Ready").get("status") == "True":
            return None
        return Finding(Rank.NOT_READY, name, f"pod {name} runs and is not ready", uid)
    return Finding(Rank.STARTING, name, f"pod {name} has not started yet", uid)


def newest_warning(events: Sequence[Body]) -> Warned:
    """What the newest event of the type Warning says; empty when there is none."""
    warnings = [event for event in events if event.get("type", "Warning") == "Warning"]
    newest = max(warnings, key=_event_time, default=None)
    if newest is None:
        return Warned()
    reason, message = str(newest.get("reason") or ""), scrub(str(newest.get("message") or ""))
    return Warned(f"{reason}: {message}" if message else reason, _event_time(newest))


def _broken(container: Body) -> tuple[str, float | None]:
    """Why a container cannot run, or ran and fell, and after how many seconds that blocks.

    Empty when it runs, or is only starting. One that fell is started again: once, that is nothing.
    """
    state, last = container.get("state") or {}, container.get("lastState") or {}
    waiting = state.get("waiting") or {}
    reason = str(waiting.get("reason") or "")
    if reason == "CrashLoopBackOff":
        return f"CrashLoopBackOff, {_ended(last.get('terminated') or {})}", 0.0
    if waiting and reason not in _STARTING:
        message = scrub(str(waiting.get("message") or ""))
        return (f"{reason}: {message}" if message else reason), 0.0
    ended = state.get("terminated") or {}
    if ended.get("exitCode"):
        return _ended(ended), None
    return "", None


def _ended(terminated: Body) -> str:
    """How a container ended; what it printed last may hold anything, and is left out."""
    reason, code = terminated.get("reason"), terminated.get("exitCode")
    if reason == "OOMKilled":
        return "it was killed because it needs more memory than its limit (OOMKilled)"
    if code is None:
        return "it ends again and again"
    word = f" ({reason})" if reason and reason != "Error" else ""
    return f"it ends with exit code {code}{word}"


def _containers(status: Body) -> Iterator[Body]:
    for part in ("initContainerStatuses", "containerStatuses"):
        yield from (each for each in status.get(part) or () if isinstance(each, Mapping))


def _conditions(body: Body) -> Iterator[Body]:
    conditions = (body.get("status") or {}).get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, Mapping):
            yield condition


def _condition(body: Body, name: str) -> Body:
    return next((each for each in _conditions(body) if each.get("type") == name), {})


def _said(part: Body) -> str:
    return scrub(str(part.get("message") or part.get("reason") or "it does not say why"))


def _metadata(body: Body) -> Body:
    return body.get("metadata") or {}


def _revision(replica_set: Body) -> tuple[int, str]:
    metadata = _metadata(replica_set)
    text = str((metadata.get("annotations") or {}).get(_REVISION) or "")
    return int(text) if text.isdecimal() else 0, str(metadata.get("creationTimestamp") or "")


def _event_time(event: Body) -> str:
    """RFC 3339 sorts as text; the three places stand for three generations of the API."""
    series = event.get("series") or {}
    times = (
        *(series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")),
        _metadata(event).get("creationTimestamp"),
    )
    return str(next((time for time in times if time), ""))
