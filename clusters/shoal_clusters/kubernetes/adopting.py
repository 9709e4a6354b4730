"""Adopting: whose an object is that is there already, and how it becomes ours where it may.

`judge` says what a GET found. Ours: written as usual. Of another application of this fleet: taken
over once that one no longer wants it, with nothing deleted. Anybody else's: refused by name, unless
`whenAlreadyExists` allows more. Never adopted is what a controller made, or what another Shoal
fleet marked.

Adoption is two writes: a JSON Patch, bound to the version that was looked at, takes the marks of
the former owner away and makes us the heir of its fields; then the ordinary apply, bound to the
uid. Whoever dies in between finds an object without an owner, and begins again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from shoal.errors import OwnershipConflict, ShoalError
from shoal.model.identity import TargetKey
from shoal.model.phrases import some_of
from shoal.model.plans import Result, ResultStatus
from shoal.model.policies import ExistingPolicy
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.claiming import Believed, found
from shoal_clusters.kubernetes.inheriting import inheritance, is_left_over
from shoal_clusters.kubernetes.marks import Holder, whose
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.kubernetes.tools import Errand, ended, keep
from shoal_clusters.kubernetes.trying import (
    cannot_be_tried,
    changes_but_marks,
    try_adoption,
)
from shoal_clusters.kubernetes.vanishing import is_leaving
from shoal_clusters.transport import Answer

_SHOWN_PATHS = 5


class Theirs(NamedTuple):
    """An object of somebody else that we may take over, and whose it is.

    `is_ours_to_inherit`: another tool's, whose fields and marks go first; else another application
    of this fleet let it go.
    """

    owner: str
    is_ours_to_inherit: bool


Judgement = Believed | Theirs | Result
"""Ours, to be written to; theirs, to be taken over; or the end of this change."""
Claim = Result | tuple[Believed, str]
"""How the change ended; or what to write to, and whose it was when it was not ours.

A `Believed` without a uid: it changed while we looked, so look again.
"""


async def claim(errand: Errand, live: Mapping[str, Any]) -> Claim:
    """Judge a live object, and make it ready to be written where it may be."""
    judged = await judge(errand, live)
    if isinstance(judged, Result):
        return judged
    if errand.prepared.mode is Mode.IF_NOT_PRESENT:
        return keep(errand, live, ResultStatus.UNCHANGED)
    if isinstance(judged, Believed):
        return judged, ""
    if judged.is_ours_to_inherit:
        refused = await _refused_beforehand(errand, live)
        return refused or await _inherit(errand, live, judged.owner)
    return found(live), judged.owner


async def judge(errand: Errand, live: Mapping[str, Any]) -> Judgement:
    """Whose a live object is, and what that means for this change. Stores nothing."""
    verdict = errand.tools.comparer.compare(live, errand.row, is_event=False)
    if not isinstance(verdict, comparing.NotOurs):
        return found(live)
    if errand.prepared.mode is Mode.IF_NOT_PRESENT:
        return _present(errand, verdict.owner)
    other = _other_target(errand, live)
    handed_over = _handed_over(errand, other, verdict) if other is not None else None
    return handed_over or await _adopted(errand, live, verdict)


def _present(errand: Errand, owner: str) -> Result:
    """It is there, and its manifest asks for no more than that."""
    note = f"left as it is: it is there already and belongs to {owner}"
    return Result(errand.key, errand.change.action, ResultStatus.FORGOTTEN, note=note)


# -- another application of this fleet ---------------------------------------------------------


def _other_target(errand: Errand, live: Mapping[str, Any]) -> TargetKey | None:
    """The target of this fleet that the marks name, when it is not this one."""
    ownership = whose(live, errand.key, fleet=errand.tools.comparer.fleet)
    target = errand.task.target
    is_fleets = ownership.holder in (Holder.OURS, Holder.UNAPPLIED)
    if not is_fleets or ownership.application in (None, target.application):
        return None
    assert ownership.application is not None
    return TargetKey(ownership.application, target.cluster)


def _handed_over(
    errand: Errand, other: TargetKey, verdict: comparing.NotOurs
) -> Theirs | Result | None:
    """What the other wants decides; None when its marks stand on an object that it never wrote."""
    is_wanted = errand.tools.wants.by(other, errand.key)
    if is_wanted is None:
        application = f"Shoal application {other.application}"
        note = f"waits until it is known whether {application} still wants it"
        return Result(errand.key, errand.change.action, ResultStatus.WAITING, note=note)
    if is_wanted:
        conflict = errand.conflict(verdict.owner, next_step="remove it from one of both")
        return ended(errand.change, conflict)
    if verdict.holder is Holder.UNAPPLIED:
        return None
    return Theirs(verdict.owner, is_ours_to_inherit=False)


# -- somebody else -----------------------------------------------------------------------------


async def _adopted(
    errand: Errand, live: Mapping[str, Any], verdict: comparing.NotOurs
) -> Theirs | Result:
    policy, change = errand.task.policy.when_already_exists, errand.change
    if is_leaving(live):
        note = f"waits until the object of {verdict.owner} is gone: it is being deleted"
        return Result(errand.key, change.action, ResultStatus.WAITING, note=note)
    never = _why_never(verdict.holder)
    if never or policy is ExistingPolicy.FAIL:
        return ended(change, errand.conflict(verdict.owner, next_step=never))
    if policy is ExistingPolicy.ADOPT_IF_NO_DIFF:
        there = await whole(errand, live)
        if isinstance(there, ShoalError):
            return ended(change, there)
        differs = await changes_but_marks(errand, there)
        if isinstance(differs, Result):
            return differs
        if differs:
            return ended(change, _differs(errand, verdict.owner, differs))
    return Theirs(verdict.owner, is_ours_to_inherit=True)


async def inherit_rest(
    errand: Errand, answer: Answer, taken_from: str
) -> tuple[Believed, str] | None:
    """What to write to once more, when the first tracked write of an object left an heirloom.

    Of an object without managedFields nobody knows who set what: the server then notes all of it
    for `before-first-apply`.
    """
    if not taken_from or errand.prepared.mode is Mode.REPLACE:
        return None
    live = orjson.loads(answer.body)
    if not is_left_over(live, errand.task.policy.by_hand):
        return None
    found_now = await _inherit(errand, live, taken_from)
    return None if isinstance(found_now, Result) else found_now


async def whole(errand: Errand, live: Mapping[str, Any]) -> Mapping[str, Any] | ShoalError:
    """The object with its values: of a Secret they are read once it is ours, or is to be."""
    if live.get("kind") == errand.key.kind:
        return live
    answer = await read(errand.tools.transport, errand.resource, errand.key)
    if answer.status != 200:
        return errand.tools.refusal(answer, errand.key, "get")
    found_whole: Mapping[str, Any] = orjson.loads(answer.body)
    return found_whole


async def _refused_beforehand(errand: Errand, live: Mapping[str, Any]) -> Result | None:
    """How it ends when the server would refuse our write: then the object stays as it is.

    Asked before the owner's marks are taken away, or nobody would have the object. What is to be
    adopted only without a difference was tried out already; what may be recreated is refused on the
    way to that.
    """
    is_tried = errand.task.policy.when_already_exists is ExistingPolicy.ADOPT_IF_NO_DIFF
    if is_tried or errand.prepared.mode in (Mode.RECREATE, Mode.REPLACE):
        return None
    there = await whole(errand, live)
    if isinstance(there, ShoalError):
        return ended(errand.change, there)
    answer = await try_adoption(errand, there)
    is_told = answer.status not in (200, 404, 409) and not cannot_be_tried(answer)
    return ended(errand.change, errand.refused(answer)) if is_told else None


async def _inherit(errand: Errand, live: Mapping[str, Any], owner: str) -> Claim:
    there = await whole(errand, live)
    if isinstance(there, ShoalError):
        return ended(errand.change, there)
    live = there
    operations = inheritance(live, errand.prepared.body, errand.task.policy.by_hand)
    if not operations or errand.prepared.mode is Mode.REPLACE:
        return found(live), owner
    if not errand.task.granted():
        return Result(errand.key, errand.change.action, ResultStatus.REVOKED)
    tools = errand.tools
    version = live["metadata"]["resourceVersion"]
    answer = await patch_exactly(
        tools.transport, errand.resource, errand.key, operations, version=version
    )
    if answer.status == 200:
        return found(orjson.loads(answer.body)), owner
    if answer.status in (404, 409):
        return Believed(), ""
    return ended(errand.change, tools.refusal(answer, errand.key, "patch"))


def _why_never(holder: Holder) -> str:
    """What to do about an object that is never adopted; empty when it may be."""
    if holder is Holder.OTHER_FLEET:
        return "let that fleet go of it, or remove its shoal.dev marks from the object by hand"
    if holder is Holder.CONTROLLED:
        return "a controller makes it: remove it from the application's manifests"
    return ""


def _differs(errand: Errand, owner: str, paths: Sequence[str]) -> OwnershipConflict:
    return errand.conflict(
        owner,
        f", because adopting it would change {some_of(paths, _SHOWN_PATHS)}",
        "make the manifest equal to what is live, or set sync.whenAlreadyExists: Adopt",
    )
