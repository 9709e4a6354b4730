"""Where a target stands, in one word, and how well its objects are: what views and metrics tell.

Pure reading of the engine's state, made when somebody looks.
"""

from __future__ import annotations

from shoal.engine.saying import writes_go_on
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.applications import TargetPhase
from shoal.model.health import Health, HealthState
from shoal.model.identity import TargetKey


def phase_of(state: EngineState, target: TargetState) -> TargetPhase:
    """The phase of a target; Syncing also while a person waits for what is Synced."""
    phase = _phase(state, target)
    if phase is TargetPhase.SYNCED and _is_asked_for(state, target.key):
        return TargetPhase.SYNCING
    return phase


def _phase(state: EngineState, target: TargetState) -> TargetPhase:
    if target.removing:
        return TargetPhase.REMOVING
    if not state.is_answering(target.key.cluster) or state.unreadable(target.key):
        return TargetPhase.UNKNOWN
    is_broken = bool(target.undecided or target.error or target.problems)
    if is_broken and writes_go_on(target):
        return TargetPhase.FAILED
    if target.hold is not None or target.conflicts or target.orphaned is not None:
        return TargetPhase.HELD
    if is_broken:
        return TargetPhase.FAILED
    if target.is_syncing or target.waiting or target.queued or target.trial:
        return TargetPhase.SYNCING
    if target.observed is not None and target.observed.changes:
        return TargetPhase.DIFFERS
    if target.desired is None or target.synced_digest != target.desired.digest:
        return TargetPhase.PENDING
    return TargetPhase.DRIFTED if target.drifted else TargetPhase.SYNCED


def _is_asked_for(state: EngineState, key: TargetKey) -> bool:
    """Whether a person asked for this target, or for what it comes from, and it is not done yet."""
    cluster, catalog = state.clusters.get(key.cluster), state.catalog
    document = catalog.applications.get(key.application) if catalog else None
    return (
        state.application_queue.is_wanted_by_user(key.application)
        or (cluster is not None and cluster.queue.is_wanted_by_user(key))
        or (document is not None and state.source_queue.is_wanted_by_user(document.source_ref))
    )


def blocked_of(state: EngineState, target: TargetState) -> int:
    """How many objects do not get on by themselves; none are known while nobody can look."""
    return len(target.blocked()) if state.is_answering(target.key.cluster) else 0


def health_of(state: EngineState, target: TargetState) -> Health:
    """The health of its worst object; Unknown while nobody can look."""
    if not state.is_answering(target.key.cluster):
        return Health(HealthState.UNKNOWN, "the cluster is not connected")
    if not target.health:
        return Health(HealthState.UNKNOWN)
    return target.worst_health(state.now())
