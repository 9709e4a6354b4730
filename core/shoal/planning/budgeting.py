"""How much may be deleted without a person: per target, and by one revision in the whole fleet.

A prune that takes a large part of what an application has is more often a broken render, a wrong
path or a moved folder than a wish (fluxcd/flux2#2421, argoproj/argo-cd#7412). Only deletions count:
what is recreated or handed over to another application is there afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from shoal.model.documents import WORKLOAD_KINDS
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.phrases import some_of
from shoal.model.plans import WRITES, Action, Plan

PRECIOUS_KINDS = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        GroupKind("", "PersistentVolume"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apps", "StatefulSet"),
    }
)
"""What takes more with it than itself, or holds data: never deleted without a person."""

_NAMED = 3  # objects in a sentence


def deletions(plan: Plan) -> Plan:
    """The part of a plan that deletes."""
    return plan.only(frozenset({Action.DELETE}))


def why_beyond_budget(plan: Plan, owned: Collection[ObjectKey]) -> str:
    """Why this plan deletes too much to go on by itself; empty when it does not.

    `owned` are the objects that the target has now. Completes "3 of 8 objects would be deleted, …".
    """
    gone = [change.key for change in deletions(plan).changes]
    if not gone:
        return ""
    precious = [key for key in gone if key.group_kind in PRECIOUS_KINDS]
    if precious:
        return f"among them {named(precious)}"
    if _takes_last_workload(plan, gone, owned):
        return "among them the last workload"
    return "which is more than a quarter" if len(gone) > max(1, len(owned) / 4) else ""


def _takes_last_workload(plan: Plan, gone: list[ObjectKey], owned: Collection[ObjectKey]) -> bool:
    written = {change.key for change in plan.changes if change.action in WRITES}
    left = (written | set(owned)).difference(gone)
    return _has_workload(gone) and not _has_workload(left)


def _has_workload(keys: Iterable[ObjectKey]) -> bool:
    return any(key.group_kind in WORKLOAD_KINDS for key in keys)


def is_shrunk(plan: Plan, wanted: int, owned: int) -> bool:
    """Whether less than half of what was there is wanted still, and the rest would be deleted."""
    return bool(deletions(plan).changes) and wanted * 2 < owned


def named(keys: Collection[ObjectKey]) -> str:
    """`ConfigMap shop/a, Secret shop/b and 4 more`."""
    return some_of(sorted(keys), _NAMED)


def expected_deletions(owned: Iterable[ObjectKey], wanted: Iterable[ObjectKey]) -> int:
    """How many objects would go, before anything is planned.

    `wanted` is as written in Git, where a namespace may be left out, or stand on a kind that has
    none; so an object whose kind and name is wanted anywhere counts as wanted.
    """
    names = {(key.group, key.kind, key.name) for key in wanted}
    return sum((key.group, key.kind, key.name) not in names for key in owned)


def is_beyond_fleet_budget(deleted: int, objects: int) -> bool:
    """Whether so many deletions are too many at once in a fleet of so many objects."""
    return deleted > max(50, objects / 20)


@dataclass(slots=True)
class RevisionPrunes:
    """What one revision deletes over all its targets: what is still to come, and what is done.

    `objects` is what the fleet had when the revision came.
    """

    objects: int
    expected: dict[TargetKey, int] = field(default_factory=dict)
    done: int = 0

    def expect(self, target: TargetKey, count: int) -> None:
        """So many are still to be deleted at this target; the newest word counts."""
        if count:
            self.expected[target] = count
        else:
            self.expected.pop(target, None)

    def deleted(self, target: TargetKey, count: int) -> None:
        """So many of them were deleted."""
        self.done += count
        self.expect(target, max(0, self.expected.get(target, 0) - count))

    def why_beyond_budget(self) -> str:
        """Why this revision deletes too much in the whole fleet; empty when it does not."""
        total = self.done + sum(self.expected.values())
        if not is_beyond_fleet_budget(total, self.objects):
            return ""
        done = f", {self.done} of them already" if self.done else ""
        return f"and its revision would delete {total} of {self.objects} in the whole fleet{done}"
