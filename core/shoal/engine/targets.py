"""The loop of targets: key = target, in the scope of its cluster's connection.

Plan, hold, intend, apply, prune; `concluding` does the rest. One pass sends what is due and ends;
whatever must be waited for (a fact, a healthy workload, a back-off) is a key in the cluster's
queue, never a task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace

import anyio
from opentelemetry.trace import Span, Tracer, get_current_span

from shoal.engine.concluding import Concluding, Pass, all_done
from shoal.engine.gating import ASK_AGAIN, Gating
from shoal.engine.guarding import Guard
from shoal.engine.handing_over import LEAVING, inform, settled
from shoal.engine.queueing import Priority, Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState, TargetState
from shoal.errors import (
    AccessDenied,
    ClusterUnreachable,
    OwnershipConflict,
    ShoalError,
    StoreUnavailable,
)
from shoal.hooks.targets import Session
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import (
    WRITES,
    Action,
    Change,
    Content,
    Desired,
    Grant,
    Plan,
    Result,
    ResultStatus,
)
from shoal.model.policies import AddedFieldsPolicy, DriftPolicy, PrunePolicy, SyncPolicy
from shoal.planning.holding import hold_for, removal_hold
from shoal.planning.pruning import split
from shoal.telemetry import names
from shoal.telemetry.spans import linked, mark_failed, opened, parented, trace_id

PLAN_SECONDS = 60.0
COMMIT_SECONDS = 15.0
EMPTY = Content("", ())


@dataclass(frozen=True, slots=True)
class Targets:
    """Carries out what targets should hold."""

    state: EngineState
    recording: Recording
    concluding: Concluding
    gating: Gating
    guard: Guard
    tracer: Tracer

    async def work(
        self, cluster: ClusterState, session: Session, key: TargetKey, request: Request
    ) -> None:
        """One pass over one target.

        ClusterUnreachable and AccessDenied leave it, for they concern the whole connection; every
        other error is the target's own.
        """
        target = self.state.targets.get(key)
        desired = self._wanted(target) if target else None
        if target is None or desired is None:
            return
        with self._span(target, desired, request) as span:
            target.is_syncing = True
            try:
                await self._sync(cluster, session, target, desired, request)
            except (ClusterUnreachable, AccessDenied) as error:
                mark_failed(span, error)
                target.error = error
                self.concluding.retry(cluster, target, [error])
                raise
            except ShoalError as error:
                mark_failed(span, error)
                await self.concluding.failed(cluster, target, desired, error)
            finally:
                target.is_syncing = False
            follow_health(self.state, self.tracer, cluster, target, self.state.now())

    def _wanted(self, target: TargetState) -> Desired | None:
        """What the target should hold now: its grant, or nothing once its removal is approved."""
        if not target.removing:
            return target.desired
        key, now = target.key, self.state.now()
        owned = len(self.state.inventory(key.cluster).of(key))
        hold = removal_hold(key, owned, target.removing, now, content=self.state.removal(key))
        approval = self.state.approvals.get(hold.id)
        if approval is None or approval.until <= now:
            return None
        grant = Grant(key, "", approval.by, now)
        return Desired(key, grant, "", EMPTY, SyncPolicy(prune=PrunePolicy.AFTER_APPLY))

    async def _sync(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        request: Request,
    ) -> None:
        plan = await self._plan(session, target, desired, request)
        get_current_span().set_attribute(names.OBJECTS, len(plan.changes))
        if request.only is not None and self.gating.holds(target):
            # What was let through once is still restored; the rest waits for the whole plan.
            plan = plan.only(frozenset({Action.CORRECT}))
        elif not await self._may_go_on(cluster, target, desired, plan):
            return
        target.plan_hash = plan.hash
        target.error = None
        this = Pass(cluster, target, desired, plan, request, [])
        try:
            await self._carry_out(session, this)
        finally:
            # What was sent has happened, whatever ended the pass: it is recorded even when the
            # connection is being given up.
            with anyio.move_on_after(COMMIT_SECONDS, shield=True):
                await self.concluding.conclude(this)

    async def _plan(
        self, session: Session, target: TargetState, desired: Desired, request: Request
    ) -> Plan:
        with (
            opened(self.tracer, names.PLAN) as span,
            self.guard.call("target", "plan", str(target.key), seconds=PLAN_SECONDS),
        ):
            wanted = _as_asked(desired, request)
            plan = await session.plan(wanted, only=request.only, rerun=request.reruns)
            if await inform(self.state, session, plan):
                plan = await session.plan(wanted, only=request.only, rerun=request.reruns)
            plan = settled(self.state, _without_unasked(plan, target, desired, request))
            span.set_attribute(names.OBJECTS, len(plan.changes))
        healthy = self._is_healthy_beside(target, plan)
        plan, deferred = split(plan, desired.policy.prune, healthy=healthy)
        if request.only is None:
            target.deferred = frozenset(change.key for change in deferred.changes)
        return plan

    def _is_healthy_beside(self, target: TargetState, plan: Plan) -> bool:
        """Whether everything that stays is as it should be, and was seen healthy."""
        if any(change.action in WRITES for change in plan.changes) or plan.refused:
            return False
        leaving = {change.key for change in plan.changes}
        owned = self.state.inventory(target.key.cluster).of(target.key)
        return target.is_healthy(key for key in owned if key not in leaving)

    async def _may_go_on(
        self, cluster: ClusterState, target: TargetState, desired: Desired, plan: Plan
    ) -> bool:
        """Place the hold that this plan calls for, or lift the one that it no longer does."""
        key = target.key
        hold: Hold | None = None
        if not target.removing:
            hold = hold_for(
                plan,
                desired,
                owned_count=self.state.inventory(key.cluster).count(key),
                suspensions=self.state.suspensions(key.application),
                approvals=tuple(self.state.approvals.values()),
                now=self.state.now(),
            )
            hold = hold or await self.gating.hold(target, desired, plan)
        stands = target.hold is not None and target.hold.id in self.state.holds
        if self.state.has_expired_suspension(key.application):
            await self.recording.lift(str(key.application), HoldCause.SUSPENDED, "it ran out")
        elif target.hold is not None and stands and (hold is None or hold.id != target.hold.id):
            await self.recording.lift(
                target.hold.subject, target.hold.cause, "it is not needed any more"
            )
        target.hold = hold
        if hold is None:
            return True
        await self.recording.place(hold)
        if hold.until is not None:
            cluster.queue.wake(key, hold.until, Request(Priority.RECHECK, "the hold ran out"))
        elif hold.cause is HoldCause.GATE:
            at = self.state.now() + ASK_AGAIN
            cluster.queue.wake(key, at, Request(Priority.RECHECK, "gates are asked again"))
        return False

    async def _carry_out(self, session: Session, this: Pass) -> None:
        """Write, then delete; the results of the pass grow as answers come."""
        target, writes = this.target, this.plan.only(WRITES)
        try:
            others = await self.recording.intend(this.plan)
        except StoreUnavailable as error:
            # Without intent nothing new may come to be; what is known to be ours is still healed.
            writes = this.plan.only(WRITES - {Action.CREATE})
            target.error = error
        else:
            writes = self._leave_to(others, this, writes)
        if writes.changes:
            with opened(self.tracer, names.APPLY) as span:
                await self._stream(session, this, writes)
                span.set_attribute(names.OBJECTS, len(writes.changes))
        deletes = this.plan.only(LEAVING)
        is_whole = all_done(this.plan.only(WRITES), this.results)
        if deletes.changes and target.error is None and is_whole:
            with opened(self.tracer, names.PRUNE) as span:
                await self._stream(session, this, deletes)
                span.set_attribute(names.OBJECTS, len(deletes.changes))

    def _leave_to(self, others: Mapping[ObjectKey, TargetKey], this: Pass, writes: Plan) -> Plan:
        """What is left to write where others were quicker; the rest are conflicts, by name."""
        if not others:
            return writes
        target = this.target.key
        for change in writes.changes:
            if change.key in others:
                error = OwnershipConflict(
                    f"{target.cluster}: {change.key} belongs to Shoal application "
                    f"{others[change.key].application}, which was first; it is left untouched",
                    next_step="remove it from one of the two",
                )
                result = Result(change.key, change.action, ResultStatus.FAILED, error=error)
                this.results.append(result)
        kept = tuple(change for change in writes.changes if change.key not in others)
        return replace(writes, changes=kept)

    async def _stream(self, session: Session, this: Pass, plan: Plan) -> None:
        target, desired = this.target, this.desired
        source = session.apply(plan, desired, granted=lambda: self._stands(target, desired))
        async with aclosing(self.guard.stream("target", "apply", str(target.key), source)) as all_:
            async for result in all_:
                self.recording.took(target.key, result)
                this.results.append(result)

    def _stands(self, target: TargetState, desired: Desired) -> bool:
        """Whether this is still what the target should hold, and nobody suspended it meanwhile."""
        if target.removing or not desired.digest:
            return bool(target.removing) and not desired.digest
        return target.desired is desired and not self.state.suspensions(target.key.application)

    @contextmanager
    def _span(self, target: TargetState, desired: Desired, request: Request) -> Iterator[Span]:
        """`cluster.sync` under the trace of its grant; a repeat is a trace of its own, linked."""
        grant = desired.grant
        first = target.synced_digest != desired.digest and not target.failures
        with opened(
            self.tracer,
            names.CLUSTER_SYNC,
            {
                names.APPLICATION: str(target.key.application),
                names.CLUSTER: target.key.cluster,
                names.REVISION: grant.revision,
                names.TRIGGER: request.reason,
            },
            parent=parented(grant.traceparent if first else ""),
            links=[] if first else linked(grant.traceparent),
        ) as span:
            target.trace_id = trace_id(span)
            yield span


def _as_asked(desired: Desired, request: Request) -> Desired:
    """What to plan for: a person who wants a drift undone is not asked what the policy says."""
    if not request.reverts:
        return desired
    policy = {
        "when_drifted": DriftPolicy.CORRECT,
        "when_fields_added": AddedFieldsPolicy.REMOVE,
    }
    return replace(desired, policy=desired.policy.model_copy(update=policy))


def _without_unasked(plan: Plan, target: TargetState, desired: Desired, request: Request) -> Plan:
    """Other objects of the same pass drift on, when the policy is to report it."""
    if not request.reverts:
        return plan

    def is_meant(change: Change) -> bool:
        drift = target.drifted.get(change.key)
        is_asked = change.action is not Action.CORRECT or change.key in request.reverts
        return is_asked or drift is None or drift.is_corrected_by(desired.policy)

    return replace(plan, changes=tuple(filter(is_meant, plan.changes)))
