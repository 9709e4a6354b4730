"""Recreating: deleting one object and creating it again, where nothing else will do.

What runs once runs again only as a new object; what cannot be changed in place is deleted where its
manifest asks for that (`shoal.dev/apply: Recreate`), and only after the server was asked whether it
would take the new object at all. The delete hits the object in the version that was looked at or
nothing, and the create never overwrites what somebody else put in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from shoal.errors import InvalidObject, OwnershipConflict, ShoalError
from shoal.model.digests import digest_parts
from shoal.model.plans import Action, Result, intended
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.immutable import why_kept
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.preparing import opened_as
from shoal_clusters.kubernetes.requesting import apply_created, create, delete, look
from shoal_clusters.kubernetes.tools import TRIES, Applied, Errand, also, confirm, ended, revoked
from shoal_clusters.kubernetes.vanishing import until_gone
from shoal_clusters.transport import Answer


async def recreate(errand: Errand) -> Applied | Result:
    """Delete the object, wait for its end, and create it again."""
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(errand.change)
        looked = await look(errand.tools.transport, errand.resource, errand.key)
        if looked.status == 404:
            return await _create(errand)
        if looked.status != 200:
            return ended(errand.change, errand.tools.refusal(looked, errand.key, "get"))
        live = orjson.loads(looked.body)
        stranger = _stranger(errand, live)
        if stranger is not None:
            return ended(errand.change, stranger)
        answer = await _delete(errand, live)
        if answer.status in (200, 202, 404):
            return await _until_gone(errand, answer) or await _create(errand)
        if answer.status != 409:
            return ended(errand.change, errand.tools.refusal(answer, errand.key, "delete"))
    return errand.busy()


async def recreate_because(errand: Errand, fields: tuple[str, ...]) -> Applied | Result:
    """The same for an object whose `fields` the server says are immutable, if it may be done."""
    looked = await look(errand.tools.transport, errand.resource, errand.key)
    live = orjson.loads(looked.body) if looked.status == 200 else {}
    kept = why_kept(errand.key.group_kind, live)
    if kept:
        return ended(errand.change, _must_stay(errand, fields, kept))
    refusal = await would_be_created(errand)
    if isinstance(refusal, ShoalError):
        return ended(errand.change, refusal)
    outcome = await recreate(errand)
    if isinstance(outcome, Result):
        return outcome
    note = f"deleted and created again, because {', '.join(fields)} cannot be changed in place"
    result = replace(also(outcome.result, note), action=Action.RECREATE)
    return Applied(result, outcome.live)


async def would_be_created(errand: Errand, namespace: str | None = None) -> Answer | ShoalError:
    """Ask the server, under a name that nothing has, whether it would take the object as new."""
    place = errand.key.namespace if namespace is None else namespace
    name = f"shoal-{digest_parts(errand.key)[:20]}"
    key = errand.key._replace(namespace=place, name=name)
    opened = opened_as(errand.prepared, name, place)
    answer = await apply_created(errand.tools.transport, errand.resource, key, opened, dry=True)
    if answer.status == 201:
        return answer
    return errand.tools.refusal(answer, errand.key, "patch")


async def _delete(errand: Errand, live: Mapping[str, Any]) -> Answer:
    metadata = live["metadata"]
    return await delete(
        errand.tools.transport,
        errand.resource,
        errand.key,
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
    )


async def _until_gone(errand: Errand, answer: Answer) -> Result | None:
    if answer.status == 404:
        return None
    seconds = errand.task.patience_seconds
    return await until_gone(errand.tools, errand.resource, errand.change, answer.body, seconds)


async def _create(errand: Errand) -> Applied | Result:
    send = create if errand.prepared.mode is Mode.REPLACE else apply_created
    opened = errand.prepared.opened
    answer = await send(errand.tools.transport, errand.resource, errand.key, opened)
    errand.tools.register.hanging.discard(errand.key)
    if answer.status == 201:
        return confirm(errand, answer)
    # It is gone, and by us: intended again, so that the next sync creates it, whatever it was.
    row = intended(errand.task.target, errand.key)
    errand.tools.register.forget(errand.key)
    errand.tools.register.keep(row)
    error = errand.tools.refusal(answer, errand.key, "patch")
    return replace(ended(errand.change, error), owned=row)


def _stranger(errand: Errand, live: Mapping[str, Any]) -> OwnershipConflict | None:
    verdict = errand.tools.comparer.compare(live, errand.row, is_event=False)
    return errand.conflict(verdict.owner) if isinstance(verdict, comparing.NotOurs) else None


def _must_stay(errand: Errand, fields: tuple[str, ...], why: str) -> InvalidObject:
    return InvalidObject(
        f"{errand.tools.transport.cluster}: {errand.key}: {', '.join(fields)} cannot be changed in "
        f"place, and the object is never deleted to be created again, for {why}",
        next_step="undo the change, or give the object another name",
    )
