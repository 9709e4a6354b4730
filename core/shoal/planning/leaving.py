"""How an application leaves a cluster: kept for a grace period, then deleted, or left as nobody's.

The grace period takes the place of the budgets that a prune has: somebody who removed too much puts
it back, and nothing has happened. What takes more with it than itself, and what is more than a
revision may delete in the whole fleet, waits for a person however long that takes. The end of the
period is stored with the hold: a restart neither shortens it nor begins it anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shoal.model.digests import digest_parts
from shoal.model.documents import Application, Cluster
from shoal.model.holds import Approval, Hold, HoldCause, group_of
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.phrases import counted
from shoal.model.policies import LeavingPolicy, PrunePolicy, SyncMode, SyncPolicy
from shoal.planning.budgeting import PRECIOUS_KINDS, is_beyond_fleet_budget, named
from shoal.planning.placing import is_placed


@dataclass(frozen=True, slots=True)
class Leaving:
    """What becomes of an application's objects: when it was removed, and on a cluster it left."""

    application_removed: LeavingPolicy = LeavingPolicy.DELETE
    cluster_left: LeavingPolicy = LeavingPolicy.DELETE


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a target is not wanted any more, and what becomes of its objects.

    `why` completes "because …" (`application default/shop was removed from the fleet`).
    """

    why: str
    policy: LeavingPolicy


@dataclass(frozen=True, slots=True)
class FleetLoad:
    """How many objects the whole fleet has, and how many of them are to be deleted already."""

    objects: int
    leaving: int = 0


def leaving(policy: SyncPolicy) -> Leaving:
    """What this policy says; an application that never deletes anything does not when it goes."""
    if policy.prune is PrunePolicy.NEVER or policy.mode is SyncMode.OBSERVE:
        return Leaving(LeavingPolicy.ORPHAN, LeavingPolicy.ORPHAN)
    return Leaving(policy.when_application_removed, policy.when_cluster_left)


def is_unwanted(target: TargetKey, application: Application | None, cluster: Cluster) -> bool:
    """Whether these very documents say that the application is not to be on the cluster."""
    assert cluster.metadata.name == target.cluster
    return application is None or not is_placed(application, cluster)


def removal_hold(
    target: TargetKey,
    owned: Collection[ObjectKey],
    removal: Removal,
    *,
    now: datetime,
    grace: timedelta,
    fleet: FleetLoad,
    content: str = "",
    before: Hold | None = None,
) -> Hold:
    """The hold of a target that nobody wants any more.

    `content` should differ from one removal to the next, so that an old approval is not one of a
    later removal. `before` is the hold that this removal has already: its times and group stay.
    """
    why_not = _why_not_by_itself(owned, removal, fleet)
    until = before.until if before is not None else None
    if until is None and not why_not:
        until = now + grace
    since = before.since if before is not None else now
    return Hold(
        subject=str(target),
        cause=HoldCause.REMOVING,
        reason=_reason(target, len(owned), removal, until, why_not),
        by="shoal",
        since=since,
        content=content,
        until=until,
        group=before.group if before is not None else _group_of(target, since),
    )


def _group_of(target: TargetKey, since: datetime) -> str:
    """What leaves in the same moment, on whatever cluster, was decided by the same change."""
    return group_of(digest_parts((str(target.application), since.isoformat())))


def goes_at(
    hold: Hold | None, approval: Approval | None, suspensions: Iterable[Hold], now: datetime
) -> datetime | None:
    """When a removal is carried out: not before the end of its hold, or at once when approved.

    A suspension keeps everything as it is, whatever was approved. None: only a person can say.
    """
    if approval is not None and approval.until > now:
        ends = [now]
    elif hold is None or hold.until is None:
        return None
    else:
        ends = [hold.until]
    for suspension in suspensions:
        if suspension.until is None:
            return None
        ends.append(suspension.until)
    return max(ends)


def _why_not_by_itself(owned: Collection[ObjectKey], removal: Removal, fleet: FleetLoad) -> str:
    """Why the grace period alone is not enough; empty when it is."""
    if removal.policy is LeavingPolicy.ORPHAN:
        return ""
    precious = [key for key in owned if key.group_kind in PRECIOUS_KINDS]
    if precious:
        return f"among them {'is' if len(precious) == 1 else 'are'} {named(precious)}"
    total = fleet.leaving + len(owned)
    if is_beyond_fleet_budget(total, fleet.objects):
        return f"{total} of the {fleet.objects} objects of the whole fleet are to be deleted"
    return ""


def _reason(
    target: TargetKey, owned: int, removal: Removal, until: datetime | None, why_not: str
) -> str:
    objects = f"{counted(owned, 'object')} of {target.application}"
    where, they = f"cluster {target.cluster}", "it is" if owned == 1 else "they are"
    if until is None:
        return (
            f"{objects} would be deleted from {where}, because {removal.why}; {why_not}: without "
            f"approval {they} kept"
        )
    at = f"{until:%Y-%m-%d %H:%M:%S} UTC"
    will = "will be left in {} as nobody's" if _is_orphaning(removal) else "will be deleted from {}"
    return (
        f"{objects} {will.format(where)} at {at}, because {removal.why}; until then {they} kept, "
        f"and putting it back undoes that"
    )


def _is_orphaning(removal: Removal) -> bool:
    return removal.policy is LeavingPolicy.ORPHAN
