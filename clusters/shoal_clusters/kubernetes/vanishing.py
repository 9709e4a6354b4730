"""Vanishing: after a delete was accepted, until the object is gone, or what holds it is known.

What hangs is waited for once; from then on a look is enough, so that nothing else of its target
waits again. The watch tells of its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.model.plans import Change, Result, ResultStatus
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.finalizers import waits_for, way_out
from shoal_clusters.kubernetes.health import left_in_namespace
from shoal_clusters.kubernetes.requesting import look
from shoal_clusters.kubernetes.tools import Tools


async def until_gone(
    tools: Tools, resource: Resource, change: Change, body: bytes, seconds: float
) -> Result | None:
    """Wait for the end of an object; what holds it, as a result, when that takes longer.

    `body` is the answer to the delete.
    """
    live, key, hanging = orjson.loads(body), change.key, tools.register.hanging
    # A Status says that it is gone; an object in its place has yet to go. An object without
    # deletionTimestamp is the last state of one that went at once.
    if live.get("kind") == "Status" or not is_leaving(live):
        return None
    if await tools.observer.until_gone(key, 0 if key in hanging else seconds):
        return None
    found = await look(tools.transport, resource, key)
    if found.status == 404:
        return None
    hanging.add(key)
    return _hangs(change, orjson.loads(found.body) if found.status == 200 else live)


def is_leaving(live: Mapping[str, Any]) -> bool:
    """Whether the object is on its way out."""
    return bool((live.get("metadata") or {}).get("deletionTimestamp"))


def _hangs(change: Change, live: Mapping[str, Any]) -> Result:
    left = left_in_namespace(live) if change.key.kind == "Namespace" else ""
    note, next_step = f"{waits_for(live)}{left}", way_out(live, change.key)
    return Result(change.key, change.action, ResultStatus.WAITING, note=note, next_step=next_step)
