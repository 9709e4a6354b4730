"""A carried-out plan as the ledger tells it: what was done, how it ended, and the patches, masked.

Pure: `recording` stores what is made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shoal.engine.differences import Differences
from shoal.engine.state import TargetState
from shoal.errors import ShoalError
from shoal.model.plans import Action, Change, Desired, Plan, Proof, Result, ResultStatus
from shoal.model.records import Deed, Verdict

# More changes than this in one sync are counted, not listed: a record is read by people.
MOST_CHANGES_LISTED = 50
UNFINISHED = frozenset({ResultStatus.WAITING, ResultStatus.REVOKED})


@dataclass(frozen=True, slots=True)
class Sync:
    """One carried-out plan, as it is recorded."""

    target: TargetState
    desired: Desired
    plan: Plan
    results: Sequence[Result]
    who: str
    why: str


def verdict_of(sync: Sync) -> Verdict:
    """How it ended, as a whole; what only waits has neither succeeded nor failed."""
    statuses = {result.status for result in sync.results}
    is_broken = ResultStatus.FAILED in statuses or sync.plan.refused or sync.target.error
    if is_broken:
        done = statuses - {ResultStatus.FAILED, ResultStatus.WAITING, ResultStatus.REVOKED}
        return Verdict.PARTIAL if done else Verdict.FAILED
    return Verdict.NOTED if statuses & UNFINISHED else Verdict.SUCCEEDED


def deed_of(sync: Sync, verdict: Verdict) -> Deed:
    """What it was: a sync, a correction of drift, a wait, or a failure."""
    if verdict is Verdict.NOTED:
        return Deed.TARGET_WAITING
    if verdict is not Verdict.SUCCEEDED:
        return Deed.TARGET_FAILED
    corrections = all(change.action is Action.CORRECT for change in sync.plan.changes)
    return Deed.TARGET_CORRECTED if corrections else Deed.TARGET_SYNCED


def body_of(sync: Sync) -> dict[str, Any]:
    """Counts, and the changes themselves as long as a person would read them."""
    results = {result.key: result for result in sync.results}
    differences = Differences(sync.target.applied, sync.desired)
    listed = [
        _listed(sync.plan.proven, change, results.get(change.key), differences)
        for change in sync.plan.changes[:MOST_CHANGES_LISTED]
    ]
    body: dict[str, Any] = {
        "plan": sync.plan.hash,
        "counts": dict(Counter(result.status.value for result in sync.results)),
        "changes": listed,
    }
    unlisted = len(sync.plan.changes) - len(listed)
    if unlisted:
        body["unlisted"] = unlisted
    if sync.plan.refused:
        body["refused"] = [
            {"object": str(key), **_told(error)} for key, error in sync.plan.refused.items()
        ]
    if sync.target.error is not None:
        body["error"] = _told(sync.target.error)
    return body


def _listed(
    proven: Proof, change: Change, result: Result | None, differences: Differences
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "object": str(change.key),
        # A create that met something to be adopted ends as an adoption.
        "action": (result.action if result else change.action).value,
        "status": result.status.value if result else _UNTOUCHED[proven],
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
