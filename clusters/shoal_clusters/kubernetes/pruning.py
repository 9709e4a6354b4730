"""Pruning one object: a delete that can only ever hit the object that was ours when last seen.

Normally one request: uid and the resourceVersion that the watch saw last stand in its
preconditions. Anything that happened since answers 409; then the object is read, and its marks
decide anew: still ours, it is deleted in its new version; somebody else's, it is forgotten and
nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.errors import MissingApi, ServerBusy
from shoal.model.plans import Change, Owned, Result, ResultStatus
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.applying import Granted, Tools, ended, revoked
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.observing import PRUNE_ANNOTATION
from shoal_clusters.kubernetes.requesting import delete, look

_TRIES = 4


async def prune(tools: Tools, change: Change, granted: Granted, patience_seconds: float) -> Result:
    """Delete one object and wait until it is gone, as long as `patience_seconds`.

    An object whose live annotation `shoal.dev/prune` is `Never` stays and is FORGOTTEN: it is no
    longer ours, so nothing about it is asked, corrected or counted any more, and the note says so.
    """
    row = tools.register.row(change.key)
    if row is None:
        return Result(change.key, change.action, ResultStatus.FORGOTTEN)
    # The version it was written in may be gone; any served version names the same object.
    resource = (await tools.discovery.current()).preferred(change.key.group_kind)
    if resource is None:
        return _without_api(tools, change)
    tools.observer.write_began(change.key)
    try:
        return await _delete(tools, resource, change, row, granted, patience_seconds)
    finally:
        tools.observer.write_ended(change.key)


async def _delete(
    tools: Tools,
    resource: Resource,
    change: Change,
    row: Owned,
    granted: Granted,
    patience_seconds: float,
) -> Result:
    if change.key in tools.register.kept:
        return _kept(tools, change, row)
    uid, version = row.uid, tools.register.version(row.key)
    for _ in range(_TRIES):
        if not granted():
            return revoked(change)
        if uid and version:
            answer = await delete(tools.transport, resource, change.key, uid=uid, version=version)
            if answer.status == 404:
                return _gone(tools, change, row)
            if answer.status in (200, 202):
                return await _wait(tools, resource, change, row, answer.body, patience_seconds)
            if answer.status != 409:
                return ended(change, tools.refusal(answer, change.key, "delete"))
        found = await look(tools.transport, resource, change.key)
        if found.status == 404:
            return _gone(tools, change, row)
        if found.status != 200:
            return ended(change, tools.refusal(found, change.key, "get"))
        live = orjson.loads(found.body)
        left = _left_alone(tools, change, row, live)
        if left is not None:
            return left
        uid, version = live["metadata"]["uid"], live["metadata"]["resourceVersion"]
    busy = f"{tools.transport.cluster}: {change.key} changes faster than it can be deleted"
    return ended(change, ServerBusy(busy))


def _left_alone(tools: Tools, change: Change, row: Owned, live: Mapping[str, Any]) -> Result | None:
    """The result when a live object must not be deleted; None when it is ours to delete."""
    verdict = tools.comparer.compare(live, row, is_event=False)
    if isinstance(verdict, comparing.NotOurs):
        tools.observer.deleted(row)
        note = f"it belongs to {verdict.owner} now and was not deleted"
        return Result(change.key, change.action, ResultStatus.FORGOTTEN, note=note)
    annotations = live["metadata"].get("annotations") or {}
    return _kept(tools, change, row) if annotations.get(PRUNE_ANNOTATION) == "Never" else None


def _kept(tools: Tools, change: Change, row: Owned) -> Result:
    tools.observer.deleted(row)
    note = f"kept and let go: its annotation {PRUNE_ANNOTATION} is Never"
    return Result(change.key, change.action, ResultStatus.FORGOTTEN, note=note)


def _gone(tools: Tools, change: Change, row: Owned) -> Result:
    tools.observer.deleted(row)
    return Result(change.key, change.action, ResultStatus.DELETED)


async def _wait(
    tools: Tools,
    resource: Resource,
    change: Change,
    row: Owned,
    body: bytes,
    patience_seconds: float,
) -> Result:
    """After a delete was accepted: until the object is gone, or patience ends."""
    live = orjson.loads(body)
    # A Status says that it is gone; an object in its place has yet to go. An object without
    # deletionTimestamp is the last state of one that went at once.
    if live.get("kind") == "Status" or not _is_leaving(live):
        return _gone(tools, change, row)
    if await tools.observer.until_gone(change.key, patience_seconds):
        return _gone(tools, change, row)
    found = await look(tools.transport, resource, change.key)
    if found.status == 404:
        return _gone(tools, change, row)
    note = _hanging(orjson.loads(found.body) if found.status == 200 else live)
    return Result(change.key, change.action, ResultStatus.WAITING, note=note)


def _is_leaving(live: Mapping[str, Any]) -> bool:
    metadata = live.get("metadata") or {}
    return bool(metadata.get("deletionTimestamp"))


def _hanging(live: Mapping[str, Any]) -> str:
    metadata = live.get("metadata") or {}
    finalizers = [
        *(metadata.get("finalizers") or ()),
        *(
            (live.get("spec") or {}).get("finalizers") or ()
            if live.get("kind") == "Namespace"
            else ()
        ),
    ]
    waits = f" and waits for its finalizer {', '.join(finalizers)}" if finalizers else ""
    return f"it is being deleted{waits}"


def _without_api(tools: Tools, change: Change) -> Result:
    """Not served is not gone: its group may be down, or the CRD replaced; so the row stays."""
    return ended(
        change,
        MissingApi(
            f"{tools.transport.cluster}: {change.key} cannot be deleted: its kind is not served",
            next_step="it is tried again when the cluster serves it",
        ),
    )
