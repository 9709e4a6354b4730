"""What must wait for a person, and the sentence that tells this person why.

Asked before anything is written. A hold's sentence is read at night by somebody who did not cause
it: it says what would happen, why that is doubtful, and `Hold.release` says how to let it go. A
hold stops no more than it must: a prune beyond its budget waits, and what is written goes on; a
render that is likely broken stops all that comes from Git; corrections of drift stop only when the
application is suspended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shoal.errors import OwnershipConflict, ShoalError
from shoal.model.choice import Choice
from shoal.model.digests import digest_parts, digest_value
from shoal.model.holds import Approval, Hold, HoldCause, group_of
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.phrases import counted
from shoal.model.plans import Action, Change, Desired, Plan
from shoal.planning.budgeting import deletions, is_shrunk, named, why_beyond_budget
from shoal.planning.fighting import MOST_CORRECTIONS, WINDOW, Struggle

BY_SHOAL = "shoal"
Released = Mapping[HoldCause, "Release"]
"""What a person let go, by cause; it may be carried out in several passes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gate that says no: its place in the document, what stands there, and why."""

    index: int
    gate: Choice
    why: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a target beside its plan.

    `owned` are the objects that it has now, `lacking` the dependencies that are not there yet,
    `revision_prunes` says why its revision deletes too much in the whole fleet, `standing` is the
    hold that it has: objects that are written meanwhile make no prune harmless.
    """

    owned: Collection[ObjectKey] = ()
    lacking: Sequence[Ref] = ()
    revision_prunes: str = ""
    standing: Hold | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A hold that is called for, and the part of the plan that it holds."""

    hold: Hold
    part: Plan


@dataclass(frozen=True, slots=True)
class Release:
    """What was let go, and until when that counts."""

    changes: frozenset[tuple[ObjectKey, Action]]
    until: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The hold that stands, or None, and what was let go so far."""

    hold: Hold | None
    released: Released = field(default_factory=dict)


def doubts(plan: Plan, desired: Desired, known: Circumstances, now: datetime) -> Iterator[Doubt]:
    """Every hold that this plan calls for, the one that stops most first.

    Who approves an empty or a shrunk set has seen what it deletes, and is not asked again.
    """
    from_git = changes_from_git(plan)
    wanted, owned = len(desired.content.manifests), len(known.owned)
    if known.lacking and from_git.changes:
        yield _doubt(from_git, HoldCause.DEPENDENCY, _explain_lack(plan, known.lacking), now)
    if not wanted and owned:
        yield _doubt(from_git, HoldCause.EMPTY_RENDER, _explain_empty(plan, owned), now)
    elif is_shrunk(plan, wanted, owned):
        why = _explain_shrunk(plan, wanted, owned)
        yield _doubt(from_git, HoldCause.SHRUNK_RENDER, why, now)
    elif deletions(plan).changes:
        prunes = deletions(plan)
        if reason := _why_not_pruned(plan, prunes, known):
            yield _doubt(prunes, HoldCause.PRUNE_BUDGET, reason, now)


def decide(
    called_for: Iterable[Doubt],
    *,
    approvals: Mapping[str, Approval],
    released: Released,
    now: datetime,
) -> Decision:
    """The first hold that nobody has let go.

    What was let go once stays so while the rest of it is carried out, pass by pass, as long as the
    approval counts and nothing is added to it.
    """
    let_go = dict(released)
    for doubt in called_for:
        changes = frozenset((change.key, change.action) for change in doubt.part.changes)
        approval = approval_of(doubt.hold, approvals, now)
        if approval is not None:
            let_go[doubt.hold.cause] = Release(changes, approval.until)
            continue
        before = let_go.get(doubt.hold.cause)
        if before is not None and before.until > now and changes <= before.changes:
            continue
        return Decision(doubt.hold, let_go)
    return Decision(None, let_go)


def changes_from_git(plan: Plan) -> Plan:
    """The plan without corrections of drift, which no hold but a suspension stops."""
    return plan.where(lambda change: change.action is not Action.CORRECT)


def corrections(plan: Plan) -> Plan:
    """The part of a plan that undoes drift."""
    return replace(plan.only(frozenset({Action.CORRECT})), refused={})


def taken_by_others(plan: Plan) -> Mapping[ObjectKey, ShoalError]:
    """The objects of a plan that belong to somebody else, and whom."""
    errors = plan.refused.items()
    return {key: error for key, error in errors if isinstance(error, OwnershipConflict)}


def free_part(plan: Plan, hold: Hold) -> Plan:
    """What of the plan goes on while this hold stands."""
    match hold.cause:
        case HoldCause.PRUNE_BUDGET:
            return plan.where(lambda change: change.action is not Action.DELETE)
        case HoldCause.SUSPENDED:
            return plan.where(lambda change: False)
        case _:
            return corrections(plan)


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
    gates = [digest_value(each.gate.as_document()) for each in refusals]
    return Hold(
        subject=str(target),
        cause=HoldCause.GATE,
        reason=f"{counted(count, 'change')} of {target.application} on cluster {target.cluster} "
        f"{'waits' if count == 1 else 'wait'}, because {refused}",
        by=BY_SHOAL,
        since=now,
        content=digest_parts((plan.hash, *gates)),
        group=group_of(digest_parts((plan.group_hash, *gates))),
    )


def orphan_hold(orphans: Plan, why: str, now: datetime) -> Hold:
    """The hold of objects that carry the marks of a target and that nothing in Git wants.

    They were found by a sweep; `why` completes "because …".
    """
    target, count = orphans.target, len(orphans.changes)
    names = named([change.key for change in orphans.changes])
    one = count == 1
    return Hold(
        subject=str(target),
        cause=HoldCause.ORPHANED,
        reason=f"{counted(count, 'object')} in cluster {target.cluster} "
        f"{'carries' if one else 'carry'} the marks of application {target.application}, and Git "
        f"does not have "
        f"{'it' if one else 'them'} ({names}); Shoal cannot tell whether it was told to delete "
        f"{'it' if one else 'them'}, because {why}; without approval {_they(count)} kept",
        by=BY_SHOAL,
        since=now,
        content=orphans.hash,
        group=group_of(orphans.group_hash),
    )


def conflict_hold(
    target: TargetKey, change: Change, struggle: Struggle, manager: str, now: datetime
) -> Hold:
    """The hold of one object that somebody changes back as often as Shoal corrects it.

    `manager` is who changed it last; empty when nobody can say. The hold's content names the fight
    and not only the object: a later fight is another hold.
    """
    who = f"client {manager}" if manager else "an unknown client"
    minutes = int(WINDOW.total_seconds() // 60)
    return Hold(
        subject=str(target),
        cause=HoldCause.CONFLICT,
        reason=f"{change.key} in cluster {target.cluster} was changed back {MOST_CORRECTIONS} "
        f"times in {minutes} minutes by {who}; it is left as it is until that stops or you let it "
        "be corrected again",
        by=BY_SHOAL,
        since=now,
        content=f"{change.key.text} {struggle.corrections[0].isoformat()}",
        group=group_of(Plan(target, (change,)).group_hash),
    )


def fought_over(hold: Hold) -> ObjectKey:
    """The object that a conflict is about."""
    return ObjectKey.parse(hold.content.partition(" ")[0])


def approval_of(hold: Hold, approvals: Mapping[str, Approval], now: datetime) -> Approval | None:
    """The approval of exactly this hold, or of its group, that still counts."""
    for name in (hold.id, hold.group):
        approval = approvals.get(name) if name else None
        if approval is not None and approval.until > now:
            return approval
    return None


def is_approved(hold: Hold, approvals: Mapping[str, Approval], now: datetime) -> bool:
    """Whether a person released this hold, and that still counts."""
    return approval_of(hold, approvals, now) is not None


def _why_not_pruned(plan: Plan, prunes: Plan, known: Circumstances) -> str:
    held = known.standing
    if held and held.cause is HoldCause.PRUNE_BUDGET and held.content == prunes.hash:
        return held.reason
    why = why_beyond_budget(plan, known.owned) or known.revision_prunes
    there = {*known.owned, *(change.key for change in prunes.changes)}
    return _explain_prune(prunes, len(there), why) if why else ""


def _doubt(part: Plan, cause: HoldCause, reason: str, now: datetime) -> Doubt:
    subject, group = str(part.target), group_of(part.group_hash)
    return Doubt(Hold(subject, cause, reason, BY_SHOAL, now, content=part.hash, group=group), part)


def _explain_lack(plan: Plan, lacking: Sequence[Ref]) -> str:
    one = len(lacking) == 1
    names = f"application{'' if one else 's'} {', '.join(map(str, lacking))}"
    return (
        f"{plan.target.application} on cluster {plan.target.cluster} waits until {names} "
        f"{'is' if one else 'are'} synced and healthy there"
    )


def _explain_empty(plan: Plan, owned_count: int) -> str:
    return (
        f"the source of {plan.target.application} renders to nothing, but "
        f"{counted(owned_count, 'object')} of it {'is' if owned_count == 1 else 'are'} in "
        f"cluster {plan.target.cluster}; without approval {_they(owned_count)} kept"
    )


def _explain_shrunk(plan: Plan, wanted: int, owned: int) -> str:
    gone = [change.key for change in deletions(plan).changes]
    return (
        f"the source of {plan.target.application} renders to {counted(wanted, 'object')}, less "
        f"than half of the {owned} that are in cluster {plan.target.cluster}; without approval "
        f"nothing is changed, and {named(gone)} {'is' if len(gone) == 1 else 'are'} kept"
    )


def _explain_prune(prunes: Plan, owned: int, why: str) -> str:
    gone = [change.key for change in prunes.changes]
    return (
        f"{len(gone)} of {counted(owned, 'object')} of {prunes.target.application} would be "
        f"deleted from cluster {prunes.target.cluster} ({named(gone)}), {why}; what is "
        f"written goes on, and without approval {_they(len(gone))} kept"
    )


def _they(count: int) -> str:
    return "it is" if count == 1 else "they are"
