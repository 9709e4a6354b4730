"""Applying one object: the requests that lead from a change to a result, and none that could harm.

What is not known to be ours is created or left alone; what is ours is applied to exactly that
object, by uid. Only when the API server says that something else is there is one GET sent, and its
owner decides: ourselves (a create whose answer was lost), or somebody else, who is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from opentelemetry.trace import get_current_span

from shoal.errors import (
    InvalidObject,
    MissingApi,
    MissingNamespace,
    OwnershipConflict,
    ServerBusy,
    ShoalError,
)
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Change, Owned, OwnedState, Result, ResultStatus
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.kubernetes.baselines import Baseline, decode
from shoal_clusters.kubernetes.comparing import Comparer
from shoal_clusters.kubernetes.discovering import Discovery, Resource
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.preparing import PreparedObject, content_without
from shoal_clusters.kubernetes.register import Register
from shoal_clusters.kubernetes.requesting import apply_created, apply_owned, read
from shoal_clusters.transport import Answer, Transport

_TRIES = 4
"""Times one change asks again because somebody wrote in between; then it is the next sync's."""

Granted = Callable[[], bool]


class Watcher(Protocol):
    """Starts the watch of a resource that has just become ours."""

    def __call__(self, resource: Resource, since: str) -> None:
        """Watch from this resourceVersion on; does nothing when it is watched already."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What writing and pruning share: one of each per session."""

    transport: Transport
    discovery: Discovery
    register: Register
    observer: Observer
    comparer: Comparer
    watch: Watcher

    def refusal(self, answer: Answer, key: ObjectKey, verb: str) -> ShoalError:
        """The error that an answer stands for."""
        return meaning(
            answer.status,
            answer.body,
            key=key,
            cluster=self.transport.cluster,
            verb=verb,
            retry_after=answer.after_seconds,
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """A write that succeeded: its result, and the live object of the response."""

    result: Result
    live: Mapping[str, Any]


async def write(
    tools: Tools, change: Change, prepared: PreparedObject, target: TargetKey, granted: Granted
) -> Applied | Result:
    """Carry out one create, update or correction. Raises only what concerns the whole cluster."""
    served_as = _served_as(prepared)
    resource = (await tools.discovery.current()).resource(*served_as)
    resource = resource or (await tools.discovery.refreshed()).resource(*served_as)
    if resource is None:
        return ended(change, _not_served(tools, prepared))
    tools.observer.write_began(change.key)
    try:
        answer = await _settle(tools, resource, change, prepared, target, granted)
        if not isinstance(answer, Answer):
            return answer
        return _confirm(tools, resource, change, prepared, target, answer)
    finally:
        tools.observer.write_ended(change.key)


def ended(change: Change, error: ShoalError) -> Result:
    """The result of a change that met an error: waiting for a fact, or failed."""
    is_waiting = isinstance(error, (MissingNamespace, MissingApi))
    status = ResultStatus.WAITING if is_waiting else ResultStatus.FAILED
    return Result(change.key, change.action, status, error=error)


def revoked(change: Change) -> Result:
    """The result of a change whose grant no longer stands."""
    return Result(change.key, change.action, ResultStatus.REVOKED)


async def _settle(
    tools: Tools,
    resource: Resource,
    change: Change,
    prepared: PreparedObject,
    target: TargetKey,
    granted: Granted,
) -> Answer | Result:
    """Send until the answer is a success, a refusal, or somebody else's object."""
    key = change.key
    row = tools.register.row(key)
    body = _body(prepared, row)
    uid = _known_uid(tools, row)
    for _ in range(_TRIES):
        if not granted():
            return revoked(change)
        _trace_reaction(tools, key)
        if uid:
            answer = await apply_owned(tools.transport, resource, key, body, uid)
            if answer.status in (200, 201):
                return answer
            if _says_gone(answer):
                uid = ""
                continue
            is_taken = answer.status == 409 or _says_other_uid(answer)
        else:
            answer = await apply_created(tools.transport, resource, key, body)
            if answer.status == 201:
                return answer
            is_taken = answer.status in (200, 409)
        if not is_taken:
            return ended(change, _refused(tools, answer, change))
        found = await read(tools.transport, resource, key)
        if found.status == 404:
            uid = ""
            continue
        if found.status != 200:
            return ended(change, tools.refusal(found, key, "get"))
        live = orjson.loads(found.body)
        owner = _stranger(tools, live, row, key, target)
        if owner is not None:
            return ended(change, _conflict(tools, key, target, owner))
        uid = str(live["metadata"]["uid"])
    busy = f"{tools.transport.cluster}: {key} is written by somebody else again and again"
    return ended(change, ServerBusy(busy))


def _trace_reaction(tools: Tools, key: ObjectKey) -> None:
    """Tell the trace how long after the arrival of the watch event its correction departs."""
    seconds = tools.observer.seconds_since_drift(key)
    if seconds is not None:
        facts = {"shoal.object": str(key), "shoal.drift.reaction_seconds": seconds}
        get_current_span().add_event("correction departs", facts)


def _confirm(
    tools: Tools,
    resource: Resource,
    change: Change,
    prepared: PreparedObject,
    target: TargetKey,
    answer: Answer,
) -> Applied:
    live = orjson.loads(answer.body)
    before = tools.register.row(change.key)
    row = tools.comparer.confirmed(
        target,
        change.key,
        live,
        desired=prepared.body,
        desired_digest=prepared.digest,
    )
    version = str(live["metadata"]["resourceVersion"])
    is_same = answer.status == 200 and version in _versions(tools, before)
    tools.observer.written(row, live)
    tools.watch(resource, version)
    status = ResultStatus.UNCHANGED if is_same else ResultStatus.APPLIED
    return Applied(Result(change.key, change.action, status, owned=row), live)


def _versions(tools: Tools, row: Owned | None) -> tuple[str, ...]:
    """The resourceVersions that the object was last known to have."""
    if row is None:
        return ()
    baseline = decode(row.baseline)
    seen = tools.register.version(row.key)
    return (seen, baseline.resource_version) if baseline else (seen,)


def _served_as(prepared: PreparedObject) -> tuple[str, str, str]:
    version = prepared.api_version.rpartition("/")[2]
    return prepared.key.group, version, prepared.key.kind


def _body(prepared: PreparedObject, row: Owned | None) -> Mapping[str, Any]:
    """What is sent: without `spec.replicas` where that belongs to who scales the object."""
    baseline: Baseline | None = decode(row.baseline) if row else None
    if baseline is None or not baseline.is_scaled:
        return prepared.body
    body: Mapping[str, Any] = orjson.loads(content_without(prepared, ("spec", "replicas")))
    return body


def _known_uid(tools: Tools, row: Owned | None) -> str:
    """The uid to apply to; empty when the object is not there as far as we know."""
    if row is None:
        return ""
    drift = tools.register.drifted.get(row.key)
    return "" if drift is not None and drift.missing else row.uid


def _says_gone(answer: Answer) -> bool:
    """Whether a 409 says that no object has the uid (kube-apiserver: endpoints/handlers/patch)."""
    return answer.status == 409 and b"no existing object was found" in answer.body


def _says_other_uid(answer: Answer) -> bool:
    """Whether a 422 says that another object has the name, in whatever order of causes."""
    if answer.status != 422:
        return False
    details = orjson.loads(answer.body).get("details") or {}
    return any(cause.get("field") == "metadata.uid" for cause in details.get("causes") or ())


def _stranger(
    tools: Tools, live: Mapping[str, Any], row: Owned | None, key: ObjectKey, target: TargetKey
) -> str | None:
    """Who owns a live object, when it is not this target."""
    row = row or Owned(target, key, "", "", "", b"", OwnedState.INTENDED)
    verdict = tools.comparer.compare(live, row, is_event=False)
    return verdict.owner if isinstance(verdict, comparing.NotOurs) else None


def _conflict(tools: Tools, key: ObjectKey, target: TargetKey, owner: str) -> OwnershipConflict:
    return OwnershipConflict(
        f"{tools.transport.cluster}: {key} is there already and belongs to {owner}, "
        f"not to application {target.application}; it was left untouched",
        next_step="delete it, or remove it from the application's manifests",
    )


def _refused(tools: Tools, answer: Answer, change: Change) -> ShoalError:
    error = tools.refusal(answer, change.key, "patch")
    if change.key[:2] == ("batch", "Job") and isinstance(error, InvalidObject):
        error.next_step = (
            "a Job's template cannot change; give the Job another name, or delete it in the cluster"
        )
    return error


def _not_served(tools: Tools, prepared: PreparedObject) -> MissingApi:
    return MissingApi(
        f"{tools.transport.cluster}: {prepared.key} ({prepared.origin}): "
        f"{prepared.api_version} {prepared.key.kind} is not served",
        next_step="it is tried again when the cluster serves it",
    )
