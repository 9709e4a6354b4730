"""How things stand, as numbers: the engine's state read once for everybody who looks at metrics.

Made when somebody looks, in portions, because the loop has other things to do: fifty thousand
targets take a quarter of a second. Counts are by phase, cause or cluster; a single target is in no
metric.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shoal.engine.guarding import Guard
from shoal.engine.phasing import blocked_of, health_of, phase_of
from shoal.engine.portions import in_portions
from shoal.engine.rendering import Rendering
from shoal.engine.saying import SEVERITY_OF_PHASE
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.applications import TargetPhase
from shoal.model.identity import Ref
from shoal.model.metrics import Metric
from shoal.planning.circuits import CircuitState
from shoal.store import Store
from shoal.telemetry import measures, names
from shoal.telemetry.readings import Readings, Series

PORTION = 200
"""Targets between two turns of the loop: about a millisecond."""


@dataclass(frozen=True, slots=True)
class Gauging:
    """Reads the engine's state for its metrics."""

    state: EngineState
    store: Store
    rendering: Rendering
    guard: Guard

    async def read(self) -> Readings:
        """Every metric that is read and not counted, but for those of the process."""
        readings: dict[Metric, Sequence[Series]] = {}
        readings.update(await self._of_targets())
        readings.update(self._of_the_fleet())
        readings.update(self._of_queues())
        readings.update(await self._of_clusters())
        readings.update(self._of_what_was_done())
        return readings

    async def _of_targets(self) -> Readings:
        state = self.state
        standing: Counter[tuple[str, str]] = Counter()
        by_application: dict[Ref, Counter[TargetPhase]] = defaultdict(Counter)
        drifts: Counter[str] = Counter()
        blocked = 0
        oldest: datetime | None = None
        async for target in in_portions(list(state.targets.values()), PORTION):
            phase = phase_of(state, target)
            standing[phase, health_of(state, target).state] += 1
            by_application[target.key.application][phase] += 1
            blocked += blocked_of(state, target) > 0
            if target.drifted:
                drifts.update(drift.kind.value for drift in target.drifted.values())
                oldest = min(filter(None, (oldest, _drifted_since(target))), default=None)
        return {
            measures.TARGETS: [
                (count, {measures.PHASE: phase, measures.HEALTH: health})
                for (phase, health), count in standing.items()
            ],
            measures.APPLICATION_TARGETS: [
                (count, {names.APPLICATION: str(ref), measures.PHASE: phase})
                for ref, counts in by_application.items()
                for phase, count in counts.items()
            ],
            measures.BLOCKED: [(blocked, {})],
            measures.APPLICATIONS: self._applications(by_application),
            measures.DRIFTED: _counted(measures.DRIFT, drifts),
            measures.DRIFT_AGE: [(self._age(oldest), {})],
        }

    def _applications(self, phases: dict[Ref, Counter[TargetPhase]]) -> Sequence[Series]:
        """By worst phase; one that failed before it came to its targets has failed."""
        catalog = self.state.catalog
        found: Counter[str] = Counter(dict.fromkeys(TargetPhase, 0))
        for ref in {*phases, *(catalog.applications if catalog else ())}:
            known = self.state.applications.get(ref)
            is_failed = known is not None and known.error is not None
            standing = [*phases.get(ref, ()), *([TargetPhase.FAILED] if is_failed else [])]
            worst = max(standing, key=SEVERITY_OF_PHASE.__getitem__, default=TargetPhase.PENDING)
            found[worst] += 1
        return _counted(measures.PHASE, found)

    def _of_the_fleet(self) -> Readings:
        state, now = self.state, self.state.now()
        sources = Counter({"True": 0, "False": 0, "Unknown": 0})
        for ref in state.catalog.sources if state.catalog else ():
            source = state.sources.get(ref)
            is_known = source is not None and (source.error or source.artifact)
            is_read = source is not None and source.error is None
            sources[str(is_read) if is_known else "Unknown"] += 1
        holds = [each for each in state.holds.values() if each.until is None or each.until > now]
        problems = len(state.fleet.problems) + (state.fleet.error is not None)
        trouble = state.store_trouble
        return {
            measures.SOURCES: _counted(measures.READY, sources),
            measures.HOLDS: _counted(measures.CAUSE, Counter(each.cause.value for each in holds)),
            measures.FLEET_PROBLEMS: [(problems, {})],
            measures.FLEET_STALE: [(self._age(state.fleet.stale_since), {})],
            measures.STORE_OWED: [(trouble.owed if trouble else 0, {})],
        }

    def _of_queues(self) -> Readings:
        state = self.state
        of_targets = [each.queue for each in state.clusters.values()]
        waiting = {
            "fleet": (len(state.fleet_queue), state.fleet_queue.oldest),
            "sources": (len(state.source_queue), state.source_queue.oldest),
            "applications": (len(state.application_queue), state.application_queue.oldest),
            "targets": (
                sum(map(len, of_targets)),
                min((each.oldest for each in of_targets if each.oldest), default=None),
            ),
        }
        return {
            measures.QUEUE_DEPTH: [
                (depth, {measures.QUEUE: name}) for name, (depth, _) in waiting.items()
            ],
            measures.QUEUE_AGE: [
                (self._age(oldest), {measures.QUEUE: name}) for name, (_, oldest) in waiting.items()
            ],
        }

    async def _of_clusters(self) -> Readings:
        found: dict[Metric, list[Series]] = defaultdict(list)
        async for cluster in in_portions(list(self.state.clusters.values()), PORTION):
            of = {names.CLUSTER: cluster.name}
            for metric, value in self._of_cluster(cluster):
                found[metric].append((value, of))
            for each in CircuitState:
                is_it = cluster.circuit.state is each
                found[measures.CLUSTER_CIRCUIT].append(
                    (int(is_it), {**of, measures.CIRCUIT: each.value})
                )
        return found

    def _of_cluster(self, cluster: ClusterState) -> Iterator[tuple[Metric, float]]:
        yield measures.CLUSTER_UP, int(cluster.is_answering)
        yield measures.CLUSTER_OBJECTS, len(cluster.inventory)
        yield measures.CLUSTER_DEPTH, len(cluster.queue)
        yield measures.CLUSTER_AGE, self._age(cluster.queue.oldest)
        yield measures.CLUSTER_STALE, self._age(cluster.stale_since)
        if cluster.last_contact is not None:
            yield measures.CLUSTER_CONTACT, self._age(cluster.last_contact)
        facts, credential = cluster.facts, cluster.credential
        if facts is not None and facts.latency_seconds is not None and cluster.is_answering:
            yield measures.CLUSTER_LATENCY, facts.latency_seconds
        if facts is not None and facts.requests_in_flight is not None:
            yield measures.CLUSTER_IN_FLIGHT, facts.requests_in_flight
        if credential is not None and credential.expires_at is not None:
            remaining = (credential.expires_at - self.state.now()).total_seconds()
            yield measures.CLUSTER_CREDENTIAL, remaining

    def _of_what_was_done(self) -> Readings:
        renders = {"hit": self.rendering.hits, "miss": self.rendering.renders}
        left = Counter(call.seam for call in self.guard.left)
        return {
            measures.RENDERS: _counted(measures.MEMO, Counter(renders)),
            measures.LEDGER_RECORDS: [(self.store.last_seq, {})],
            measures.PLUGIN_CALLS_LEFT: _counted(measures.SEAM, left),
        }

    def _age(self, since: datetime | None) -> float:
        """How long ago that was; 0 for what is not."""
        return 0.0 if since is None else max(0.0, (self.state.now() - since).total_seconds())


def _drifted_since(target: TargetState) -> datetime | None:
    """Since when something of it drifts that drifts now."""
    return min(
        (at for key, at in target.drifted_since.items() if key in target.drifted), default=None
    )


def _counted(attribute: str, counts: Counter[str]) -> Sequence[Series]:
    return [(count, {attribute: word}) for word, count in counts.items()]
