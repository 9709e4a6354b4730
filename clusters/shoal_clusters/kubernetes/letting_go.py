"""Letting go: an object stays as it is and is nobody's from now on.

Its marks are taken off by one JSON Patch, guarded by the version that was looked at: without them
no watch selects it, another fleet or another tool may adopt it, and a sweep does not take it for
something that was lost. Nothing else of it is touched. What is somebody else's already is only
forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from shoal.errors import MissingApi, ServerBusy
from shoal.model.plans import Change, Owned, Result, ResultStatus
from shoal.model.pointers import pointer
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.marks import APPLICATION_LABEL, FLEET_LABEL, OWNER_ANNOTATION
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.requesting import look
from shoal_clusters.kubernetes.tools import TRIES, Task, Tools, ended, revoked

LEFT = "it stays there, as nobody's"


async def leave_to_nobody(tools: Tools, change: Change, task: Task) -> Result:
    """Take our marks off one object, and forget it."""
    row = tools.register.row(change.key)
    if row is None or row.target != task.target:
        return Result(change.key, change.action, ResultStatus.FORGOTTEN)
    resource = (await tools.discovery.current()).preferred(change.key.group_kind)
    if resource is None:
        return ended(change, _without_api(tools, change))
    tools.observer.write_began(change.key)
    try:
        return await _unmark(tools, resource, change, row, task)
    finally:
        tools.observer.write_ended(change.key)


async def _unmark(
    tools: Tools, resource: Resource, change: Change, row: Owned, task: Task
) -> Result:
    for _ in range(TRIES):
        if not task.granted():
            return revoked(change)
        found = await look(tools.transport, resource, change.key)
        if found.status == 404:
            return _forgotten(tools, change, row, "it is gone")
        if found.status != 200:
            return ended(change, tools.refusal(found, change.key, "get"))
        live = orjson.loads(found.body)
        verdict = tools.comparer.compare(live, row, is_event=False)
        if isinstance(verdict, comparing.NotOurs):
            return _forgotten(tools, change, row, f"it belongs to {verdict.owner} now")
        answer = await patch_exactly(
            tools.transport,
            resource,
            change.key,
            list(_without_marks(live)),
            version=live["metadata"]["resourceVersion"],
        )
        if answer.status in (200, 404):
            return _forgotten(tools, change, row, LEFT)
        if answer.status != 409:
            return ended(change, tools.refusal(answer, change.key, "patch"))
    busy = f"{tools.transport.cluster}: {change.key} changes faster than it can be let go"
    return ended(change, ServerBusy(busy))


def _without_marks(live: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The operations that take our marks off, as far as they are there."""
    places = (
        ("labels", FLEET_LABEL),
        ("labels", APPLICATION_LABEL),
        ("annotations", OWNER_ANNOTATION),
    )
    for place, name in places:
        if name in (live["metadata"].get(place) or {}):
            yield {"op": "remove", "path": pointer(("metadata", place, name))}


def _forgotten(tools: Tools, change: Change, row: Owned, note: str) -> Result:
    tools.observer.deleted(row)
    return Result(change.key, change.action, ResultStatus.FORGOTTEN, note=note)


def _without_api(tools: Tools, change: Change) -> MissingApi:
    return MissingApi(
        f"{tools.transport.cluster}: {change.key} cannot be let go: its kind is not served",
        next_step="it is tried again when the cluster serves it",
    )
