"""Planning one target: the prepared set against the rows, without a request and without a clock.

Known and equal is no change; known and different is an update, or another run of what runs once;
not known, or only intended, is a create; what drifted is corrected; what is owned and no longer
wanted is deleted, or handed over to the application that wants it. An object that says it belongs
to somebody else cannot be planned and is refused by name.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from shoal.errors import OwnershipConflict, ShoalError
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Change, Owned, OwnedState, Plan
from shoal.model.policies import DriftPolicy, PrunePolicy, SyncPolicy
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.baselines import decode_packed
from shoal_clusters.kubernetes.completing import is_run_to_completion
from shoal_clusters.kubernetes.leaving import leaving, told
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.preparing import Prepared, PreparedObject
from shoal_clusters.kubernetes.wanting import Wants


@dataclass(frozen=True, slots=True)
class Known:
    """What a session knows of the objects of one target.

    `rows` are the newest of this target alone; `strangers` says of objects of its own whose they
    say they are now, `others` which target of the fleet has an object that this one wants.
    """

    rows: Mapping[ObjectKey, Owned]
    drifted: Mapping[ObjectKey, Drift]
    lost: Container[ObjectKey]
    strangers: Mapping[ObjectKey, str]
    others: Mapping[ObjectKey, TargetKey]
    wants: Wants


def plan_target(
    target: TargetKey,
    prepared: Prepared,
    known: Known,
    policy: SyncPolicy,
    only: frozenset[ObjectKey] | None,
    *,
    rerun: bool = False,
    lets_go: bool = False,
) -> Plan:
    """All changes of one target, sorted by key. With `rerun`, what has run to its end runs anew.

    With `lets_go`, what is not wanted stays and is nobody's.
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
        owner = _owner(key, known)
        if owner is not None and wanted.mode is not Mode.IGNORE:
            refused[key] = _taken(target, key, owner)
            continue
        change = _change(wanted, known, policy)
        if change is None and rerun and _is_finished(known.rows.get(key)):
            change = Change(key, Action.RECREATE, None, wanted.digest, "asked to run again")
        if change is not None:
            changes.append(change)
    if policy.prune is not PrunePolicy.NEVER:
        unwanted = known.rows.keys() - prepared.objects.keys() - prepared.refused.keys()
        changes += _leavings(target, filter(is_meant, unwanted), known, lets_go=lets_go)
    return Plan(target, tuple(sorted(changes, key=lambda change: change.key)), refused=refused)


def _owner(key: ObjectKey, known: Known) -> str | None:
    """Whose an object is that this target cannot have; an application that let it go has none."""
    other = known.others.get(key)
    if other is not None:
        return _named(other) if known.wants.by(other, key) else None
    return known.strangers.get(key)


def _change(wanted: PreparedObject, known: Known, policy: SyncPolicy) -> Change | None:
    key, row, drift = wanted.key, known.rows.get(wanted.key), known.drifted.get(wanted.key)
    if wanted.mode is Mode.IGNORE:
        return _let_go(row) if row else None
    other = known.others.get(key)
    if other is not None:
        return Change(key, Action.ADOPT, None, wanted.digest, f"taken over from {_named(other)}")
    is_known = drift is None or drift.kind not in (DriftKind.MISSING, DriftKind.UNMARKED)
    if wanted.mode is Mode.IF_NOT_PRESENT and is_known and row and _is_sure(row):
        return _left_as_it_is(wanted, row)
    change = _wanted_change(wanted, row, drift, policy)
    is_lost = key in known.lost and wanted.mode is Mode.APPLY
    if change is None and row and is_lost and policy.when_drifted is DriftPolicy.CORRECT:
        cause = "other clients took its fields over, unchanged"
        return Change(key, Action.CORRECT, row.owned_digest, row.owned_digest, cause)
    return change


def _left_as_it_is(wanted: PreparedObject, row: Owned) -> Change | None:
    """What is created only once and is there: nothing, but that it becomes such an object."""
    if row.desired_digest == wanted.digest:
        return None
    cause = "left as it is from now on: its manifest says shoal.dev/apply: IfNotPresent"
    return Change(wanted.key, Action.UPDATE, row.desired_digest, wanted.digest, cause)


def _wanted_change(
    wanted: PreparedObject, row: Owned | None, drift: Drift | None, policy: SyncPolicy
) -> Change | None:
    if row is None or not row.uid:
        return Change(wanted.key, Action.CREATE, None, wanted.digest, "not there yet")
    is_gone = drift is not None and drift.kind is DriftKind.MISSING
    before = None if is_gone else row.desired_digest
    if row.desired_digest != wanted.digest:
        if _runs_again(wanted, row):
            cause = "changed in Git, so it runs again"
            return Change(wanted.key, Action.RECREATE, before, wanted.digest, cause)
        return Change(wanted.key, Action.UPDATE, before, wanted.digest, _why(row, wanted))
    if drift is not None:
        return _correction(row, drift) if drift.is_corrected_by(policy) else None
    if not _is_sure(row):
        return Change(wanted.key, Action.UPDATE, before, wanted.digest, _NOT_KNOWN)
    return None


_NOT_KNOWN = "not known to have been applied"


def _is_sure(row: Owned) -> bool:
    """Whether the row says what was written last."""
    return row.state is OwnedState.CONFIRMED and bool(row.baseline)


def _why(row: Owned, wanted: PreparedObject) -> str:
    if not row.desired_digest:
        return _NOT_KNOWN
    left = told(leaving(row, wanted))
    return f"changed in Git; {left} keeps its live value" if left else "changed in Git"


def _runs_again(wanted: PreparedObject, row: Owned) -> bool:
    """Whether it is of a kind that runs once, and was another run; what only began is applied."""
    is_kept = wanted.mode is Mode.IF_NOT_PRESENT
    return bool(row.desired_digest) and is_run_to_completion(wanted.key.group_kind) and not is_kept


def _let_go(row: Owned) -> Change:
    cause = "left alone from now on: its manifest says shoal.dev/apply: Ignore"
    return Change(row.key, Action.HAND_OVER, row.desired_digest or None, None, cause)


def _is_finished(row: Owned | None) -> bool:
    baseline = decode_packed(row.baseline) if row else None
    return baseline is not None and baseline.is_finished


_CAUSES: Mapping[DriftKind, str] = {
    DriftKind.EDITED: "changed in the cluster",
    DriftKind.MISSING: "deleted in the cluster",
    DriftKind.ADDED: "added in the cluster",
    DriftKind.TAKEN: "taken over in the cluster",
    DriftKind.UNMARKED: "its marks were taken off in the cluster",
}


def _correction(row: Owned, drift: Drift) -> Change:
    cause = _CAUSES[drift.kind]
    if drift.manager and drift.kind is not DriftKind.MISSING:
        cause = f"{cause} by {drift.manager}"
    return Change(row.key, Action.CORRECT, drift.owned_digest, row.owned_digest, cause, drift.patch)


def _leavings(
    target: TargetKey, keys: Iterable[ObjectKey], known: Known, *, lets_go: bool
) -> Iterator[Change]:
    """What is not wanted any more: handed over to who wants it, else let go or deleted."""
    for key in keys:
        before = known.rows[key].desired_digest or None
        claimant = known.wants.claimant(key, target)
        if claimant is None and lets_go:
            yield Change(key, Action.LET_GO, before, None, "left where it is")
        elif claimant is None:
            yield Change(key, Action.DELETE, before, None, "removed from Git")
        else:
            cause = f"{_named(claimant)} takes it over"
            yield Change(key, Action.HAND_OVER, before, None, cause)


def _named(target: TargetKey) -> str:
    return f"Shoal application {target.application}"


def _taken(target: TargetKey, key: ObjectKey, owner: str) -> OwnershipConflict:
    return OwnershipConflict(
        f"{target.cluster}: {key} says that it belongs to {owner} now, "
        f"not to application {target.application}; it is left untouched",
        next_step="remove it from one of the two",
    )
