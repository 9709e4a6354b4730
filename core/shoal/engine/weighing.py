"""What the release of a hold would do, tried out on its cluster, for who has to decide about it.

Once for each hold, and again when a person asks for a sync. What cannot be tried out now is told as
it is expected; who decides is never left without an answer, and never told that it was proven.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shoal.engine.comparing import differences
from shoal.engine.guarding import Guard
from shoal.engine.queueing import Priority, Request
from shoal.engine.target_state import TargetState
from shoal.engine.trying import try_out
from shoal.engine.views.changes import HeldChanges
from shoal.errors import AccessDenied, ClusterUnreachable, ShoalError
from shoal.hooks.targets import Session
from shoal.model.holds import HoldCause
from shoal.model.plans import Desired, Plan, Proof

MOST_SHOWN = 50
_WEIGHED = frozenset(
    {HoldCause.EMPTY_RENDER, HoldCause.SHRUNK_RENDER, HoldCause.PRUNE_BUDGET, HoldCause.GATE}
)
"""Holds of a plan that a person decides about; a dependency comes by itself."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Remembers for a target what its hold holds."""

    guard: Guard

    async def weigh(
        self,
        session: Session,
        target: TargetState,
        desired: Desired,
        whole: Plan,
        free: Plan | None,
        request: Request,
    ) -> None:
        """`free` is what goes on of the `whole` plan. Raises what concerns the connection."""
        hold = target.hold
        if hold is None or hold.cause not in _WEIGHED:
            target.held = None
            return
        is_known = target.held is not None and target.held.hold == hold.id
        if is_known and request.priority is not Priority.USER:
            return
        goes_on = {change.key for change in free.changes} if free else set()
        part = replace(whole.where(lambda change: change.key not in goes_on), refused={})
        tried = await self._try(session, desired, part)
        found = tuple(differences(tried, desired.content))
        is_proven = tried.proven is Proof.DRY_RUN
        target.held = HeldChanges(hold.id, is_proven, len(found), found[:MOST_SHOWN])

    async def _try(self, session: Session, desired: Desired, part: Plan) -> Plan:
        keys = frozenset(change.key for change in part.changes)
        try:
            tried = await try_out(self.guard, session, desired, only=keys)
        except (ClusterUnreachable, AccessDenied):
            raise
        except ShoalError:
            return part
        refused = {key: error for key, error in tried.refused.items() if key in keys}
        return replace(tried.where(lambda change: change.key in keys), refused=refused)
