"""The loop of targets: key = target, in the scope of its cluster's connection.

Plan, decide what of it may be done now, try it out, carry it out; `concluding` does the rest. One
pass sends what is due and ends; whatever must be waited for (a person, a fact, a healthy workload,
a verdict, a back-off) is a key that comes back to the cluster's queue, never a task.

A pass over single objects corrects drift, and nothing else: each object to the revision that it
has, also while a newer one is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import anyio
from opentelemetry.trace import Span, Tracer, get_current_span

from shoal.engine import answers
from shoal.engine.carrying_out import CarryingOut
from shoal.engine.concluding import Concluding, Pass
from shoal.engine.deciding import Deciding
from shoal.engine.guarding import Guard
from shoal.engine.handing_over import depends_on_others, inform
from shoal.engine.previewing import Previewing
from shoal.engine.queueing import Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import Recording
from shoal.engine.removing import Removing, nothing
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.validating import Validating
from shoal.engine.weighing import Weighing
from shoal.errors import AccessDenied, ClusterUnreachable, ShoalError
from shoal.hooks.targets import Session
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Change, Desired, Plan
from shoal.model.policies import (
    AddedFieldsPolicy,
    DriftPolicy,
    SyncMode,
)
from shoal.planning.holding import corrections, taken_by_others
from shoal.planning.waving import backwards
from shoal.telemetry import names
from shoal.telemetry.spans import linked, mark_failed, opened, parented, trace_id

PLAN_SECONDS = 60.0
COMMIT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Targets:
    """Carries out what targets should hold."""

    state: EngineState
    recording: Recording
    deciding: Deciding
    weighing: Weighing
    validating: Validating
    previewing: Previewing
    carrying_out: CarryingOut
    concluding: Concluding
    removing: Removing
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
        if target is None:
            return
        try:
            removed = await self.removing.wanted(cluster, target) if target.removing else None
        except ShoalError as error:
            self.concluding.retry(cluster, target, [error])
            return
        desired = removed if target.removing else target.desired
        if desired is None and target.removing:
            # What it has is kept; of what was only found it is to be said that it is.
            doubted = frozenset(self.state.inventory(key.cluster).doubted(key))
            desired = nothing(key, "shoal", self.state.now())
            request = replace(request, only=doubted)
        if desired is None or (target.removing and request.only == frozenset()):
            return
        with self._span(target, desired, request) as span:
            target.is_syncing = True
            try:
                await self._pass(cluster, session, target, desired, request)
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

    async def _pass(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        request: Request,
    ) -> None:
        if desired.policy.mode is SyncMode.OBSERVE:
            await self.previewing.look(cluster, session, target, desired)
        elif request.only is None or target.removing:
            await self._sync(cluster, session, target, desired, request)
        else:
            await self._correct(cluster, session, target, desired, request, request.only)

    async def _sync(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        request: Request,
    ) -> None:
        """The whole target: as much of its plan as may be carried out now."""
        whole, is_undecided = await self._plan(session, target, desired, request)
        get_current_span().set_attribute(names.OBJECTS, len(whole.changes))
        target.observed = None
        free = await self.deciding.unheld(
            cluster, target, desired, whole, is_undecided=is_undecided
        )
        plan = free.plan if free is not None else None
        await self.weighing.weigh(session, target, desired, whole, plan, request)
        if free is None:
            return
        checked = await self.validating.check(cluster, session, target, desired, free.plan, request)
        now = self.deciding.in_turn(target, desired, checked.plan)
        is_partial = (
            free.is_partial
            or target.queued is not None
            or not checked.is_whole
            or (bool(target.removing) and request.only is not None)
        )
        request = replace(request, only=None)
        this = Pass(cluster, target, desired, now, request, [], is_partial=is_partial)
        target.plan_hash = whole.hash
        await self._carry_out(session, this, desired)

    async def _correct(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        request: Request,
        keys: frozenset[ObjectKey],
    ) -> None:
        """Undo drift, at the revision that each object has.

        What is granted may be held, or wait for its turn: until then the one before counts, for
        objects that the new one would change.
        """
        if self.state.suspensions(target.key.application):
            return
        is_waiting = target.hold is not None or target.queued is not None or bool(target.trial)
        for wanted in (desired, target.applied if is_waiting else None):
            if wanted is not desired:
                # Its answer may be lost, and what looks like drift be the newer revision.
                keys -= target.begun
            if wanted is None or not keys:
                continue
            asked = replace(request, only=keys)
            whole, _ = await self._plan(session, target, wanted, asked)
            found = replace(corrections(whole), refused=taken_by_others(whole))
            keys -= {*found.refused, *(change.key for change in found.changes)}
            plan = await self.deciding.unfought(cluster, target, found)
            if plan.changes or plan.refused:
                get_current_span().set_attribute(names.OBJECTS, len(plan.changes))
                target.plan_hash = plan.hash
                this = Pass(cluster, target, wanted, plan, request, [])
                await self._carry_out(session, this, desired)

    async def _plan(
        self,
        session: Session,
        target: TargetState,
        desired: Desired,
        request: Request,
    ) -> tuple[Plan, bool]:
        """The plan, and whether it was made while nobody could say what others want."""
        wanted = _as_asked(desired, request)
        is_undecided = False

        async def asked() -> Plan:
            return await self.guard.ask(
                "target",
                "plan",
                str(target.key),
                lambda: session.plan(wanted, only=request.only, rerun=request.reruns),
                seconds=PLAN_SECONDS,
                answer=answers.plan_for(wanted),
            )

        with opened(self.tracer, names.PLAN, {names.CLUSTER: target.key.cluster}) as span:
            plan = await asked()
            if depends_on_others(self.state, plan):
                is_undecided = not await inform(self.state, self.guard, session, target.key)
                plan = await asked()
            plan = _without_unasked(plan, target, desired, request)
            span.set_attribute(names.OBJECTS, len(plan.changes))
        return plan, is_undecided

    async def _carry_out(self, session: Session, this: Pass, desired: Desired) -> None:
        """Send it, as long as `desired` is what the target was granted."""
        target = this.target
        target.error = None
        if this.desired is desired and desired is not target.applied:
            target.begun |= {change.key for change in this.plan.changes}

        def granted() -> bool:
            return self._stands(target, desired)

        def in_order(leaving: Plan) -> Sequence[Plan]:
            before = target.applied or this.desired
            return backwards(leaving, self.deciding.waves(before.content))

        ended = replace(this, is_broken_off=True)
        try:
            await self.carrying_out.carry_out(session, this, granted=granted, in_order=in_order)
            ended = this
        finally:
            # What was sent has happened, whatever ended the pass: it is recorded even when the
            # connection is being given up.
            with anyio.move_on_after(COMMIT_SECONDS, shield=True):
                await self.concluding.conclude(ended)

    def _stands(self, target: TargetState, desired: Desired) -> bool:
        """Whether this is still what the target should hold, and nobody suspended it meanwhile."""
        if target.removing or not desired.digest:
            return not desired.digest and self.removing.goes_on(target)
        return target.desired is desired and not self.state.suspensions(target.key.application)

    @contextmanager
    def _span(self, target: TargetState, desired: Desired, request: Request) -> Iterator[Span]:
        """`cluster.sync` under the trace of its grant; a repeat is a trace of its own, linked."""
        grant = desired.grant
        first = target.synced_digest != desired.digest and not target.failures
        about = {
            names.APPLICATION: str(target.key.application),
            names.CLUSTER: target.key.cluster,
            names.REVISION: grant.revision,
            names.TRIGGER: request.reason,
        }
        if target.removing:
            about[names.REMOVAL] = target.removing.why
        with opened(
            self.tracer,
            names.CLUSTER_SYNC,
            about,
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

    return plan.where(is_meant)
