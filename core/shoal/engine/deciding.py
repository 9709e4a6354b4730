"""Which part of a plan this pass carries out: what is held, fought over, or has to wait its turn.

Between planning and writing. A hold takes away what it stops and lets the rest go on; an object
that somebody changes back again and again is left alone by itself; later waves and workloads that
left Git wait for health. What is taken away is remembered on the target, with what brings it back:
a person, a sighting or an alarm, never a task that waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from shoal.engine.budgeting import expect_as_planned, why_beyond_budget
from shoal.engine.depending import await_decisions, lacking, look_again
from shoal.engine.fights import forget_fight
from shoal.engine.gating import ASK_AGAIN, Gating
from shoal.engine.handing_over import LEAVING
from shoal.engine.orphaning import Orphaning
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import NOTHING, Queued, TargetState
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey
from shoal.model.plans import WRITES, Action, Change, Content, Desired, Plan
from shoal.planning.budgeting import is_shrunk
from shoal.planning.budgeting import why_beyond_budget as why_beyond_its_budget
from shoal.planning.fighting import NONE, still_counting
from shoal.planning.holding import (
    Circumstances,
    Doubt,
    changes_from_git,
    conflict_hold,
    corrections,
    decide,
    doubts,
    free_part,
    suspension_of,
)
from shoal.planning.pruning import split
from shoal.planning.waving import Waves, turn, waves_of, without_unreadable

ABOUT_DELETIONS = frozenset(
    {HoldCause.PRUNE_BUDGET, HoldCause.SHRUNK_RENDER, HoldCause.EMPTY_RENDER}
)
MOST_CONTENTS = 256  # whose waves are remembered


@dataclass(frozen=True, slots=True)
class Free:
    """What of a plan goes on now. `is_partial`: the rest of it is held, or is decided later.

    Said when the rest is taken away: what has changed by the end of the pass is for the next one.
    """

    plan: Plan
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Deciding:
    """Takes away from plans what has to wait."""

    state: EngineState
    recording: Recording
    gating: Gating
    orphaning: Orphaning
    _waves: dict[str, Waves] = field(default_factory=dict)

    async def unheld(
        self,
        cluster: ClusterState,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        *,
        is_undecided: bool,
    ) -> Free | None:
        """What of a whole plan goes on while its hold stands; None: nothing, it is suspended.

        With `is_undecided` nobody could say what others want when it was planned.
        """
        plan = without_unreadable(plan, self.waves(desired.content))
        is_cut = self.orphaning.is_cut(target, plan)
        plan, leaving = await self.orphaning.apart(target, plan)
        if self._is_early(target, plan):
            free = await self._while_early(cluster, target, plan)
        elif is_undecided or cluster.is_sweeping:
            free = await self._while_unknown(
                cluster, target, desired, plan, is_undecided=is_undecided
            )
        else:
            free = await self._while_known(cluster, target, desired, plan)
        if free is None:
            return None
        return Free(free.plan.including(leaving), is_partial=free.is_partial or is_cut)

    def _is_early(self, target: TargetState, plan: Plan) -> bool:
        """Whether something comes from Git while what comes before it is being decided."""
        is_from_git = not target.removing and bool(changes_from_git(plan).changes)
        return is_from_git and await_decisions(self.state, target.key)

    async def _while_early(
        self, cluster: ClusterState, target: TargetState, plan: Plan
    ) -> Free | None:
        """Drift is corrected; a hold stays as it is, and none is placed for so short a time."""
        if self.state.suspensions(target.key.application):
            return None
        return Free(await self.unfought(cluster, target, corrections(plan)), is_partial=True)

    async def _while_known(
        self, cluster: ClusterState, target: TargetState, desired: Desired, plan: Plan
    ) -> Free | None:
        is_cut = self.orphaning.is_cut(target, plan)
        plan = self.orphaning.without_waiting(target, plan)
        if not target.removing:
            expect_as_planned(self.state, desired, plan)
        hold = await self._hold(cluster, target, desired, plan)
        return await self._free(cluster, target, plan, hold, is_partial=is_cut)

    async def _while_unknown(
        self,
        cluster: ClusterState,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        *,
        is_undecided: bool,
    ) -> Free | None:
        """As `unheld`, while nobody can say which deletions are none, or what is there at all.

        None is done and none is counted, a hold of them stays as it is, and a set that looks as if
        it shrank, or deletes too much, waits without one.
        """
        owned = self.state.inventory(target.key.cluster).confirmed(target.key)
        wanted = len(desired.content.manifests)
        # Judged by the deletions too, which are taken away below.
        looks_shrunk = is_shrunk(plan, wanted, len(owned)) or not wanted
        # What is written meanwhile would count as owned, and make a large prune look like a small.
        is_large = bool(why_beyond_its_budget(plan, owned))
        waits = looks_shrunk or is_large
        is_cut = self.orphaning.is_cut(target, plan)
        if is_undecided:
            plan = plan.where(lambda change: change.action not in LEAVING)
        plan = self.orphaning.without_waiting(target, plan)
        hold = await self._hold(cluster, target, desired, plan, is_undecided=True)
        if waits or is_cut or (hold is not None and hold.cause in ABOUT_DELETIONS):
            self.orphaning.wait_for_sweep(target)
        free = await self._free(cluster, target, plan, hold, is_partial=is_undecided or is_cut)
        return replace(free, plan=corrections(free.plan)) if waits and free is not None else free

    async def _free(
        self,
        cluster: ClusterState,
        target: TargetState,
        plan: Plan,
        hold: Hold | None,
        *,
        is_partial: bool,
    ) -> Free | None:
        if hold is not None:
            if hold.cause is HoldCause.SUSPENDED:
                return None
            plan = free_part(plan, hold)
        plan = await self.unfought(cluster, target, plan)
        return Free(plan, is_partial=is_partial or hold is not None)

    def waves(self, content: Content) -> Waves:
        """The waves of a content, read once."""
        found = self._waves.get(content.digest)
        if found is None:
            found = self._waves[content.digest] = waves_of(content.manifests)
            if len(self._waves) > MOST_CONTENTS:
                del self._waves[next(iter(self._waves))]
        return found

    async def unfought(self, cluster: ClusterState, target: TargetState, plan: Plan) -> Plan:
        """The plan without corrections that come too soon, or that somebody always undoes."""
        if not target.struggles and not target.conflicts:
            return plan
        now = self.state.now()
        target.struggles = still_counting(target.struggles, now) or NOTHING
        kept: list[Change] = []
        for change in plan.changes:
            if change.action is not Action.CORRECT:
                kept.append(change)
            elif not await self._is_fought_over(target, change):
                at = target.struggles.get(change.key, NONE).next_at(now)
                if at <= now:
                    kept.append(change)
                else:
                    request = Request(Priority.DRIFT, "drift", only=frozenset({change.key}))
                    cluster.queue.wake(target.key, at, request)
        return replace(plan, changes=tuple(kept))

    async def _is_fought_over(self, target: TargetState, change: Change) -> bool:
        """Whether this object is left to others; a person who approved lets it be tried again."""
        key, now = change.key, self.state.now()
        hold = target.conflicts.get(key)
        if hold is not None:
            if hold.id in self.state.holds:
                return True
            forget_fight(target, key)
            return False
        struggle = target.struggles.get(key, NONE)
        if not struggle.is_fight(now):
            return False
        drift = target.drifted.get(key)
        manager = drift.manager if drift else ""
        hold = conflict_hold(target.key, change, struggle, manager, now)
        await self.recording.holds.place(hold)
        target.conflicts = {**target.conflicts, key: hold}
        return True

    def in_turn(self, target: TargetState, desired: Desired, plan: Plan) -> Plan:
        """What is written and deleted now; the rest comes back when what it waits for is healthy.

        `target.queued` says what waits for an earlier wave, `target.deferred` what is deleted once
        the new set is healthy.
        """
        owned = self.state.inventory(target.key.cluster).of(target.key)
        ours = turn(
            plan, self.waves(desired.content), owned.keys(), lambda key: target.is_healthy((key,))
        )
        target.queued = self._queued(target, ours.wave, ours.blockers, ours.later)
        is_healthy = not ours.later.changes and self._is_healthy_beside(target, plan)
        now, deferred = split(ours.now, desired.policy.prune, healthy=is_healthy)
        target.deferred = frozenset(change.key for change in deferred.changes)
        return now

    def _queued(
        self, target: TargetState, wave: int, blockers: frozenset[ObjectKey], later: Plan
    ) -> Queued | None:
        if not later.changes:
            return None
        before = target.queued
        is_same = before is not None and before.wave == wave
        since = before.since if before is not None and is_same else self.state.now()
        return Queued(frozenset(change.key for change in later.changes), wave, blockers, since)

    def _is_healthy_beside(self, target: TargetState, plan: Plan) -> bool:
        """Whether everything that stays is as it should be, and was seen healthy."""
        if any(change.action in WRITES for change in plan.changes) or plan.refused:
            return False
        leaving = {change.key for change in plan.changes}
        owned = self.state.inventory(target.key.cluster).of(target.key)
        return target.is_healthy(key for key in owned if key not in leaving)

    async def _hold(
        self,
        cluster: ClusterState,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        *,
        is_undecided: bool = False,
    ) -> Hold | None:
        """Place the hold that this plan calls for, or lift the one that it no longer does."""
        hold = None
        if not target.removing:
            hold = await self._called_for(target, desired, plan, is_undecided=is_undecided)
        if hold is None and is_undecided:
            hold = self._standing(target)
        await self.follow_hold(target, hold)
        if hold is not None and hold.until is not None:
            request = Request(Priority.RECHECK, "the hold ran out")
            cluster.queue.wake(target.key, hold.until, request)
        elif hold is not None and hold.cause is HoldCause.GATE:
            request = Request(Priority.RECHECK, "gates are asked again")
            cluster.queue.wake(target.key, self.state.now() + ASK_AGAIN, request)
        elif hold is not None and hold.cause is HoldCause.DEPENDENCY:
            look_again(self.state, cluster, target)
        return hold

    def _standing(self, target: TargetState) -> Hold | None:
        """The hold of deletions that a target has, unless a person let it go."""
        hold = target.hold
        is_kept = hold is not None and hold.cause in ABOUT_DELETIONS
        return hold if is_kept and hold is not None and hold.id in self.state.holds else None

    async def _called_for(
        self, target: TargetState, desired: Desired, plan: Plan, *, is_undecided: bool
    ) -> Hold | None:
        """The hold that stops most; gates are asked about what nothing else stops as a whole."""
        state, now = self.state, self.state.now()
        suspended = suspension_of(target.key, state.suspensions(target.key.application), now)
        if suspended is not None:
            return suspended
        known = Circumstances(
            owned=() if is_undecided else state.inventory(target.key.cluster).confirmed(target.key),
            lacking=lacking(state, target.key),
            revision_prunes=why_beyond_budget(state, desired),
            standing=target.standing,
        )
        hold = self._unreleased(target, doubts(plan, desired, known, now))
        if hold is not None and hold.cause is not HoldCause.PRUNE_BUDGET:
            return hold
        gated = await self.gating.doubt(target, desired, plan)
        return (self._unreleased(target, [gated]) if gated else None) or hold

    def _unreleased(self, target: TargetState, called_for: Iterable[Doubt]) -> Hold | None:
        """The first hold that nobody let go; what was let go is remembered."""
        decision = decide(
            called_for,
            approvals=self.state.approvals,
            released=target.released,
            now=self.state.now(),
        )
        target.released = decision.released or NOTHING
        return decision.hold

    async def follow_hold(self, target: TargetState, hold: Hold | None) -> None:
        """The hold of a target is this one from now on, or none."""
        application, before = target.key.application, target.hold
        if self.state.has_expired_suspension(application):
            await self.recording.holds.run_out(application)
        elif (
            before is not None
            and before.cause is not HoldCause.SUSPENDED
            and (hold is None or hold.id != before.id)
        ):
            await self.recording.holds.end(before, "it is not needed any more")
        target.hold = hold
        if hold is not None and hold.cause is HoldCause.PRUNE_BUDGET:
            target.standing = hold
        # A suspension is placed by who suspends: this may be one that was lifted meanwhile.
        if hold is not None and hold.cause is not HoldCause.SUSPENDED:
            await self.recording.holds.place(hold)
