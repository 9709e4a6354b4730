"""Orphans: what carries our marks and Git does not have, after the state was lost or is old.

Nobody can say whether somebody decided that such an object goes: the record of it is what was lost.
So it is shown as a hold of its target, and is deleted only when a person approves. Nothing else
waits for that, and no budget counts it: the approval named every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shoal.engine.handing_over import LEAVING
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.model.plans import Action, Change, OwnedState, Plan
from shoal.model.sightings import DriftKind
from shoal.planning.holding import is_approved, orphan_hold

LOST = "its record of this cluster was lost or is older than the cluster"


@dataclass(frozen=True, slots=True)
class Orphaning:
    """Keeps what nobody knows to be unwanted."""

    state: EngineState
    recording: Recording

    async def apart(self, target: TargetState, plan: Plan) -> tuple[Plan, Plan]:
        """The plan without the deletions of orphans; and those of them that a person approved.

        The hold of the others is placed, changed or ended on the way.
        """
        orphans = plan.where(lambda change: self._is_orphan(target, change))
        orphans = replace(orphans, refused={})
        rest = plan.where(lambda change: not self._is_orphan(target, change))
        nothing = replace(orphans, changes=())
        cluster = self._cluster(target)
        if cluster is not None and cluster.is_sweeping:
            if orphans.changes or target.orphaned is not None:
                self.wait_for_sweep(target)
            return rest, nothing  # what was found so far is no answer yet
        if not orphans.changes:
            await self._end(target)
            return rest, nothing
        hold = orphan_hold(orphans, LOST, self.state.now())
        if is_approved(hold, self.state.approvals, self.state.now()):
            target.orphaned = None
            return rest, orphans
        if target.orphaned is not None and target.orphaned.id != hold.id:
            await self._end(target)
        await self.recording.holds.place(hold)
        target.orphaned = hold
        return rest, nothing

    def wait_for_sweep(self, target: TargetState) -> None:
        """It is decided when the sweep is over; nothing to wait for when none is under way."""
        cluster = self._cluster(target)
        if cluster is not None and cluster.recovery is not None and cluster.is_sweeping:
            cluster.recovery.waiting.add(target.key)

    def without_waiting(self, target: TargetState, plan: Plan) -> Plan:
        """The plan without what waits for the end of a sweep, or until a kind can be listed."""
        return plan.where(lambda change: not self._is_waiting(target, change))

    def is_cut(self, target: TargetState, plan: Plan) -> bool:
        """Whether some of a plan waits for the end of a sweep, or until a kind can be listed."""
        return any(self._is_waiting(target, change) for change in plan.changes)

    def _is_orphan(self, target: TargetState, change: Change) -> bool:
        """Whether this would delete something that is there and was only found."""
        if change.action is not Action.DELETE:
            return False
        row = self.state.inventory(target.key.cluster).get(change.key)
        drift = target.drifted.get(change.key)
        is_gone = drift is not None and drift.kind is DriftKind.MISSING
        return row is not None and row.state is OwnedState.DOUBTED and not is_gone

    def _is_waiting(self, target: TargetState, change: Change) -> bool:
        """Whether this takes an object away while not all of its kind is known."""
        cluster = self._cluster(target)
        if cluster is None or cluster.recovery is None:
            return False
        if cluster.is_sweeping:
            return change.action in LEAVING
        return change.action is Action.DELETE and cluster.recovery.keeps(change.key.group_kind)

    def _cluster(self, target: TargetState) -> ClusterState | None:
        return self.state.clusters.get(target.key.cluster)

    async def _end(self, target: TargetState) -> None:
        if target.orphaned is not None:
            await self.recording.holds.end(target.orphaned, "it is not needed any more")
            target.orphaned = None
