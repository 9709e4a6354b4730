"""Replacement: what is sent in the place of a live object, when it is sent whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.model.digests import canonical
from shoal_clusters.kubernetes.ignoring import with_live
from shoal_clusters.kubernetes.preparing import PreparedObject
from shoal_clusters.kubernetes.projecting import scaled

_KEPT = ("finalizers", "ownerReferences")
"""What the system keeps of an object in metadata: to drop it would leak, or orphan, something."""


def replacement(prepared: PreparedObject, live: Mapping[str, Any]) -> bytes:
    """All of the manifest, bound to exactly this version of the object.

    Replicas that somebody scales stay as they are, and so does what stands at ignored paths.
    """
    body, there = prepared.body, live["metadata"]
    kept = {name: there[name] for name in _KEPT if name in there and name not in body["metadata"]}
    exact = {"uid": there["uid"], "resourceVersion": there["resourceVersion"]}
    whole = {**body, "metadata": {**body["metadata"], **kept, **exact}}
    if scaled(live) and "replicas" in (live.get("spec") or {}):
        whole["spec"] = {**(body.get("spec") or {}), "replicas": live["spec"]["replicas"]}
    for steps in prepared.left:
        whole = with_live(whole, live, steps)
    return canonical(whole)
