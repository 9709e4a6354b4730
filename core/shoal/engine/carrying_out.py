"""Carries a plan out: intent, then writes, then deletions, and every result remembered at once.

Deletions come after all writes went well, in reverse order of waves; what was taken out of the plan
before is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from opentelemetry.trace import Tracer

from shoal.engine import answers
from shoal.engine.concluding import Pass, all_done
from shoal.engine.guarding import Guard
from shoal.engine.handing_over import LEAVING
from shoal.engine.recording import Recording
from shoal.errors import OwnershipConflict, StoreUnavailable
from shoal.hooks.targets import Session
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import WRITES, Action, Plan, Result, ResultStatus
from shoal.telemetry import names
from shoal.telemetry.spans import opened

Granted = Callable[[], bool]
STEP_SECONDS = 600.0
"""Between two results of a plan: each request has its own deadline; some wait for a deletion."""


@dataclass(frozen=True, slots=True)
class CarryingOut:
    """Sends what a pass is for."""

    recording: Recording
    guard: Guard
    tracer: Tracer

    async def carry_out(
        self,
        session: Session,
        this: Pass,
        *,
        granted: Granted,
        in_order: Callable[[Plan], Sequence[Plan]],
    ) -> None:
        """Write, then delete; the results of the pass grow as answers come.

        `granted` is asked before each request, `in_order` gives deletions in the order of waves.
        """
        await self._write(session, this, granted)
        leaving = this.plan.only(LEAVING)
        is_whole = all_done(this.plan.only(WRITES), this.results)
        if not leaving.changes or this.target.error is not None or not is_whole:
            return
        with opened(self.tracer, names.PRUNE, _where(this)) as span:
            for part in in_order(leaving):
                await self._stream(session, this, part, granted)
                if not all_done(part, this.results):
                    break
            span.set_attribute(names.OBJECTS, len(leaving.changes))

    async def _write(self, session: Session, this: Pass, granted: Granted) -> None:
        writes = this.plan.only(WRITES)
        try:
            others = await self.recording.intend(this.target, this.desired, this.plan)
        except StoreUnavailable as error:
            # Without intent nothing may change; what is known to be ours is still healed.
            writes = this.plan.only(frozenset({Action.CORRECT}))
            if len(writes.changes) < len(this.plan.changes):
                this.target.error = error
        else:
            writes = _leave_to(others, this, writes)
        if writes.changes:
            with opened(self.tracer, names.APPLY, _where(this)) as span:
                await self._stream(session, this, writes, granted)
                span.set_attribute(names.OBJECTS, len(writes.changes))

    async def _stream(self, session: Session, this: Pass, plan: Plan, granted: Granted) -> None:
        target = this.target.key
        this.asked.update(change.key for change in plan.changes)
        results = self.guard.stream(
            "target",
            "apply",
            str(target),
            lambda: session.apply(plan, this.desired, granted=granted),
            answer=answers.result_of(plan),
            step_seconds=STEP_SECONDS,
        )
        async with aclosing(results) as all_:
            async for result in all_:
                self.recording.took(target, result)
                this.results.append(result)


def _where(this: Pass) -> Mapping[str, str]:
    """What tells spans of this pass from those of other clusters."""
    return {names.CLUSTER: this.target.key.cluster}


def _leave_to(others: Mapping[ObjectKey, TargetKey], this: Pass, writes: Plan) -> Plan:
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
    return writes.where(lambda change: change.key not in others)
