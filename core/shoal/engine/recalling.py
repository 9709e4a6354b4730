"""What the engine knows again after a restart, from what the store kept."""

from __future__ import annotations

from shoal.engine.fleet_memory import recall
from shoal.engine.inventory import Inventory
from shoal.engine.recovery import restored_at, sweeps
from shoal.engine.state import EngineState, SourceState
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import TargetKey
from shoal.planning.holding import fought_over
from shoal.store.states import State


def remember(state: EngineState, kept: State) -> None:
    """Inventory, grants, holds, identities, the fleet, sources, and how each target stood."""
    for cluster, rows in kept.inventory.items():
        state.inventories[cluster] = Inventory(rows.values())
        for row in rows.values():
            state.target(row.target)
    for outcome in kept.targets.values():
        target = state.target(outcome.target)
        target.synced_revision = outcome.synced_revision
        target.synced_at, target.since = outcome.synced_at, outcome.at
        target.plan_hash, target.trace_id = outcome.plan_hash, outcome.trace_id
    for ref, known in kept.sources.items():
        state.sources[ref] = SourceState(recorded=(known.revision, known.digest))
    state.grants, state.holds = kept.grants, kept.holds
    for hold in kept.holds.values():
        _remember_hold(state, hold)
    state.streams = kept.streams
    state.approvals, state.identities = kept.approvals, kept.identities
    state.swept, state.restored_at = sweeps(kept.settings), restored_at(kept.settings)
    recall(kept.settings, state.fleet)


def _remember_hold(state: EngineState, hold: Hold) -> None:
    """What a target waits for; a suspension or a removal is found where it stands."""
    target = state.targets.get(TargetKey.parse(hold.subject))
    if target is None or hold.cause is HoldCause.REMOVING:
        return
    if hold.cause is HoldCause.CONFLICT:
        target.conflicts = {**target.conflicts, fought_over(hold): hold}
    elif hold.cause is HoldCause.ORPHANED:
        target.orphaned = hold
    else:
        target.hold = hold
        target.standing = hold if hold.cause is HoldCause.PRUNE_BUDGET else None
