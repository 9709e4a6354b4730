"""Targets that nobody wants any more: kept for a grace period, then emptied or left as nobody's.

The loop of applications begins a removal and calls it off; the loop of targets carries it out when
its time has come. The hold is the memory of it: its end was stored before anything else happened,
and counts after a restart. Whatever the hold says, nothing goes unless the documents that are known
now still say so: a cluster without document is let go and nothing is deleted in it, and what cannot
be read is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shoal.documents import Catalog, Identity
from shoal.engine.belonging import withheld_targets
from shoal.engine.fleet_state import FLEET_KEY
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import NOTHING, TargetState
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import EMPTY, Desired, Grant
from shoal.model.policies import LeavingPolicy, PrunePolicy, SyncPolicy
from shoal.planning.holding import approval_of
from shoal.planning.leaving import FleetLoad, Leaving, Removal, goes_at, is_unwanted, removal_hold

UNWANTED = Request(Priority.REVISION, "it is not wanted any more")
OVER = Request(Priority.REVISION, "the grace period is over")
LOOK = timedelta(seconds=1)
"""How soon to see again whether the documents were looked at meanwhile."""


@dataclass(frozen=True, slots=True)
class Removing:
    """Begins removals, calls them off, and says when one is to be carried out."""

    state: EngineState
    recording: Recording

    async def application_removed(self, catalog: Catalog, ref: Ref) -> None:
        """The application has no document any more."""
        policy = self.state.fleet.leaving.get(ref, Leaving()).application_removed
        removal = Removal(f"application {ref} was removed from the fleet", policy)
        now = self.state.now()
        for target in self.state.targets_of(ref):
            await self._leave(catalog, target, removal, now)

    async def placed(self, catalog: Catalog, ref: Ref, clusters: frozenset[str]) -> None:
        """The application belongs on these clusters, and leaves the others it is on."""
        policy = self.state.fleet.leaving.get(ref, Leaving()).cluster_left
        now = self.state.now()
        for target in self.state.targets_of(ref):
            cluster = target.key.cluster
            if cluster in clusters:
                await self._keep_after_all(target)
            else:
                why = f"application {ref} is not placed on {cluster} any more"
                await self._leave(catalog, target, Removal(why, policy), now)

    async def wanted(self, cluster: ClusterState, target: TargetState) -> Desired | None:
        """What a target that is being removed should hold: nothing, once its time has come.

        Until then it comes back by itself.
        """
        removal, key, now = target.removing, target.key, self.state.now()
        if removal is None or not self._may_go(key):
            return None
        inventory = self.state.inventory(key.cluster)
        if not inventory.is_any_of(key):
            # Another application took over the last of it.
            await self.recording.released(key, removal.why)
        is_orphaning = removal.policy is LeavingPolicy.ORPHAN
        if not (inventory.of(key) or (is_orphaning and inventory.is_any_of(key))):
            return None
        hold, approval = self._hold(key), self._approval(key)
        at = goes_at(hold, approval, self.state.suspensions(key.application), now)
        if at is None and hold is None:
            # What was approved was not done in time: its removal is decided anew.
            self.state.application_queue.add(key.application, OVER)
        if approval is None and at is not None and at <= now and not self._is_looked_at_since(at):
            self.state.fleet_queue.add(FLEET_KEY, OVER)
            at = now + LOOK
        if at is not None and at > now:
            cluster.queue.wake(key, at, OVER)
        if at is None or at > now:
            return None
        by = approval.by if approval else "shoal"
        return nothing(key, by, now, lets_go=is_orphaning)

    def wait_for(self, files: frozenset[str]) -> None:
        """Nothing is removed while these cannot be read: what is wanted again may stand there."""
        were_unread, self.state.fleet.unreadable = self.state.fleet.unreadable, files
        if were_unread and not files:
            self.look_again()

    def look_again(self) -> None:
        """What kept removals from being carried out may be over."""
        for target in self.state.targets.values():
            if target.removing is not None:
                self.state.wake(target.key, UNWANTED)

    def goes_on(self, target: TargetState) -> bool:
        """Whether what has begun is still to be done, asked before each write."""
        is_suspended = bool(self.state.suspensions(target.key.application))
        return target.removing is not None and self._may_go(target.key) and not is_suspended

    def is_under_way(self, key: TargetKey) -> bool:
        """Whether this removal has begun, perhaps before a restart."""
        known = self.state.targets.get(key)
        has_begun = known is not None and known.removing is not None
        return has_begun or self._hold(key) is not None or self._approval(key) is not None

    async def _leave(
        self, catalog: Catalog, target: TargetState, removal: Removal, now: datetime
    ) -> None:
        """The target is not wanted; on a cluster that itself left the fleet it is let go.

        `now` is one time for all that leave at once: by it they are one decision. A cluster whose
        document cannot be read just now decides nothing.
        """
        cluster = target.key.cluster
        if cluster in catalog.clusters:
            await self._begin(catalog, target, removal, now)
        elif Identity("Cluster", "", cluster) not in catalog.unknown:
            why = f"cluster {cluster} was removed from the fleet; its objects stay there"
            await self.recording.released(target.key, why)

    async def _begin(
        self, catalog: Catalog, target: TargetState, removal: Removal, now: datetime
    ) -> None:
        """Keep what is live for a while; a target that holds nothing is simply forgotten.

        Of what was only found, its own hold asks.
        """
        key, state = target.key, self.state
        owned = state.inventory(key.cluster).of(key)
        if not state.inventory(key.cluster).is_any_of(key):
            await self.recording.released(key, removal.why)
            return
        if target.removing is None:
            target.desired = None
            await self._end_holds(target)
        if owned and self._approval(key) is None:
            hold = removal_hold(
                key,
                owned.keys(),
                removal,
                now=now,
                grace=catalog.spec.removal_grace_period,
                fleet=self._load(key),
                content=state.removal(key),
                before=self._hold(key),
            )
            await self.recording.holds.place(hold)
        target.removing = removal
        self.state.wake(key, UNWANTED)

    def _load(self, key: TargetKey) -> FleetLoad:
        """What the fleet has, and what of it other targets are about to delete by themselves."""
        state = self.state
        on_their_way = (
            state.inventory(other.key.cluster).count(other.key)
            for other in state.targets.values()
            if other.removing is not None
            and other.key != key
            and other.removing.policy is LeavingPolicy.DELETE
            and (hold := self._hold(other.key)) is not None
            and hold.until is not None
        )
        return FleetLoad(sum(map(len, state.inventories.values())), sum(on_their_way))

    async def _end_holds(self, target: TargetState) -> None:
        """What of it waited for a person will not be done; its removal is another question."""
        for hold in (target.hold, *target.conflicts.values()):
            if hold is not None and hold.cause is not HoldCause.SUSPENDED:
                await self.recording.holds.end(hold, "the target is not wanted any more")
        target.hold, target.conflicts = None, NOTHING

    async def _keep_after_all(self, target: TargetState) -> None:
        """The target is wanted again: its removal is off."""
        was_removing = target.removing is not None
        target.removing = None  # at once: a deletion may be under way
        # It may still be held when the store failed after the target was wanted again.
        if was_removing or self._hold(target.key) is not None:
            subject = str(target.key)
            await self.recording.holds.lift(subject, HoldCause.REMOVING, "it is wanted again")

    def _may_go(self, key: TargetKey) -> bool:
        """Whether the documents that are known now say that the target is not wanted."""
        catalog = self.state.catalog
        cluster = catalog.clusters.get(key.cluster) if catalog else None
        if catalog is None or cluster is None:
            return False
        if not self.state.is_fleet_read() or self.state.unreadable(key):
            return False
        if key in withheld_targets(self.state):
            return False
        return is_unwanted(key, catalog.applications.get(key.application), cluster)

    def _is_looked_at_since(self, at: datetime) -> bool:
        """Whether the documents were: somebody may put an application back at the last moment."""
        looked_at = self.state.fleet.looked_at
        return looked_at is not None and looked_at >= at

    def _hold(self, key: TargetKey) -> Hold | None:
        """The hold of a removal; also one whose time is over."""
        return self.state.holds.get(self._bare(key).id)

    def _approval(self, key: TargetKey) -> Approval | None:
        return approval_of(self._bare(key), self.state.approvals, self.state.now())

    def _bare(self, key: TargetKey) -> Hold:
        """The hold of this removal as far as its name goes."""
        now, content = self.state.now(), self.state.removal(key)
        return Hold(str(key), HoldCause.REMOVING, "", "shoal", now, content)


def nothing(target: TargetKey, by: str, now: datetime, *, lets_go: bool = False) -> Desired:
    """What a target should hold that is to hold nothing."""
    grant, policy = Grant(target, "", by, now), SyncPolicy(prune=PrunePolicy.AFTER_APPLY)
    return Desired(target, grant, "", EMPTY, policy, lets_go=lets_go)
