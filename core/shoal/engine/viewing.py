"""Views of the engine's state, made when somebody looks. No I/O, no decision, nothing kept.

Of what there are many, views are made one by one as they are taken, of those that there were when
the first was: whoever takes them may let others have the loop in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shoal.documents import Identity, Problem
from shoal.engine.neighbours import warnings_of_target
from shoal.engine.phasing import blocked_of, health_of, phase_of
from shoal.engine.saying import SEVERITY_OF_PHASE, alone, say_store, say_target
from shoal.engine.stances import say_application, stance_of
from shoal.engine.state import ApplicationState, ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.applications import (
    BLOCKED,
    ApplicationView,
    ObjectProblem,
    TargetPhase,
    TargetView,
)
from shoal.engine.views.changes import HoldView
from shoal.engine.views.clusters import ClusterView
from shoal.engine.views.fleet import DocumentProblem, FleetView, SourceView
from shoal.engine.warning import is_slow, warnings_of
from shoal.errors import AccessDenied, ClusterUnreachable, ShoalError
from shoal.model.documents import Application
from shoal.model.health import Health, HealthState, worst
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import Ref
from shoal.model.phrases import counted

STALLS_SHOWN = timedelta(hours=1)
IsMeant = Callable[[Ref], bool]
"""Whether an application is one of those that somebody looks for."""
_UNSEEN = Health(HealthState.UNKNOWN)


@dataclass(slots=True)
class Standing:
    """How many targets stand how: what takes a look at each of them."""

    phases: Counter[str] = field(default_factory=Counter[str])
    health: Counter[str] = field(default_factory=Counter[str])
    blocked: int = 0

    def count(self, state: EngineState, target: TargetState) -> None:
        """One more target."""
        self.phases[phase_of(state, target).value] += 1
        self.health[health_of(state, target).state.value] += 1
        self.blocked += blocked_of(state, target) > 0


def view_fleet(
    state: EngineState,
    standing: Standing,
    *,
    location: str,
    version: str,
    started_at: datetime,
) -> FleetView:
    """The fleet on one screen."""
    catalog, fleet = state.catalog, state.fleet
    error = fleet.error
    ready = "Unknown" if catalog is None and error is None else str(not error)
    if fleet.problems:
        ready = "False"
    message = error.message if error else ""
    state_message, state_next_step = say_store(state.store_trouble)
    if not message and fleet.problems:
        found = counted(len(fleet.problems), "problem")
        message = f"{found} in the documents; what they concern stays as it was"
    return FleetView(
        name=catalog.fleet if catalog else fleet.name,
        location=location,
        revision=fleet.files.revision if fleet.files else "",
        loaded_at=fleet.loaded_at,
        looked_at=fleet.looked_at,
        stale_since=fleet.stale_since,
        ready=ready,
        message=message,
        problems=[_problem(each) for each in fleet.problems],
        warnings=[_problem(each) for each in fleet.warnings],
        clusters=len(state.clusters),
        clusters_reachable=sum(each.is_answering for each in state.clusters.values()),
        applications=len(catalog.applications) if catalog else 0,
        targets=standing.phases.total(),
        phases=dict(standing.phases),
        health=dict(standing.health),
        blocked=standing.blocked,
        holds=len(_standing(state)),
        state_message=state_message,
        state_next_step=state_next_step,
        version=version,
        started_at=started_at,
        stalls=[each for each in state.stalls if each.at > state.now() - STALLS_SHOWN],
    )


def _problem(problem: Problem) -> DocumentProblem:
    expected = f" (expected {problem.expected})" if problem.expected else ""
    meant = f"did you mean {problem.suggestion}?" if problem.suggestion else ""
    return DocumentProblem(
        problem.file,
        problem.line,
        problem.field,
        f"{problem.message}{expected}",
        meant or problem.next_step,
    )


def everything(application: Ref) -> bool:
    """Every application is meant."""
    return True


def view_targets(state: EngineState, is_meant: IsMeant = everything) -> Iterator[TargetView]:
    """The applications that are meant at every cluster."""
    for ref in sorted(state.places()):
        if is_meant(ref):
            for target in state.targets_of(ref):
                yield view_target(state, target)


def view_target(state: EngineState, target: TargetState) -> TargetView:
    """One application at one cluster."""
    key = target.key
    cluster = state.clusters.get(key.cluster)
    phase = phase_of(state, target)
    health = health_of(state, target)
    message, next_step = say_target(state, target, phase, health)
    problems = [
        *(
            ObjectProblem(str(each), error.reason, alone(key, each, error.message))
            for each, error in sorted(target.problems.items(), key=lambda item: item[0])
        ),
        *(
            ObjectProblem(str(each), "Waiting", alone(key, each, wait.message))
            for each, wait in sorted(target.waiting.items(), key=lambda item: item[0])
        ),
        *(
            ObjectProblem(str(each), hold.cause.value, hold.reason)
            for each, hold in sorted(target.conflicts.items())
        ),
        *_in_later_waves(target),
        *_unhealthy(state, target),
    ]
    return TargetView(
        namespace=key.application.namespace,
        application=key.application.name,
        cluster=key.cluster,
        labels=cluster.document.metadata.labels if cluster else {},
        phase=phase,
        health=health.state.value,
        revision=target.synced_revision,
        synced_at=target.synced_at,
        since=target.since,
        objects=state.inventory(key.cluster).count(key),
        drifted=len(target.drifted),
        blocked=blocked_of(state, target),
        message=message,
        next_step=next_step,
        problems=problems,
        warnings=warnings_of_target(target),
        plan_hash=target.plan_hash,
        trace_id=target.trace_id,
    )


def _in_later_waves(target: TargetState) -> list[ObjectProblem]:
    queued = target.queued
    if queued is None:
        return []
    waits = f"it waits until all of wave {queued.wave} is healthy"
    return [ObjectProblem(str(key), "Waiting", waits) for key in sorted(queued.keys)]


def _unhealthy(state: EngineState, target: TargetState) -> list[ObjectProblem]:
    return [
        ObjectProblem(str(key), BLOCKED if health.is_blocked else health.state.value, health.reason)
        for key, health in sorted(target.unwell(state.now()).items())
    ]


def view_applications(
    state: EngineState, is_meant: IsMeant = everything
) -> Iterator[ApplicationView]:
    """Those that are meant of the catalog, and those whose targets are still being removed."""
    catalog = state.catalog
    documents = dict(catalog.applications) if catalog else {}
    holds: dict[str, list[Hold]] = {}
    for hold in _standing(state):
        holds.setdefault(hold.subject.partition("@")[0], []).append(hold)
    for ref in sorted({*documents, *state.places()}):
        if is_meant(ref):
            yield _application(state, ref, documents.get(ref), holds.get(str(ref), ()))


def _application(
    state: EngineState, ref: Ref, document: Application | None, holds: Sequence[Hold]
) -> ApplicationView:
    known = state.applications.get(ref, ApplicationState())
    targets = [stance_of(state, each) for each in state.targets_of(ref)]
    phases = [each.phase for each in targets]
    if known.error is not None:
        phases.append(TargetPhase.FAILED)
    phase = max(phases, key=SEVERITY_OF_PHASE.__getitem__, default=TargetPhase.PENDING)
    message, next_step = say_application(state, known, targets, document)
    return ApplicationView(
        namespace=ref.namespace,
        name=ref.name,
        labels=document.metadata.labels if document else {},
        source=str(document.source_ref) if document else "",
        path=document.spec.source.path if document else "",
        revision=known.revision,
        tried_revision=known.tried_revision,
        phase=phase,
        health=(worst(each.health for each in targets) if targets else _UNSEEN).state.value,
        clusters=len(targets),
        synced=sum(each.phase is TargetPhase.SYNCED for each in targets),
        objects=sum(state.inventory(each.cluster).count(each.target.key) for each in targets),
        blocked=sum(each.blocked > 0 for each in targets),
        message=message,
        next_step=next_step,
        suspended=any(
            hold.cause is HoldCause.SUSPENDED and hold.subject == str(ref) for hold in holds
        ),
        holds=sorted(hold.id for hold in holds),
        document=_place(state, Identity("Application", *ref)),
        sync=_policy(document),
    )


def _policy(document: Application | None) -> dict[str, Any]:
    """What counts, in the words of the document; what is empty is left out."""
    if document is None:
        return {}
    written = document.spec.sync.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in written.items() if value and _says_something(value)}


def _says_something(value: Any) -> bool:
    return not isinstance(value, dict) or any(value.values())


def view_clusters(state: EngineState) -> Iterator[ClusterView]:
    """Every cluster that has a document."""
    targets = Counter(key.cluster for key in state.targets)
    for name, cluster in sorted(state.clusters.items()):
        yield _cluster(state, name, cluster, targets[name])


def _cluster(state: EngineState, name: str, cluster: ClusterState, targets: int) -> ClusterView:
    error, facts = cluster.error, cluster.facts
    warnings = warnings_of(cluster, state.now())
    return ClusterView(
        name=name,
        labels=cluster.document.metadata.labels,
        reachable=_reachable(cluster, error),
        authorized=_authorized(cluster, error),
        version=facts.version if facts else "",
        circuit=cluster.circuit.state.value,
        slow=str(is_slow(cluster)) if cluster.is_answering else "Unknown",
        since=cluster.since,
        last_contact=cluster.last_contact,
        stale_since=cluster.stale_since,
        credential_expiry_time=cluster.credential.expires_at if cluster.credential else None,
        latency_seconds=facts.latency_seconds if facts else None,
        requests_in_flight=facts.requests_in_flight if facts else None,
        transitions=cluster.turns.count,
        targets=targets,
        objects=len(cluster.inventory),
        queued=len(cluster.queue) + cluster.queue.active,
        reason=error.reason if error else "",
        message=error.message if error else "; ".join(each.message for each in warnings),
        next_step=error.next_step if error else next((w.next_step for w in warnings), ""),
        warnings=warnings,
        document=_place(state, Identity("Cluster", "", name)),
    )


def _reachable(cluster: ClusterState, error: ShoalError | None) -> str:
    if cluster.is_answering:
        return "True"
    return "False" if isinstance(error, ClusterUnreachable) else "Unknown"


def _authorized(cluster: ClusterState, error: ShoalError | None) -> str:
    if isinstance(error, AccessDenied):
        return "False"
    return "True" if cluster.is_answering else "Unknown"


def view_sources(state: EngineState) -> list[SourceView]:
    """Every source, inline ones included."""
    catalog = state.catalog
    if catalog is None:
        return []
    return [
        _source(state, ref, catalog.sources[ref].choice.name) for ref in sorted(catalog.sources)
    ]


def _source(state: EngineState, ref: Ref, type_: str) -> SourceView:
    source = state.sources.get(ref)
    artifact = source.artifact if source else None
    error = source.error if source else None
    provenance = artifact.provenance if artifact else None
    return SourceView(
        namespace=ref.namespace,
        name=ref.name,
        type=type_,
        revision=artifact.revision if artifact else "",
        version=provenance.version if provenance else "",
        fetched_at=source.fetched_at if source else None,
        author=provenance.author if provenance else "",
        subject=provenance.subject if provenance else "",
        signer=provenance.signer if provenance else "",
        ready="False" if error else "True" if artifact else "Unknown",
        message=error.message if error else "",
        next_step=error.next_step if error else "",
        document=_place(state, Identity("Source", *ref)),
    )


def view_holds(state: EngineState) -> list[HoldView]:
    """Everything that waits for a person, oldest first."""
    held = {each.held.hold: each.held for each in state.targets.values() if each.held}
    return [
        HoldView(
            id=hold.id,
            subject=hold.subject,
            cause=hold.cause.value,
            reason=hold.reason,
            by=hold.by,
            since=hold.since,
            until=hold.until,
            release=hold.release,
            group=hold.group,
            proven=hold.id in held and held[hold.id].is_proven,
            change_count=held[hold.id].count if hold.id in held else 0,
            changes=held[hold.id].first if hold.id in held else (),
        )
        for hold in sorted(_standing(state), key=lambda hold: hold.since)
    ]


def _standing(state: EngineState) -> list[Hold]:
    """Holds that are in force; a suspension or a grace period that has run out is not."""
    now = state.now()
    return [hold for hold in state.holds.values() if hold.until is None or hold.until > now]


def _place(state: EngineState, identity: Identity) -> str:
    origin = state.catalog.origins.get(identity) if state.catalog else None
    return f"{origin.file}:{origin.line}" if origin else ""


__all__ = [
    "Standing",
    "everything",
    "view_applications",
    "view_clusters",
    "view_fleet",
    "view_holds",
    "view_sources",
    "view_target",
    "view_targets",
]
