"""A carried-out plan as the ledger tells it: what was done, how it ended, and the patches, masked.

An intent says the same beforehand. Pure: `recording` stores what is made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shoal.engine.differences import Differences
from shoal.engine.target_state import TargetState
from shoal.errors import ShoalError
from shoal.model.artifacts import Provenance
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, Change, Desired, Plan, Proof, Result, ResultStatus
from shoal.model.records import Deed, Entry, Intent, Verdict

# More changes than this in one sync are named, not described: a record is read by people.
MOST_CHANGES_LISTED = 50
# Asked for, and the answer never came: it may have been done.
UNKNOWN = "unknown"
UNFINISHED = frozenset({ResultStatus.WAITING, ResultStatus.REVOKED})


@dataclass(frozen=True, slots=True)
class Sync:
    """One carried-out plan, as it is recorded.

    `unanswered` are the objects that were asked for when the pass broke off.
    """

    target: TargetState
    desired: Desired
    plan: Plan
    results: Sequence[Result]
    who: str
    why: str
    unanswered: frozenset[ObjectKey] = frozenset()


def who_and_why(
    target: TargetState, desired: Desired, plan: Plan, provenance: Provenance | None
) -> tuple[str, str]:
    """A commit's author and subject; for a correction, Shoal and what was undone."""
    changes = plan.changes
    if target.removing:
        return desired.grant.by, target.removing.why
    if changes and all(change.action is Action.CORRECT for change in changes):
        causes = sorted({change.cause for change in changes if change.cause})
        return "shoal", "drift" + (f": {', '.join(causes)}" if causes else "")
    if provenance is not None:
        return provenance.author or "unknown", provenance.subject
    return "shoal", f"revision {desired.grant.revision}"


def verdict_of(sync: Sync) -> Verdict:
    """How it ended, as a whole; what only waits has neither succeeded nor failed."""
    statuses = {result.status for result in sync.results}
    is_broken = (
        ResultStatus.FAILED in statuses or sync.plan.refused or sync.target.error or sync.unanswered
    )
    if is_broken:
        done = statuses - {ResultStatus.FAILED, ResultStatus.WAITING, ResultStatus.REVOKED}
        return Verdict.PARTIAL if done else Verdict.FAILED
    return Verdict.NOTED if statuses & UNFINISHED else Verdict.SUCCEEDED


def deed_of(sync: Sync, verdict: Verdict) -> Deed:
    """What it was: a sync, a removal, a correction, a wait, a failure, or a broken connection."""
    if sync.unanswered:
        return Deed.TARGET_INTERRUPTED
    if verdict is Verdict.NOTED:
        return Deed.TARGET_WAITING
    if verdict is not Verdict.SUCCEEDED:
        return Deed.TARGET_FAILED
    if not sync.desired.digest:
        return Deed.TARGET_REMOVED
    corrections = all(change.action is Action.CORRECT for change in sync.plan.changes)
    return Deed.TARGET_CORRECTED if corrections else Deed.TARGET_SYNCED


def body_of(sync: Sync) -> dict[str, Any]:
    """Counts, the changes themselves as long as a person would read them, the others by name."""
    results = {result.key: result for result in sync.results}
    differences = Differences(sync.target.applied, sync.desired)
    changes = sync.plan.changes
    listed = [
        _listed(sync, change, results.get(change.key), differences)
        for change in changes[:MOST_CHANGES_LISTED]
    ]
    body: dict[str, Any] = {
        "plan": sync.plan.hash,
        "counts": dict(Counter(result.status.value for result in sync.results)),
        "changes": listed,
    }
    if len(changes) > len(listed):
        body["further"] = in_groups(
            (change.key, _ended(sync, change, results.get(change.key)))
            for change in changes[MOST_CHANGES_LISTED:]
        )
    if sync.plan.refused:
        body["refused"] = [
            {"object": str(key), **_told(error)} for key, error in sync.plan.refused.items()
        ]
    if sync.target.error is not None:
        body["error"] = _told(sync.target.error)
    return body


def in_groups(told: Iterable[tuple[ObjectKey, tuple[str, str]]]) -> list[dict[str, Any]]:
    """Objects by action, status, kind and namespace: a thousand of them in as many words."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, ended in told:
        groups.setdefault((*ended, str(key.group_kind), key.namespace), []).append(key.name)
    fields = ("action", "status", "kind", "namespace")
    return [{**dict(zip(fields, at, strict=True)), "names": names} for at, names in groups.items()]


def intent_of(
    desired: Desired, plan: Plan, *, at: datetime, who: str, why: str, trace_id: str
) -> Intent:
    """What a pass may do from now on."""
    return Intent(
        target=plan.target,
        at=at,
        who=who,
        why=why,
        revision=desired.grant.revision,
        plan=plan.hash,
        trace_id=trace_id,
        objects=in_groups((change.key, (change.action.value, UNKNOWN)) for change in plan.changes),
    )


def interrupted(intent: Intent, now: datetime) -> Entry:
    """The record of a pass whose end nobody saw, for the controller ended before."""
    return Entry(
        at=now,
        who=intent.who,
        what=Deed.TARGET_INTERRUPTED,
        why=intent.why,
        subject=str(intent.target),
        verdict=Verdict.FAILED,
        revision=intent.revision,
        trace_id=intent.trace_id,
        body={
            "plan": intent.plan,
            "since": intent.at.isoformat(),
            "error": {
                "reason": "ControllerEnded",
                "message": "the controller ended while these were being written; each may have "
                "been written or not",
                "next_step": "nothing to do: the target is looked at again",
            },
            "changes": [],
            "further": list(intent.objects),
        },
    )


def _ended(sync: Sync, change: Change, result: Result | None) -> tuple[str, str]:
    """What was done, and how it ended."""
    if result is not None:
        # A create that met something to be adopted ends as an adoption.
        return result.action.value, result.status.value
    if change.key in sync.unanswered:
        return change.action.value, UNKNOWN
    return change.action.value, _UNTOUCHED[sync.plan.proven]


def _listed(
    sync: Sync, change: Change, result: Result | None, differences: Differences
) -> dict[str, Any]:
    action, status = _ended(sync, change, result)
    told: dict[str, Any] = {
        "object": str(change.key),
        "action": action,
        "status": status,
        "before": change.before_digest or "",
        "after": change.after_digest or "",
    }
    if change.cause:
        told["cause"] = change.cause
    patch = change.patch
    if patch is None and change.action is Action.UPDATE:
        patch = differences.of(change.key)
    if patch:
        told["patch"] = list(patch)
    if result and result.error:
        told |= _told(result.error)
    if result and result.note:
        told["note"] = result.note
    return told


_UNTOUCHED = {Proof.EXPECTED: "not reached", Proof.DRY_RUN: "only tried out"}


def _told(error: ShoalError) -> dict[str, str]:
    return {"reason": error.reason, "message": error.message, "next_step": error.next_step}
