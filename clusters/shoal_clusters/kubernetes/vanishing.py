"""Vanishing: after a delete was accepted, until the object is gone, or what holds it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.requesting import look
from shoal_clusters.kubernetes.tools import Tools


async def until_gone(
    tools: Tools, resource: Resource, key: ObjectKey, body: bytes, seconds: float
) -> str:
    """Wait for the end of an object; a sentence about what holds it when that takes longer.

    `body` is the answer to the delete.
    """
    live = orjson.loads(body)
    # A Status says that it is gone; an object in its place has yet to go. An object without
    # deletionTimestamp is the last state of one that went at once.
    if live.get("kind") == "Status" or not is_leaving(live):
        return ""
    if await tools.observer.until_gone(key, seconds):
        return ""
    found = await look(tools.transport, resource, key)
    if found.status == 404:
        return ""
    return hanging(orjson.loads(found.body) if found.status == 200 else live)


def is_leaving(live: Mapping[str, Any]) -> bool:
    """Whether the object is on its way out."""
    return bool((live.get("metadata") or {}).get("deletionTimestamp"))


def hanging(live: Mapping[str, Any]) -> str:
    """What an object that is being deleted waits for."""
    finalizers = list((live.get("metadata") or {}).get("finalizers") or ())
    if live.get("kind") == "Namespace":
        finalizers += (live.get("spec") or {}).get("finalizers") or ()
    waits = f" and waits for its finalizer {', '.join(finalizers)}" if finalizers else ""
    return f"it is being deleted{waits}"
