"""Planning one target: the prepared set against the rows, without a request and without a clock.

Known and equal is no change; known and different is an update; not known, or only intended, is a
create; what drifted is corrected; what is owned and no longer wanted is deleted. An object that
says it belongs to somebody else cannot be planned and is refused by name.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from shoal.errors import OwnershipConflict, ShoalError
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Change, Owned, OwnedState, Plan
from shoal.model.policies import DriftPolicy, PrunePolicy, SyncPolicy
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.baselines import decode_packed
from shoal_clusters.kubernetes.leaving import leaving, told
from shoal_clusters.kubernetes.preparing import Prepared, PreparedObject


def plan_target(
    target: TargetKey,
    prepared: Prepared,
    rows: Mapping[ObjectKey, Owned],
    drifted: Mapping[ObjectKey, Drift],
    lost: Container[ObjectKey],
    strangers: Mapping[ObjectKey, str],
    policy: SyncPolicy,
    only: frozenset[ObjectKey] | None,
    *,
    rerun: bool = False,
) -> Plan:
    """All changes of one target, sorted by key.

    `rows` are the newest of this target alone; `strangers` says of other objects whose they are.
    """

    def is_meant(key: ObjectKey) -> bool:
        return only is None or key in only

    refused: dict[ObjectKey, ShoalError] = {
        key: error for key, error in prepared.refused.items() if is_meant(key)
    }
    changes: list[Change] = []
    for key, wanted in prepared.objects.items():
        if not is_meant(key):
            continue
        owner = strangers.get(key)
        if owner is not None:
            refused[key] = _taken(target, key, owner)
            continue
        change = _wanted_change(wanted, rows.get(key), drifted.get(key), policy)
        if change is None and key in lost and policy.when_drifted is DriftPolicy.CORRECT:
            digest = rows[key].owned_digest
            cause = "other clients took its fields over, unchanged"
            change = Change(key, Action.CORRECT, digest, digest, cause)
        if change is None and rerun and _is_finished(rows.get(key)):
            change = Change(key, Action.RECREATE, None, wanted.digest, "asked to run again")
        if change is not None:
            changes.append(change)
    if policy.prune is not PrunePolicy.NEVER:
        unwanted = rows.keys() - prepared.objects.keys() - prepared.refused.keys()
        changes += _deletions(filter(is_meant, unwanted), rows)
    return Plan(target, tuple(sorted(changes, key=lambda change: change.key)), refused=refused)


def _wanted_change(
    wanted: PreparedObject, row: Owned | None, drift: Drift | None, policy: SyncPolicy
) -> Change | None:
    if row is None or not row.uid:
        return Change(wanted.key, Action.CREATE, None, wanted.digest, "not there yet")
    is_gone = drift is not None and drift.kind is DriftKind.MISSING
    before = None if is_gone else row.desired_digest
    if row.desired_digest != wanted.digest:
        return Change(wanted.key, Action.UPDATE, before, wanted.digest, _why(row, wanted))
    if drift is not None:
        return _correction(row, drift) if drift.is_corrected_by(policy) else None
    if row.state is OwnedState.INTENDED or not row.baseline:
        cause = "not known to have been applied"
        return Change(wanted.key, Action.UPDATE, before, wanted.digest, cause)
    return None


def _why(row: Owned, wanted: PreparedObject) -> str:
    left = told(leaving(row, wanted))
    return f"changed in Git; {left} keeps its live value" if left else "changed in Git"


def _is_finished(row: Owned | None) -> bool:
    baseline = decode_packed(row.baseline) if row else None
    return baseline is not None and baseline.is_finished


_CAUSES: Mapping[DriftKind, str] = {
    DriftKind.EDITED: "changed in the cluster",
    DriftKind.MISSING: "deleted in the cluster",
    DriftKind.ADDED: "added in the cluster",
    DriftKind.TAKEN: "taken over in the cluster",
}


def _correction(row: Owned, drift: Drift) -> Change:
    cause = _CAUSES[drift.kind]
    if drift.manager and drift.kind is not DriftKind.MISSING:
        cause = f"{cause} by {drift.manager}"
    return Change(row.key, Action.CORRECT, drift.owned_digest, row.owned_digest, cause, drift.patch)


def _deletions(keys: Iterable[ObjectKey], rows: Mapping[ObjectKey, Owned]) -> Iterator[Change]:
    for key in keys:
        before = rows[key].desired_digest or None
        yield Change(key, Action.DELETE, before, None, "removed from Git")


def _taken(target: TargetKey, key: ObjectKey, owner: str) -> OwnershipConflict:
    return OwnershipConflict(
        f"{target.cluster}: {key} says that it belongs to {owner} now, "
        f"not to application {target.application}; it is left untouched",
        next_step="remove it from one of the two",
    )
