"""Health reached: when all that a target holds was seen healthy since it was last written.

Asked when a health was seen and when a pass ended, for either may be the later one. What was
written counts only once it was seen again: what an older generation was like says nothing. Says it
by a short span of its own, for no span ever waits for health, and lets what waited for it go on.
"""

from __future__ import annotations

from datetime import datetime

from opentelemetry.trace import Tracer

from shoal.engine.depending import wake_dependents
from shoal.engine.queueing import Priority, Request
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import Queued, TargetState
from shoal.telemetry import names
from shoal.telemetry.spans import parented, past


def follow_health(
    state: EngineState, tracer: Tracer, cluster: ClusterState, target: TargetState, at: datetime
) -> None:
    """When the whole target became healthy: say so, and let what waited for it go on.

    Not while a pass is under way, held or at odds with something: the next pass asks again. A later
    wave waits for no more than what is before it, and other applications for all of this one.
    """
    if target.is_syncing:
        return
    wake_dependents(state, cluster, target)
    if target.queued is not None and _is_turn_over(target, target.queued):
        cluster.queue.add(target.key, Request(Priority.REVISION, "the wave before is healthy"))
    if not (target.is_awaiting_health or target.deferred) or _is_unsettled(target):
        return
    owned = state.inventory(target.key.cluster).of(target.key)
    if not target.is_healthy(key for key in owned if key not in target.deferred):
        return
    if target.is_awaiting_health:
        target.is_awaiting_health = False
        _tell(state, tracer, target, at)
    if target.deferred:
        cluster.queue.add(target.key, Request(Priority.REVISION, "healthy"))


def _is_turn_over(target: TargetState, queued: Queued) -> bool:
    """Whether nothing is in the way of the next wave; what failed comes back by itself."""
    troubled = queued.blockers & (target.problems.keys() | target.waiting.keys())
    return target.hold is None and not troubled and target.is_healthy(queued.blockers)


def _is_unsettled(target: TargetState) -> bool:
    troubles = (target.hold, target.error, target.problems, target.waiting, target.queued)
    return any(troubles)


def _tell(state: EngineState, tracer: Tracer, target: TargetState, at: datetime) -> None:
    desired = target.applied
    if desired is None or target.synced_at is None:
        return
    provenance = state.provenance(desired)
    attributes: dict[str, str | float] = {
        names.APPLICATION: str(target.key.application),
        names.CLUSTER: target.key.cluster,
        names.REVISION: desired.grant.revision,
    }
    if provenance is not None and provenance.committed_at is not None:
        seconds = (at - provenance.committed_at).total_seconds()
        attributes[names.SINCE_COMMIT_SECONDS] = round(seconds, 3)
        if target.is_delivering:
            state.measuring.live(at - provenance.committed_at)
    target.is_delivering = False
    past(
        tracer,
        names.CLUSTER_HEALTHY,
        min(target.synced_at, at),
        at,
        attributes,
        parent=parented(desired.grant.traceparent),
    )
