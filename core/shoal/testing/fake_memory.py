"""What the session of a fake target knows, and the plans that follow from it: no cluster is asked.

The counterpart of the register and the planner of a real target.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shoal.errors import MissingApi, OwnershipConflict, ShoalError
from shoal.model.digests import digest_value
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Change, Desired, Owned, OwnedState, Plan
from shoal.model.policies import PrunePolicy
from shoal.model.sightings import Drift
from shoal.testing.fake_cluster import JOB, FakeCluster, key_of

Body = dict[str, Any]


class FakeMemory:
    """Rows newer than the inventory, drift, and what all targets want."""

    def __init__(self, cluster: FakeCluster, owned: Mapping[ObjectKey, Owned]) -> None:
        self._cluster = cluster
        self._owned = owned
        self._newer: dict[ObjectKey, tuple[Owned | None, Owned | None]] = {}
        self._wants: Mapping[TargetKey, frozenset[ObjectKey]] | None = None
        self._unknown: frozenset[TargetKey] = frozenset()
        self.drifted: dict[ObjectKey, Drift] = {}

    def learn(self, wanted: Collection[Desired] | None, unknown: Collection[TargetKey]) -> None:
        """What all targets want from now on; None: nobody can say."""
        self._unknown = frozenset(unknown)
        self._wants = None if wanted is None else {one.target: _keys(one) for one in wanted}

    def row(self, key: ObjectKey) -> Owned | None:
        """The newest row of an object."""
        stored = self._owned.get(key)
        base, newer = self._newer.get(key, (stored, stored))
        return newer if base == stored else stored

    def keep(self, key: ObjectKey, row: Owned | None) -> None:
        """This is the true row until the engine has stored it."""
        self._newer[key] = (self._owned.get(key), row)

    def unknown_objects(self) -> int:
        """How many objects of ours there are of which no row tells."""
        objects = self._cluster.objects.items()
        return sum(live.owner is not None and self.row(key) is None for key, live in objects)

    def is_wanted_by(self, target: TargetKey, key: ObjectKey) -> bool | None:
        """Whether a target wants an object; None when nobody can say."""
        if self._wants is None or target in self._unknown:
            return None
        return key in self._wants.get(target, ())

    def may_be_deleted(self, key: ObjectKey, owner: TargetKey) -> bool:
        """Whether it is known that nobody else wants the object."""
        return self._wants is not None and self._claimant(key, owner) is None

    def plan(
        self, desired: Desired, only: frozenset[ObjectKey] | None, *, rerun: bool
    ) -> tuple[Plan, Mapping[ObjectKey, Body]]:
        """What would change, and the bodies of what is wanted."""
        wanted, refused = self.prepared(desired)
        rows = self.rows_of(desired.target)
        changes = [self._change(key, wanted[key], rows.get(key), desired, rerun) for key in wanted]
        if desired.policy.prune is not PrunePolicy.NEVER:
            changes += [
                self._leaving(row, lets_go=desired.lets_go)
                for key, row in rows.items()
                if key not in wanted and key not in refused
            ]
        kept = sorted(
            (one for one in changes if one and (only is None or one.key in only)),
            key=lambda change: change.key,
        )
        meant = {key: why for key, why in refused.items() if only is None or key in only}
        return Plan(desired.target, tuple(kept), refused=meant), wanted

    def prepared(
        self, desired: Desired
    ) -> tuple[dict[ObjectKey, Body], dict[ObjectKey, ShoalError]]:
        """What can be applied, and what cannot, with why."""
        wanted: dict[ObjectKey, Body] = {}
        refused: dict[ObjectKey, ShoalError] = {}
        for manifest in desired.content.manifests:
            key = key_of(manifest.body)
            row = self.row(key)
            other = row.target if row is not None and row.target != desired.target else None
            if other is not None and self.is_wanted_by(other, key):
                owner = other.application
                refused[key] = OwnershipConflict(f"{key} belongs to application {owner}")
            elif key.group_kind in self._cluster.served:
                wanted[key] = dict(manifest.body)
            else:
                refused[key] = MissingApi(f"{key} ({manifest.origin}): its kind is not served")
        return wanted, refused

    def rows_of(self, target: TargetKey) -> dict[ObjectKey, Owned]:
        """The rows of one target."""
        rows = {key: self.row(key) for key in (*self._owned, *self._newer)}
        return {key: row for key, row in rows.items() if row and row.target == target}

    def _change(
        self, key: ObjectKey, body: Body, row: Owned | None, desired: Desired, rerun: bool
    ) -> Change | None:
        after, other = digest_value(body), self.row(key)
        if row is None and other is not None:
            cause = f"taken over from application {other.target.application}"
            return Change(key, Action.ADOPT, None, after, cause)
        if row is None or not row.uid:
            return Change(key, Action.CREATE, None, after, "not there yet")
        is_job = key.group_kind == JOB
        if row.desired_digest != after:
            action = Action.RECREATE if is_job and row.desired_digest else Action.UPDATE
            return Change(key, action, row.desired_digest, after, "changed in Git")
        if is_job and rerun and self._cluster.has_finished(key):
            return Change(key, Action.RECREATE, None, after, "asked to run again")
        drift = self.drifted.get(key)
        if drift is not None:
            cause = "changed in the cluster"
            change = Change(key, Action.CORRECT, drift.owned_digest, row.owned_digest, cause)
            return change if drift.is_corrected_by(desired.policy) else None
        if row.state is not OwnedState.CONFIRMED:
            return Change(key, Action.UPDATE, row.desired_digest, after, "not known to be applied")
        return None

    def _leaving(self, row: Owned, *, lets_go: bool) -> Change:
        claimant = self._claimant(row.key, row.target)
        before = row.desired_digest or None
        if claimant is None and lets_go:
            return Change(row.key, Action.LET_GO, before, None, "left where it is")
        if claimant is None:
            return Change(row.key, Action.DELETE, before, None, "removed from Git")
        cause = f"application {claimant.application} takes it over"
        return Change(row.key, Action.HAND_OVER, before, None, cause)

    def _claimant(self, key: ObjectKey, owner: TargetKey) -> TargetKey | None:
        wants = self._wants or {}
        claims = (target for target in wants if target != owner and key in wants[target])
        return min(claims, default=None)


def _keys(desired: Desired) -> frozenset[ObjectKey]:
    return frozenset(key_of(manifest.body) for manifest in desired.content.manifests)
