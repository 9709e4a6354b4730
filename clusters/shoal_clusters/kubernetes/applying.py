"""Applying one object: the requests that lead from a change to a result, and none that could harm.

What is not known to be ours is created or left alone; what is ours, by its row or by the marks that
a list showed, is applied to exactly that object, by uid. Only when the API server says that
something else is there is one GET sent, and its owner decides: ourselves (a create whose answer was
lost), or somebody else, who is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from shoal.model.plans import Action, Change, Owned, OwnedState, Result, ResultStatus
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.kubernetes.claiming import Believed, believed, found, is_targeted
from shoal_clusters.kubernetes.comparing import Comparer
from shoal_clusters.kubernetes.discovering import Discovery, Resource
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.preparing import PreparedObject, opened_without
from shoal_clusters.kubernetes.register import Register
from shoal_clusters.kubernetes.requesting import apply_created, apply_owned, look
from shoal_clusters.kubernetes.surveying import Watches
from shoal_clusters.transport import Answer, Transport

_TRIES = 4
"""Times one change asks again because somebody wrote in between; then it is the next sync's."""
_REPLICAS = ("spec", "replicas")
"""Not sent where the number belongs to who scales the object."""

Granted = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Tools:
    """What writing and pruning share: one of each per session."""

    transport: Transport
    discovery: Discovery
    register: Register
    observer: Observer
    comparer: Comparer
    watches: Watches

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
    served_as = prepared.served_as
    resource = (await tools.discovery.current()).resource(*served_as)
    resource = resource or (await tools.discovery.refreshed()).resource(*served_as)
    if resource is None:
        return ended(change, _not_served(tools, prepared))
    if change.action is Action.CREATE:
        await tools.watches.surveyed(resource, change.key.namespace)
    else:
        tools.watches.begin(resource, change.key.namespace)
    tools.observer.write_began(change.key, resource.version)
    try:
        settled = await _settle(tools, resource, change, prepared, target, granted)
        if isinstance(settled, Result):
            return settled
        answer, there = settled
        return confirm(tools, change, prepared, target, answer, there.versions)
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
) -> tuple[Answer, Believed] | Result:
    """Send until the answer is a success, a refusal, or somebody else's object."""
    key = change.key
    there = believed(tools.register, key, target)
    for _ in range(_TRIES):
        if not granted():
            return revoked(change)
        _trace_reaction(tools, key)
        answer = await _send(tools, resource, prepared, there)
        if answer.status == 201 or (answer.status == 200 and there.uid):
            return answer, there
        if there.uid and _says_gone(answer):
            there = Believed(is_scaled=there.is_scaled)
            continue
        if not _says_taken(answer, there):
            return ended(change, _refused(tools, answer, change))
        looked = await look(tools.transport, resource, key)
        if looked.status == 404:
            there = Believed(is_scaled=there.is_scaled)
            continue
        if looked.status != 200:
            return ended(change, tools.refusal(looked, key, "get"))
        live = orjson.loads(looked.body)
        owner = _stranger(tools, live, key, target)
        if owner is not None:
            return ended(change, _conflict(tools, key, target, owner))
        there = found(live)
    busy = f"{tools.transport.cluster}: {key} is written by somebody else again and again"
    return ended(change, ServerBusy(busy))


def _trace_reaction(tools: Tools, key: ObjectKey) -> None:
    """Tell the trace how long after the arrival of the watch event its correction departs."""
    seconds = tools.observer.seconds_since_drift(key)
    if seconds is not None:
        facts: dict[str, str | float] = {
            "shoal.object": str(key),
            "shoal.drift.reaction_seconds": seconds,
        }
        get_current_span().add_event("correction departs", facts)


async def _send(
    tools: Tools, resource: Resource, prepared: PreparedObject, there: Believed
) -> Answer:
    """One apply: to the object that is there, or to none."""
    opened = opened_without(prepared, _REPLICAS) if there.is_scaled else prepared.opened
    if there.uid:
        return await apply_owned(tools.transport, resource, prepared.key, opened, there.uid)
    return await apply_created(tools.transport, resource, prepared.key, opened)


def confirm(
    tools: Tools,
    change: Change,
    prepared: PreparedObject,
    target: TargetKey,
    answer: Answer,
    versions: Sequence[str],
) -> Applied:
    """The write succeeded: the row of its response. One of `versions` says that it changed none."""
    live = orjson.loads(answer.body)
    row = tools.comparer.confirmed(
        target,
        change.key,
        live,
        desired=lambda: prepared.body,
        desired_digest=prepared.digest,
        is_targeted=is_targeted(tools.register.row(change.key)),
    )
    is_same = answer.status == 200 and live["metadata"]["resourceVersion"] in versions
    tools.observer.written(row, live)
    status = ResultStatus.UNCHANGED if is_same else ResultStatus.APPLIED
    return Applied(Result(change.key, change.action, status, owned=row), live)


def _says_taken(answer: Answer, there: Believed) -> bool:
    """Whether something is there that is not what was believed; a create that says 200 is one."""
    if not there.uid:
        return answer.status in (200, 409)
    return answer.status == 409 or _says_other_uid(answer)


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
    tools: Tools, live: Mapping[str, Any], key: ObjectKey, target: TargetKey
) -> str | None:
    """Who owns a live object, when it is not this target."""
    row = tools.register.row(key) or Owned(target, key, "", "", "", b"", OwnedState.INTENDED)
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
