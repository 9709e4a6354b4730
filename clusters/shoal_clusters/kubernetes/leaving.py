"""Leaving: which fields an update lets go of at their live value, instead of taking them away.

Those that are ignored from now on, and `spec.replicas` when it leaves Git: everything else that
leaves Git leaves the cluster too. Pure; `planning` says it and `releasing` carries it out.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from shoal.model.plans import Owned
from shoal_clusters.kubernetes.baselines import decode, decode_packed
from shoal_clusters.kubernetes.checking import at_path
from shoal_clusters.kubernetes.ignoring import REPLICAS, owned_at
from shoal_clusters.kubernetes.preparing import PreparedObject
from shoal_clusters.kubernetes.projecting import Fields


def leaving(row: Owned, prepared: PreparedObject) -> Fields:
    """What we own of an object and are to let go of; empty for nearly every one."""
    known = decode_packed(row.baseline)
    if known is None or row.desired_digest == prepared.digest:
        return {}
    left = prepared.left
    if known.replicas is not None and at_path(prepared.body, REPLICAS) is None:
        left = (*left, REPLICAS)
    baseline = decode(row.baseline) if left else None
    return owned_at(orjson.loads(baseline.fields), left) if baseline else {}


def told(fields: Fields) -> str:
    """The fields in words: `spec.replicas`."""
    return ", ".join(sorted(_named(fields)))


def _named(fields: Fields, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, below in fields.items():
        if name == ".":
            continue
        here = (*path, name[2:] if name.startswith("f:") else f"[{name[2:]}]")
        if any(child != "." for child in below):
            yield from _named(below, here)
        else:
            yield ".".join(here)
