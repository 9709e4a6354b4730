"""What must wait for a person, and the sentence that tells this person why.

Asked before anything is written. A hold's sentence is read at night by somebody who did not cause
it: it says what would happen, why that is doubtful, and `Hold.release` says how to let it go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shoal.model.choice import Choice
from shoal.model.digests import digest_parts, digest_value
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import TargetKey
from shoal.model.plans import Desired, Plan

BY_SHOAL = "shoal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gate that says no: its place in the document, what stands there, and why."""

    index: int
    gate: Choice
    why: str


def hold_for(
    plan: Plan,
    desired: Desired,
    *,
    owned_count: int,
    suspensions: Sequence[Hold],
    approvals: Sequence[Approval],
    now: datetime,
) -> Hold | None:
    """What stops this plan, or None. A suspension comes before all else.

    `owned_count` is the number of objects that the target has now. An approval lifts the hold that
    it names, until it expires; a suspension is ended by `shoal resume` alone.
    """
    suspended = suspension_of(plan.target, suspensions, now)
    if suspended is not None:
        return suspended
    if desired.content.manifests or not owned_count:
        return None
    hold = Hold(
        subject=str(plan.target),
        cause=HoldCause.EMPTY_RENDER,
        reason=_explain_empty(plan, owned_count),
        by=BY_SHOAL,
        since=now,
        content=plan.hash,
    )
    return None if is_approved(hold, approvals, now) else hold


def suspension_of(target: TargetKey, suspensions: Iterable[Hold], now: datetime) -> Hold | None:
    """The suspension of this target's application that still stands; the oldest of several."""
    standing = (
        hold
        for hold in suspensions
        if hold.cause is HoldCause.SUSPENDED
        and hold.subject == str(target.application)
        and (hold.until is None or hold.until > now)
    )
    return min(standing, key=lambda hold: hold.since, default=None)


def gate_hold(plan: Plan, refusals: Sequence[Refusal], now: datetime) -> Hold:
    """The hold of a plan that gates refuse, all of them in one sentence.

    Its content is the plan and the gates as they are written: an approval counts for exactly these,
    and not for another gate that refuses the same plan later.
    """
    refused = "; ".join(
        f"spec.gates[{each.index}] ({each.gate.name}) says: {each.why}" for each in refusals
    )
    target, count = plan.target, len(plan.changes)
    gates = (digest_value(each.gate.as_document()) for each in refusals)
    return Hold(
        subject=str(target),
        cause=HoldCause.GATE,
        reason=f"{_changes(count)} of {target.application} on cluster {target.cluster} "
        f"{'waits' if count == 1 else 'wait'}, because {refused}",
        by=BY_SHOAL,
        since=now,
        content=digest_parts((plan.hash, *gates)),
    )


def removal_hold(
    target: TargetKey, owned_count: int, why: str, now: datetime, *, content: str = ""
) -> Hold:
    """The hold of a target that nobody wants any more: its objects stay until it is approved.

    `why` completes "because …" (`the Application was removed from Git`). `content` should differ
    from one removal to the next, so that an old approval is not one of a later removal.
    """
    return Hold(
        subject=str(target),
        cause=HoldCause.REMOVING,
        reason=f"{_objects(owned_count)} of {target.application} would be deleted from cluster "
        f"{target.cluster}, because {why}; without approval {_they(owned_count)} kept",
        by=BY_SHOAL,
        since=now,
        content=content,
    )


def is_approved(hold: Hold, approvals: Iterable[Approval], now: datetime) -> bool:
    """Whether a person released exactly this hold, and that still counts."""
    return any(approval.hold == hold.id and approval.until > now for approval in approvals)


def _explain_empty(plan: Plan, owned_count: int) -> str:
    return (
        f"the source of {plan.target.application} renders to nothing, but {_objects(owned_count)} "
        f"of it {'is' if owned_count == 1 else 'are'} in cluster {plan.target.cluster}; "
        f"without approval {_they(owned_count)} kept"
    )


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def _they(count: int) -> str:
    return "it is" if count == 1 else "they are"
