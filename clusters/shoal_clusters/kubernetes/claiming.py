"""Claiming: what is believed to stand where an object is about to be written.

The row of the inventory says it, or, for objects that carry our marks and are in no inventory, what
a list or a watch showed. The second happens when the inventory was lost: then each object is
claimed again by one apply to exactly the object that was seen, which changes nothing where nothing
is to be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes.baselines import decode_packed
from shoal_clusters.kubernetes.marks import PRUNE_ANNOTATION, Holder, whose
from shoal_clusters.kubernetes.projecting import scaled
from shoal_clusters.kubernetes.register import Register, Unclaimed


class Believed(NamedTuple):
    """What an apply starts from. No `uid`: nothing is there, as far as we know.

    An answer with one of `versions` changed nothing. `is_scaled`: `spec.replicas` belongs to who
    writes `/scale`, and is not sent.
    """

    uid: str = ""
    versions: tuple[str, ...] = ()
    is_scaled: bool = False


def believed(register: Register, key: ObjectKey, target: TargetKey) -> Believed:
    """What this target's row says, else what was seen unclaimed and marked for its application.

    The row of another target says nothing here: what it knows of must not be written by us.
    """
    row = register.row(key)
    is_ours = row is not None and bool(row.uid) and row.target == target
    if row is not None and is_ours and row.baseline:
        return _by_row(register, row)
    seen = register.unclaimed.get(key)
    if seen is not None and seen.application == target.application:
        return Believed(seen.uid, (seen.version,), seen.is_scaled)
    return _by_row(register, row) if row is not None and is_ours else Believed()


def is_targeted(row: Owned | None) -> bool:
    """Whether an autoscaler is known to name an object, so that its replicas are not sent."""
    baseline = decode_packed(row.baseline) if row else None
    return baseline is not None and baseline.is_targeted


def found(live: Mapping[str, Any]) -> Believed:
    """What the answer to a GET says."""
    metadata = live["metadata"]
    return Believed(str(metadata["uid"]), (str(metadata["resourceVersion"]),), scaled(live))


def unclaimed(live: Mapping[str, Any], key: ObjectKey, fleet: str) -> Unclaimed | None:
    """An object without a row as one that may be claimed; None when its marks do not allow it."""
    ownership = whose(live, key, fleet=fleet)
    application: Ref | None = ownership.application
    if ownership.holder is not Holder.OURS or application is None:
        return None
    seen = found(live)
    annotations = live["metadata"].get("annotations") or {}
    is_kept = annotations.get(PRUNE_ANNOTATION) == "Never"
    return Unclaimed(seen.uid, seen.versions[0], application, seen.is_scaled, is_kept)


def _by_row(register: Register, row: Owned) -> Believed:
    baseline = decode_packed(row.baseline)
    drift = register.drifted.get(row.key)
    if drift is not None and drift.kind is DriftKind.MISSING:
        return Believed()  # with the replicas of Git: without them it would start as one
    versions = (register.version(row.key), baseline.resource_version if baseline else "")
    is_scaled = baseline is not None and baseline.is_scaled
    return Believed(row.uid, tuple(filter(None, versions)), is_scaled)
