"""Removing what was added by hand: one guarded JSON Patch, on exactly the version that was seen.

When the object has moved on, the server says so and it is looked at again; what is then found
decides. What a removal does not remove (the server puts its default in the same place, in the name
of who was there before) is remembered and let be: to try for ever would be a fight with a server.
"""

from __future__ import annotations

import orjson

from shoal.errors import ServerBusy
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Change, Result, ResultStatus
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes import adding
from shoal_clusters.kubernetes.applying import Applied, Granted, Tools, confirm, ended, revoked
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.preparing import PreparedObject
from shoal_clusters.kubernetes.requesting import read

_TRIES = 4


async def remove(
    tools: Tools, change: Change, prepared: PreparedObject, target: TargetKey, granted: Granted
) -> Applied | Result | None:
    """Remove what was added; None when that is not all, and an apply is what is needed."""
    drift = tools.register.drifted.get(change.key)
    if change.action is not Action.CORRECT or drift is None or drift.kind is not DriftKind.ADDED:
        return None
    resource = (await tools.discovery.current()).resource(*prepared.served_as)
    if resource is None:
        return None
    tools.observer.write_began(change.key, resource.version)
    try:
        return await _remove(tools, resource, change, prepared, target, granted)
    finally:
        tools.observer.write_ended(change.key)


async def _remove(
    tools: Tools,
    resource: Resource,
    change: Change,
    prepared: PreparedObject,
    target: TargetKey,
    granted: Granted,
) -> Applied | Result | None:
    key = change.key
    for _ in range(_TRIES):
        if not granted():
            return revoked(change)
        added = tools.register.added.get(key, ())
        if not added:
            return _nothing_left(tools, change)
        operations, version = adding.removal(added), tools.register.version(key)
        answer = await patch_exactly(tools.transport, resource, key, operations, version=version)
        if answer.status == 200:
            _let_be(tools, key, added, answer.body)
            return confirm(tools, change, prepared, target, answer, (version,))
        if answer.status == 404:
            return None
        if answer.status != 409:
            return ended(change, tools.refusal(answer, key, "patch"))
        looked = await read(tools.transport, resource, key)
        if looked.status == 404:
            return None
        if looked.status != 200:
            return ended(change, tools.refusal(looked, key, "get"))
        tools.observer.looked_at(key, orjson.loads(looked.body))
    busy = f"{tools.transport.cluster}: {key} is written by somebody else again and again"
    return ended(change, ServerBusy(busy))


def _nothing_left(tools: Tools, change: Change) -> Result | None:
    """It was undone by others; what else a look has shown is for an apply."""
    key = change.key
    if key in tools.register.drifted or key in tools.register.lost:
        return None
    row = tools.register.row(key)
    return Result(key, change.action, ResultStatus.UNCHANGED, owned=row)


def _let_be(
    tools: Tools, key: ObjectKey, tried: tuple[adding.Addition, ...], content: bytes
) -> None:
    """Remember what is there again although it was removed."""
    paths = {one.path for one in tried}
    left = tools.observer.spotter.additions(key, orjson.loads(content))
    back = frozenset(one.path for one in left if one.path in paths)
    if back:
        tools.register.put_back[key] = tools.register.put_back.get(key, frozenset()) | back
