"""Applying one object: the requests that lead from a change to a result, and none that could harm.

What is not known to be ours is created or left alone; what is ours, by its row or by the marks that
a list showed, is applied to exactly that object, by uid. Only when the API server says that
something else is there is one GET sent, and its owner decides (`adopting`): ourselves (a create
whose answer was lost), or somebody else, who is named. A manifest may ask for another way of
writing; `replacing`, `recreating` and `correcting` know those. `removing` takes away what was added
by hand, `releasing` lets go of what is left to others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from opentelemetry.trace import get_current_span

from shoal.errors import InvalidObject, MissingApi
from shoal.model.plans import Action, Change, Result
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes.adopting import claim, inherit_rest
from shoal_clusters.kubernetes.claiming import Believed, believed
from shoal_clusters.kubernetes.completing import is_run_to_completion
from shoal_clusters.kubernetes.correcting import correct
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.immutable import immutable_fields
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.preparing import PreparedObject, opened_without
from shoal_clusters.kubernetes.recreating import recreate, recreate_because
from shoal_clusters.kubernetes.releasing import release
from shoal_clusters.kubernetes.removing import remove
from shoal_clusters.kubernetes.replacing import replace
from shoal_clusters.kubernetes.reporting import is_careful, leave_edited, says_edited
from shoal_clusters.kubernetes.requesting import apply_created, apply_owned, look
from shoal_clusters.kubernetes.tools import (
    TRIES,
    Applied,
    Errand,
    Task,
    Tools,
    confirm,
    ended,
    revoked,
)
from shoal_clusters.kubernetes.unclaimed import is_only_found
from shoal_clusters.transport import Answer

_REPLICAS = ("spec", "replicas")
"""Not sent where the number belongs to who scales the object."""

Way = Callable[[Errand], Awaitable[Applied | Result]]


async def write(
    tools: Tools, change: Change, prepared: PreparedObject, task: Task
) -> Applied | Result:
    """Carry out one change that writes. Raises only what concerns the whole cluster."""
    resource = await served(tools, prepared)
    if resource is None:
        return ended(change, not_served(tools, prepared))
    is_new = change.action in (Action.CREATE, Action.ADOPT)
    if is_new or is_only_found(tools.register.row(change.key)):
        await tools.watches.surveyed(resource, change.key.namespace)
    else:
        tools.watches.begin(resource, change.key.namespace)
    errand = Errand(tools, task, resource, change, prepared)
    tools.observer.write_began(change.key, resource.version)
    try:
        return await _way(errand)(errand)
    finally:
        tools.observer.write_ended(change.key)


async def served(tools: Tools, prepared: PreparedObject) -> Resource | None:
    """Where the object's kind is served in its version; asked again when it is not known."""
    found = (await tools.discovery.current()).resource(*prepared.served_as)
    return found or (await tools.discovery.refreshed()).resource(*prepared.served_as)


def not_served(tools: Tools, prepared: PreparedObject) -> MissingApi:
    """Its kind is not served, or not in this version."""
    return MissingApi(
        f"{tools.transport.cluster}: {prepared.key} ({prepared.origin}): "
        f"{prepared.api_version} {prepared.key.kind} is not served",
        next_step="it is tried again when the cluster serves it",
    )


def _way(errand: Errand) -> Way:
    """How this change is written."""
    action, mode = errand.change.action, errand.prepared.mode
    if action is Action.RECREATE:
        return recreate
    if mode is Mode.REPLACE:
        return replace
    if action is Action.UPDATE:
        return _release_and_apply
    if action is not Action.CORRECT:
        return _apply
    drift = errand.tools.register.drifted.get(errand.key)
    if drift is not None and drift.kind is DriftKind.ADDED:
        return _remove_or_apply
    return _correct_or_apply if mode is Mode.JSON_PATCH else _apply


async def _release_and_apply(errand: Errand) -> Applied | Result:
    return await release(errand) or await _apply(errand)


async def _remove_or_apply(errand: Errand) -> Applied | Result:
    return await remove(errand) or await _apply(errand)


async def _correct_or_apply(errand: Errand) -> Applied | Result:
    return await correct(errand) or await _apply(errand)


async def _apply(errand: Errand) -> Applied | Result:
    """Send until the answer is a success, a refusal, or somebody else's object."""
    there, taken_from = _start(errand), ""
    must_look = not there.uid and await errand.tools.aggregation.serves(errand.resource)
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(errand.change)
        if not must_look:
            trace_reaction(errand)
            answer = await _send(errand, there, careful=not taken_from and is_careful(errand))
            if says_edited(answer):
                return await leave_edited(errand, there, _opened(errand, there))
            if answer.status == 201 or (answer.status == 200 and there.uid):
                rest = await inherit_rest(errand, answer, taken_from)
                if rest is None:
                    versions = there.versions
                    return confirm(errand, answer, known_versions=versions, taken_from=taken_from)
                there, taken_from = rest
                continue
            if there.uid and _says_gone(answer):
                there, taken_from = Believed(), ""
                continue
            if not _says_taken(answer, there):
                return await _refused(errand, answer, there)
        must_look = False
        looked = await look(errand.tools.transport, errand.resource, errand.key)
        if looked.status == 404:
            there, taken_from = Believed(), ""
            continue
        if looked.status != 200:
            return ended(errand.change, errand.tools.refusal(looked, errand.key, "get"))
        found = await claim(errand, orjson.loads(looked.body))
        if isinstance(found, Result):
            return found
        there, taken_from = found
    return errand.busy()


def _start(errand: Errand) -> Believed:
    """What an apply starts from; what is created only once is never written over."""
    if errand.prepared.mode is Mode.IF_NOT_PRESENT:
        return Believed()
    return believed(errand.tools.register, errand.key, errand.task.target)


def trace_reaction(errand: Errand) -> None:
    """Tell the trace how long after the arrival of the watch event its correction departs."""
    seconds = errand.tools.observer.seconds_since_drift(errand.key)
    if seconds is not None:
        facts: dict[str, str | float] = {
            "shoal.object": str(errand.key),
            "shoal.drift.reaction_seconds": seconds,
        }
        get_current_span().add_event("correction departs", facts)


async def _send(errand: Errand, there: Believed, *, careful: bool) -> Answer:
    """One apply: to the object that is there, or to none."""
    transport, opened = errand.tools.transport, _opened(errand, there)
    if not there.uid:
        return await apply_created(transport, errand.resource, errand.key, opened)
    return await apply_owned(
        transport, errand.resource, errand.key, opened, there.uid, careful=careful
    )


def _opened(errand: Errand, there: Believed) -> bytes:
    return opened_without(errand.prepared, _REPLICAS) if there.is_scaled else errand.prepared.opened


async def _refused(errand: Errand, answer: Answer, there: Believed) -> Applied | Result:
    """The server says no: an error, or the cause to recreate where the manifest asks for it."""
    if not there.uid:
        return ended(errand.change, errand.tools.refusal(answer, errand.key, "patch"))
    error = errand.refused(answer)
    fields = immutable_fields(errand.key.group_kind, answer.body)
    if fields and isinstance(error, InvalidObject) and _may_recreate(errand):
        return await recreate_because(errand, fields)
    return ended(errand.change, error)


def _may_recreate(errand: Errand) -> bool:
    """Where its manifest asks for it; and what runs once, when another run was found there."""
    is_another_run = is_run_to_completion(errand.key.group_kind) and not errand.row.desired_digest
    is_applied = errand.prepared.mode is Mode.APPLY
    return errand.prepared.mode is Mode.RECREATE or (is_applied and is_another_run)


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
