"""What is said of a target or an application: one sentence, and the next step.

Read at night by somebody who did not cause it: what, where, why, and what to do. Made when somebody
looks; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from shoal.engine.depending import lack
from shoal.engine.neighbours import warnings_of_target
from shoal.engine.state import EngineState, StoreTrouble
from shoal.engine.target_state import Queued, TargetState
from shoal.engine.views.applications import TargetPhase
from shoal.errors import ShoalError
from shoal.model.health import Health, HealthState
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.phrases import and_more, counted
from shoal.model.plans import Plan
from shoal.model.sightings import Drift, DriftKind
from shoal.planning.leaving import Removal
from shoal.planning.shrinking import Gone, Sort

SEVERITY_OF_PHASE = {phase: rank for rank, phase in enumerate(TargetPhase)}
_MOST_SHOWN = 3
Told = tuple[str, str]
"""A sentence and a next step; both may be empty."""


def say_target(state: EngineState, target: TargetState, phase: TargetPhase, health: Health) -> Told:
    """What is to be said of one target in this phase; nothing when all is well."""
    if phase is TargetPhase.UNKNOWN:
        return _unknown(state, target)
    if target.removing:
        return _removing(state, target, target.removing)
    is_broken = bool(target.undecided or target.error or target.problems)
    if target.hold is not None and not (is_broken and writes_go_on(target)):
        return _held(state, target, target.hold), target.hold.release
    if target.undecided is not None:
        return _undecided(target.undecided, target)
    if target.error is not None:
        return target.error.message, target.error.next_step
    if target.problems:
        return _problem(target)
    if target.waiting:
        key, wait = min(target.waiting.items(), key=lambda item: item[0])
        return f"{_about(target.key, key, wait.message)}{and_more(target.waiting)}", wait.next_step
    if target.conflicts:
        hold = min(target.conflicts.items())[1]
        return f"{hold.reason}{and_more(target.conflicts)}", hold.release
    if target.queued is not None:
        return _queued(target, target.queued)
    if target.orphaned is not None:
        return target.orphaned.reason, target.orphaned.release
    if target.trial:
        return target.trial, ""
    if phase is TargetPhase.DIFFERS and target.observed is not None:
        return _differs(target.observed)
    if phase is TargetPhase.DRIFTED:
        return _drifted(target)
    ill = _unwell(state, target, health)
    return (ill, "") if ill else _warned(target)


def _warned(target: TargetState) -> Told:
    warnings = warnings_of_target(target)
    if not warnings:
        return "", ""
    return f"{warnings[0].message}{and_more(warnings)}", warnings[0].next_step


def _problem(target: TargetState) -> Told:
    key, error = min(target.problems.items(), key=lambda item: item[0])
    others = and_more(target.problems)
    return f"{_about(target.key, key, error.message)}{others}", error.next_step


def writes_go_on(target: TargetState) -> bool:
    """Whether its hold, if there is one, only stops deletions."""
    return target.hold is None or target.hold.cause is HoldCause.PRUNE_BUDGET


def _unwell(state: EngineState, target: TargetState, health: Health) -> str:
    """The worst object and what is wrong with it; how many more are as bad.

    What is in the way of one comes before what nobody can tell of another.
    """
    is_bad = health.state in (HealthState.DEGRADED, HealthState.MISSING)
    blocked = [] if is_bad else target.blocked()
    ill = target.unwell(state.now()) if health.reason or blocked else {}
    if blocked:
        return f"{_about(target.key, blocked[0], ill[blocked[0]].reason)}{and_more(blocked)}"
    as_bad = sorted(key for key, each in ill.items() if each.state is health.state)
    worst = [key for key in as_bad if ill[key] == health]
    if not worst:
        return health.reason
    return f"{_about(target.key, worst[0], health.reason)}{and_more(as_bad)}"


def _queued(target: TargetState, queued: Queued) -> Told:
    """Which object stops the next wave, and since when."""
    since = f"{queued.since:%H:%M:%S}"
    ill = [key for key in sorted(queued.blockers) if not target.is_healthy((key,))]
    waits = f"{counted(len(queued.keys), 'object')} of later waves wait since {since} for wave"
    if not ill:
        return f"{waits} {queued.wave}", ""
    health = target.health.get(ill[0])
    is_seen = health is not None and ill[0] not in target.unseen
    state = f"is {health.state}" if health is not None and is_seen else "was not seen yet"
    reason = f": {health.reason}" if health is not None and is_seen and health.reason else ""
    return f"{waits} {queued.wave}, in which {ill[0]} {state}{and_more(ill)}{reason}", ""


def _differs(plan: Plan) -> Told:
    shown = [f"{change.action} {change.key}" for change in plan.changes[:_MOST_SHOWN]]
    more = len(plan.changes) - len(shown)
    others = f" and {more} more" if more else ""
    told = f"{counted(len(plan.changes), 'object')} would change: {', '.join(shown)}{others}"
    return f"{told}; mode is Observe", "set mode: Apply to write it"


def alone(target: TargetKey, key: ObjectKey, message: str) -> str:
    """A message beside its object: without the cluster and the object in front of it."""
    return message.removeprefix(f"{target.cluster}: ").removeprefix(f"{key}: ")


def _about(target: TargetKey, key: ObjectKey, message: str) -> str:
    """A message that names its object once, and not the cluster: the row does."""
    message = message.removeprefix(f"{target.cluster}: ")
    return message if str(key) in message else f"{key}: {message}"


def _undecided(error: ShoalError, target: TargetState) -> Told:
    kept = "it keeps what it has" if target.synced_revision else "nothing was applied yet"
    return f"{error.message}; {kept}", error.next_step


def _held(state: EngineState, target: TargetState, hold: Hold) -> str:
    """A person's reason needs who gave it and until when; what a dependency lacks may change."""
    if hold.cause is HoldCause.DEPENDENCY:
        now = lack(state, target.key)
        return f"{hold.reason}; {now}" if now else hold.reason
    if hold.cause is not HoldCause.SUSPENDED:
        return hold.reason
    until = f" until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else ""
    return f"suspended by {hold.by}{until}: {hold.reason}"


def _removing(state: EngineState, target: TargetState, removal: Removal) -> Told:
    """Its grace period; a suspension that keeps it; or what is in the way of its deletion."""
    suspensions, now = state.suspensions(target.key.application), state.now()
    if suspensions:
        first = min(suspensions, key=lambda hold: hold.since)
        told = f"it is kept, although {removal.why}: {_held(state, target, first)}"
        return told, first.release
    for hold in state.holds.values():
        is_its = hold.subject == str(target.key) and hold.cause is HoldCause.REMOVING
        if is_its and (hold.until is None or hold.until > now):
            return hold.reason, hold.release
    if target.error is not None:
        return target.error.message, target.error.next_step
    if target.problems:
        return _problem(target)
    if target.orphaned is not None:
        return target.orphaned.reason, target.orphaned.release
    if not state.is_fleet_read():
        kept = "it is kept while not all of the fleet's documents can be read"
        return f"{kept}, although {removal.why}", "see shoal status, or run shoal validate"
    return f"its objects are being deleted, because {removal.why}", ""


def _is_withheld(state: EngineState, key: TargetKey) -> bool:
    application = Gone(Sort.APPLICATION, str(key.application))
    return bool({application, Gone(Sort.CLUSTER, key.cluster)} & state.fleet.withheld)


def _drifted(target: TargetState) -> Told:
    key, drift = min(target.drifted.items(), key=lambda item: item[0])
    told = f"{key} {_DONE[drift.kind]}{_by(drift)}{and_more(target.drifted)}"
    if target.desired is None or drift.is_corrected_by(target.desired.policy):
        return f"{told}; it is being corrected", ""
    said = "whenFieldsAdded: {}" if drift.kind is DriftKind.ADDED else "whenDrifted: {}"
    does = "Remove" if drift.kind is DriftKind.ADDED else "Correct"
    return (
        f"{told}, and the application says {said.format('Report')}",
        f"shoal drift revert, adopt or ignore {target.key.application}, or set {said.format(does)}",
    )


_DONE: Mapping[DriftKind, str] = {
    DriftKind.EDITED: "was changed in the cluster",
    DriftKind.MISSING: "was deleted in the cluster",
    DriftKind.ADDED: "has fields that were added in the cluster",
    DriftKind.TAKEN: "was taken over in the cluster",
    DriftKind.UNMARKED: "had its shoal.dev marks taken off in the cluster",
}


def _by(drift: Drift) -> str:
    """The client that managedFields names; it never names a person, so neither do we."""
    if not drift.manager:
        return " by an unknown client (see the API server's audit log)"
    return (
        f" by {drift.manager}" if drift.kind is DriftKind.TAKEN else f" by client {drift.manager}"
    )


def say_store(trouble: StoreTrouble | None) -> Told:
    """Since when nothing can be written, and what becomes of it."""
    if trouble is None:
        return "", ""
    parts = [f"since {trouble.since:%H:%M:%S}, {trouble.error.message}"]
    if trouble.owed:
        parts.append(f"{counted(trouble.owed, 'record')} kept in memory until it can")
    if trouble.lost:
        parts.append(f"{counted(trouble.lost, 'record')} lost")
    return "; ".join(parts), trouble.error.next_step


def _unknown(state: EngineState, target: TargetState) -> Told:
    last = "never synced"
    if target.synced_at is not None:
        last = f"last Synced at {target.synced_at:%H:%M:%S} revision {target.synced_revision[:12]}"
    unreadable = state.unreadable(target.key)
    if unreadable and _is_withheld(state, target.key):
        what = f"{unreadable[0]} is not in the documents any more, and its removal is held"
        return f"{what}; what is live stays as it is", "see shoal get holds"
    if unreadable:
        what = f"the document of {unreadable[0]}, in {unreadable[1]}, cannot be read"
        return f"{what}; what is live stays as it is", "see shoal status, or run shoal validate"
    if state.catalog is None:
        why = f": {state.fleet.error.message}" if state.fleet.error else ""
        told = f"the fleet's documents were not read since the start{why}"
        return f"{told}; what is live stays as it is, {last}", "see shoal status"
    cluster = state.clusters.get(target.key.cluster)
    if cluster is None:
        return f"{target.key.cluster} has no Cluster document; {last}", ""
    since = f"since {cluster.since:%H:%M:%S}" if cluster.since else "not connected yet"
    error = cluster.error
    cause = f": {error.message}" if error else ""
    return f"Unknown {since}, {last}{cause}", error.next_step if error else ""
