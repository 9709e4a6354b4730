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
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.marks import PRUNE_ANNOTATION
from shoal_clusters.kubernetes.requesting import delete, look
from shoal_clusters.kubernetes.tools import TRIES, Task, Tools, ended, revoked
from shoal_clusters.kubernetes.vanishing import until_gone

_BEFORE = "it was gone before"


async def prune(tools: Tools, change: Change, task: Task) -> Result:
    """Delete one object and wait until it is gone, as long as patience lasts.

    Nothing is deleted that another application of the fleet wants, or may want. An object whose
    live annotation `shoal.dev/prune` is `Never` stays and is FORGOTTEN: it is no longer ours, so
    nothing about it is asked, corrected or counted any more, and the note says so.
    """
    row = tools.register.row(change.key)
    if row is None:
        return Result(change.key, change.action, ResultStatus.FORGOTTEN)
    if row.target != task.target:
        note = f"application {row.target.application} has it"
        return Result(change.key, change.action, ResultStatus.FORGOTTEN, note=note)
    wish = _wish(tools, change, task)
    if wish:
        return Result(change.key, change.action, ResultStatus.WAITING, note=wish)
    # The version it was written in may be gone; any served version names the same object.
    resource = (await tools.discovery.current()).preferred(change.key.group_kind)
    if resource is None:
        return _without_api(tools, change)
    tools.observer.write_began(change.key)
    try:
        return await _delete(tools, resource, change, row, task)
    finally:
        tools.observer.write_ended(change.key)


def _wish(tools: Tools, change: Change, task: Task) -> str:
    """Why the object must stay for the sake of others; empty when nobody else wants it."""
    if not tools.wants.are_known:
        return "waits until it is known whether another application wants it"
    claimant = tools.wants.claimant(change.key, task.target)
    return f"kept, because application {claimant.application} wants it" if claimant else ""


async def _delete(
    tools: Tools, resource: Resource, change: Change, row: Owned, task: Task
) -> Result:
    if change.key in tools.register.kept:
        return _kept(tools, change, row)
    uid, version = row.uid, tools.register.version(row.key)
    for _ in range(TRIES):
        if not task.granted():
            return revoked(change)
        if uid and version:
            answer = await delete(tools.transport, resource, change.key, uid=uid, version=version)
            if answer.status == 404:
                return _gone(tools, change, row, note=_BEFORE)
            if answer.status in (200, 202):
                return await _wait(tools, resource, change, row, answer.body, task)
            if answer.status != 409:
                return ended(change, tools.refusal(answer, change.key, "delete"))
        found = await look(tools.transport, resource, change.key)
        if found.status == 404:
            return _gone(tools, change, row, note=_BEFORE)
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


def _gone(tools: Tools, change: Change, row: Owned, *, note: str = "") -> Result:
    tools.observer.deleted(row)
    return Result(change.key, change.action, ResultStatus.DELETED, note=note)


async def _wait(
    tools: Tools, resource: Resource, change: Change, row: Owned, body: bytes, task: Task
) -> Result:
    """After a delete was accepted: until the object is gone, or patience ends."""
    hangs = await until_gone(tools, resource, change, body, task.patience_seconds)
    return hangs or _gone(tools, change, row)


def _without_api(tools: Tools, change: Change) -> Result:
    """Not served is not gone: its group may be down, or the CRD replaced; so the row stays."""
    return ended(
        change,
        MissingApi(
            f"{tools.transport.cluster}: {change.key} cannot be deleted: its kind is not served",
            next_step="it is tried again when the cluster serves it",
        ),
    )
