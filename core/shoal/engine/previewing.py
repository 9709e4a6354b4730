"""Targets that are only observed: what would change is tried out and shown, and nothing is written.

Looked at when the revision or what is live changes (of what changes again and again, later and
later), when a person asks, and every few hours, for what was never applied is not watched. The
ledger tells each plan once, and the same edit with other values is the same plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from opentelemetry.trace import Tracer, get_current_span

from shoal.engine.concluding import Concluding
from shoal.engine.deciding import Deciding
from shoal.engine.guarding import Guard
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import NOTHING, TargetState
from shoal.engine.telling import Sync
from shoal.engine.trying import try_out
from shoal.errors import Retryable
from shoal.hooks.targets import Session
from shoal.model.digests import digest_parts
from shoal.model.plans import Desired, Plan
from shoal.telemetry import names
from shoal.telemetry.spans import opened

RECHECK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Previewing:
    """Looks at what would change. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    deciding: Deciding
    concluding: Concluding
    guard: Guard
    tracer: Tracer
    jitter: Callable[[], float]

    async def look(
        self, cluster: ClusterState, session: Session, target: TargetState, desired: Desired
    ) -> None:
        """One look at a whole target; raises what a dry run raises."""
        with opened(self.tracer, names.PLAN, {names.CLUSTER: target.key.cluster}) as span:
            plan = await try_out(self.guard, session, desired)
            span.set_attribute(names.OBJECTS, len(plan.changes))
        get_current_span().set_attribute(names.OBJECTS, len(plan.changes))
        await self.deciding.follow_hold(target, None)
        target.looks = target.looks.again(self.state.now())
        _note(target, plan)
        await self._tell(target, desired, plan)
        errors = [error for error in plan.refused.values() if isinstance(error, Retryable)]
        if errors:
            self.concluding.retry(cluster, target, errors)
        else:
            target.failures = 0
            at = self.state.now() + RECHECK * (0.5 + self.jitter())
            cluster.queue.wake(target.key, at, Request(Priority.RECHECK, "re-check"))

    async def _tell(self, target: TargetState, desired: Desired, plan: Plan) -> None:
        """Store where it stands; a plan that was told already is told no more."""
        is_equal = not plan.changes and not plan.refused
        was_equal = target.synced_digest == desired.digest
        if is_equal:
            target.synced_revision, target.synced_digest = desired.grant.revision, desired.digest
            target.synced_at = self.state.now()
        else:
            target.synced_digest = ""
        if is_equal != was_equal:
            target.since = self.state.now()
        told = _reasons(target, plan)
        if told == target.told:
            return
        target.told = told
        await self.recording.observed(Sync(target, desired, plan, (), "shoal", "observed"))


def _note(target: TargetState, plan: Plan) -> None:
    target.observed, target.plan_hash, target.error = plan, plan.hash, None
    target.problems, target.waiting = dict(plan.refused), {}
    target.queued, target.trial, target.deferred = None, "", frozenset()
    target.struggles = NOTHING


def _reasons(target: TargetState, plan: Plan) -> str:
    """What is the same for plans that need not be told twice: of a drift, whose it is and where."""
    drifts = target.drifted
    known = (drifts[each.key].reason for each in plan.changes if each.key in drifts)
    refusals = (f"{key}: {error}" for key, error in sorted(plan.refused.items()))
    return digest_parts((plan.group_hash, *known, *refusals))
