"""The loop of targets: key = target, in the scope of its cluster's connection.

Plan, hold, intend, apply, prune, record. One pass sends what is due and ends; whatever must be
waited for (a fact, a healthy workload, a back-off) is a key in the cluster's queue, never a task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from opentelemetry.trace import Span, Tracer

from shoal.engine.guarding import Guard
from shoal.engine.queueing import Priority, Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import GONE, Recording, Sync
from shoal.engine.state import ClusterState, EngineState, TargetState, Wait
from shoal.errors import (
    AccessDenied,
    ClusterUnreachable,
    OwnershipConflict,
    Retryable,
    ShoalError,
    StoreUnavailable,
)
from shoal.hooks.targets import Session
from shoal.model.digests import digest_parts
from shoal.model.documents import DriftPolicy, PrunePolicy, SyncPolicy
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Content, Desired, Grant, Plan, Result, ResultStatus
from shoal.planning.backing_off import retry_at
from shoal.planning.holding import hold_for, removal_hold
from shoal.planning.pruning import split, without_corrections
from shoal.telemetry import names
from shoal.telemetry.spans import linked, mark_failed, opened, parented, trace_id

PLAN_SECONDS = 60.0
COMMIT_SECONDS = 15.0
WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.CORRECT})
DONE = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})
# The cause lives in the cluster and nobody announces that it was mended: look again, seldom.
CONFLICT_RETRY = timedelta(minutes=5)
EMPTY = Content("", ())


@dataclass(frozen=True, slots=True)
class Targets:
    """Carries out what targets should hold. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    guard: Guard
    tracer: Tracer
    jitter: Callable[[], float]

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
                self._retry(cluster, target, [error])
                raise
            except ShoalError as error:
                mark_failed(span, error)
                await self._failed(cluster, target, desired, error)
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
        if not await self._may_go_on(cluster, target, desired, plan):
            return
        target.plan_hash = plan.hash
        target.error = None
        results: list[Result] = []
        try:
            await self._carry_out(session, target, desired, plan, results)
        finally:
            # What was sent has happened, whatever ended the pass: it is recorded even when the
            # connection is being given up.
            with anyio.move_on_after(COMMIT_SECONDS, shield=True):
                await self._conclude(cluster, target, desired, plan, request, results)

    async def _plan(
        self, session: Session, target: TargetState, desired: Desired, request: Request
    ) -> Plan:
        with (
            opened(self.tracer, names.PLAN) as span,
            self.guard.call("target", "plan", str(target.key), seconds=PLAN_SECONDS),
        ):
            plan = await session.plan(desired, only=request.only)
            if desired.policy.when_drifted is DriftPolicy.REPORT and not target.removing:
                plan = without_corrections(plan)
            span.set_attribute(names.OBJECTS, len(plan.changes))
        healthy = self._is_healthy_beside(target, plan)
        plan, deferred = split(plan, desired.policy.prune, healthy=healthy)
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
        return False

    async def _carry_out(
        self,
        session: Session,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        results: list[Result],
    ) -> None:
        """Write, then delete; `results` grows as answers come."""
        writes = plan.only(WRITES)
        try:
            await self.recording.intend(plan)
        except StoreUnavailable as error:
            # Without intent nothing new may come to be; what is known to be ours is still healed.
            writes = plan.only(WRITES - {Action.CREATE})
            target.error = error
        if writes.changes:
            with opened(self.tracer, names.APPLY) as span:
                await self._stream(session, target, desired, writes, results)
                span.set_attribute(names.OBJECTS, len(writes.changes))
        deletes = plan.only(frozenset({Action.DELETE}))
        if deletes.changes and target.error is None and _all_done(writes, results):
            with opened(self.tracer, names.PRUNE) as span:
                await self._stream(session, target, desired, deletes, results)
                span.set_attribute(names.OBJECTS, len(deletes.changes))

    async def _stream(
        self,
        session: Session,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        results: list[Result],
    ) -> None:
        source = session.apply(plan, desired, granted=lambda: self._stands(target, desired))
        async with aclosing(self.guard.stream("target", "apply", str(target.key), source)) as all_:
            async for result in all_:
                self.recording.took(target.key, result)
                results.append(result)

    def _stands(self, target: TargetState, desired: Desired) -> bool:
        """Whether this is still what the target should hold, and nobody suspended it meanwhile."""
        if target.removing or not desired.digest:
            return bool(target.removing) and not desired.digest
        return target.desired is desired and not self.state.suspensions(target.key.application)

    async def _conclude(
        self,
        cluster: ClusterState,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        request: Request,
        results: list[Result],
    ) -> None:
        self._note_problems(target, plan, request, results)
        finished = _all_done(plan, results) and target.error is None
        news = target.synced_digest != desired.digest
        if finished and request.only is None:
            target.synced_revision, target.synced_digest = desired.grant.revision, desired.digest
            target.synced_at = target.since = self.state.now()
            target.failures = 0
            target.is_awaiting_health = bool(results)
        status = "synced" if finished else "failed"
        if self._is_news(target, plan, results):
            who, why = self._who_and_why(target, desired, plan)
            await self.recording.synced(
                Sync(target, desired, plan, results, who, why), status=status
            )
        elif news and finished:
            await self.recording.settled(target, desired, status)
        if finished and request.only is None:
            target.applied = desired
            await self.recording.used_up(target.key)
        if target.removing and not len(self.state.inventory(target.key.cluster).of(target.key)):
            await self.recording.released(target.key, target.removing)
        else:
            self._plan_next(cluster, target, plan, results)

    def _is_news(self, target: TargetState, plan: Plan, results: Sequence[Result]) -> bool:
        """Whether this outcome says more than the one before: a change, or another failure.

        A retry that fails the same way again is no event; its rows have not changed either.
        """
        changed = any(result.status in DONE or result.status in GONE for result in results)
        told = digest_parts(
            f"{key}:{error}" for key, error in sorted(target.problems.items(), key=_by_object)
        )
        news = changed or told != target.told
        target.told = told if target.problems else ""
        return news and bool(results or plan.refused)

    def _note_problems(
        self, target: TargetState, plan: Plan, request: Request, results: list[Result]
    ) -> None:
        """Remember what failed or waits; a pass over single objects speaks of these alone."""
        if request.only is None:
            target.problems, target.waiting = {}, {}
        for key in request.only or ():
            target.problems.pop(key, None)
            target.waiting.pop(key, None)
        target.problems |= plan.refused
        for result in results:
            if result.status is ResultStatus.FAILED and result.error is not None:
                target.problems[result.key] = result.error
            elif result.status is ResultStatus.WAITING:
                target.waiting[result.key] = _wait(result)
            elif result.status in GONE:
                target.health.pop(result.key, None)
                target.drifted.pop(result.key, None)
            elif result.status in DONE:
                target.drifted.pop(result.key, None)

    def _who_and_why(self, target: TargetState, desired: Desired, plan: Plan) -> tuple[str, str]:
        """A commit's author and subject; for a correction, Shoal and what was undone."""
        if target.removing:
            return desired.grant.by, target.removing
        if plan.changes and all(change.action is Action.CORRECT for change in plan.changes):
            causes = sorted({change.cause for change in plan.changes if change.cause})
            return "shoal", "drift" + (f": {', '.join(causes)}" if causes else "")
        catalog = self.state.catalog
        document = catalog.applications.get(target.key.application) if catalog else None
        source = self.state.sources.get(document.source_ref) if document else None
        artifact = source.artifact if source else None
        if artifact is not None and artifact.revision == desired.grant.revision:
            return artifact.provenance.author or "unknown", artifact.provenance.subject
        return "shoal", f"revision {desired.grant.revision}"

    def _plan_next(
        self, cluster: ClusterState, target: TargetState, plan: Plan, results: list[Result]
    ) -> None:
        """When to come back: soonest of what failed and may heal, and of what waits."""
        errors = list(target.problems.values())
        if target.error is not None:
            errors.append(target.error)
        revoked = any(result.status is ResultStatus.REVOKED for result in results)
        retryable = [error for error in errors if isinstance(error, Retryable)]
        if revoked:
            cluster.queue.add(target.key, Request(Priority.REVISION, "superseded"))
        elif retryable or target.waiting or _unfinished(plan, results):
            self._retry(cluster, target, retryable)
        elif any(isinstance(error, OwnershipConflict) for error in errors):
            at = self.state.now() + CONFLICT_RETRY * (0.5 + self.jitter())
            cluster.queue.wake(target.key, at, Request(Priority.RECHECK, "retry"))

    def _retry(
        self, cluster: ClusterState, target: TargetState, errors: Sequence[ShoalError]
    ) -> datetime:
        target.failures += 1
        after = [error.after_seconds for error in errors if isinstance(error, Retryable)]
        at = retry_at(
            target.failures,
            now=self.state.now(),
            jitter=self.jitter(),
            after_seconds=max((each for each in after if each is not None), default=None),
        )
        cluster.queue.wake(target.key, at, Request(Priority.RECHECK, "retry"))
        return at

    async def _failed(
        self, cluster: ClusterState, target: TargetState, desired: Desired, error: ShoalError
    ) -> None:
        """The pass as a whole failed: nothing could be planned, or a plugin broke."""
        news = target.error is None or str(target.error) != str(error)
        target.error = error
        if isinstance(error, Retryable):
            self._retry(cluster, target, [error])
        if news:
            empty = Plan(target.key, ())
            await self.recording.synced(
                Sync(target, desired, empty, (), "shoal", error.message), status="failed"
            )

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


def _wait(result: Result) -> Wait:
    if result.error is None:
        return Wait(result.note or "it waits for what it stands on")
    return Wait(result.error.message, result.error.next_step)


def _all_done(plan: Plan, results: Sequence[Result]) -> bool:
    """Every change of this plan ended well, and nothing was refused before it could be sent."""
    done = {result.key for result in results if result.status in DONE or result.status in GONE}
    return not plan.refused and all(change.key in done for change in plan.changes)


def _unfinished(plan: Plan, results: Sequence[Result]) -> bool:
    """Whether changes were left out: a prune behind a failed write, a create without intent."""
    reached = {result.key for result in results}
    return any(change.key not in reached for change in plan.changes)


def _by_object(problem: tuple[ObjectKey, ShoalError]) -> ObjectKey:
    return problem[0]
