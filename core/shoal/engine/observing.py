"""Sightings become state: health, drift, and a key in the queue when something is to be done.

Nothing is sent from here. A drift that is to be corrected is a request for that one object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from opentelemetry.trace import Tracer

from shoal.engine.queueing import Priority, Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState, TargetState
from shoal.errors import StoreUnavailable
from shoal.model.policies import DriftPolicy
from shoal.model.records import Deed
from shoal.model.sightings import Drift, DriftKind, Sighting

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Observing:
    """Takes one sighting after the other."""

    state: EngineState
    recording: Recording
    tracer: Tracer

    async def saw(self, cluster: ClusterState, sighting: Sighting) -> None:
        """Let the state of its target follow one sighting."""
        if sighting.owned is not None:
            with _unrecorded(sighting):
                await self.recording.seen([sighting.owned])
        target = self.state.targets.get(sighting.target)
        if target is None:
            return
        if sighting.health is not None:
            target.saw_health(sighting.key, sighting.health, self.state.now())
            follow_health(self.state, self.tracer, cluster, target, sighting.at)
        if sighting.is_lost:
            self._take_back(cluster, target, sighting)
        if sighting.drift is None or not self._counts(target, sighting.drift):
            target.drifted.pop(sighting.key, None)
            target.drifted_since.pop(sighting.key, None)
        else:
            with _unrecorded(sighting):
                await self._drifted(cluster, target, sighting, sighting.drift)

    async def _drifted(
        self, cluster: ClusterState, target: TargetState, sighting: Sighting, drift: Drift
    ) -> None:
        before = target.drifted.get(sighting.key)
        target.drifted[sighting.key] = drift
        target.drifted_since.setdefault(sighting.key, sighting.at)
        if target.removing or target.desired is None:
            return
        if drift.is_corrected_by(target.desired.policy):
            request = Request(Priority.DRIFT, "drift", only=frozenset({sighting.key}))
            cluster.queue.add(target.key, request)
        elif before is None or (before.kind, before.owned_digest, before.patch) != (
            drift.kind,
            drift.owned_digest,
            drift.patch,
        ):
            await self.recording.note(
                who=_client(drift),
                what=Deed.TARGET_DRIFTED,
                why="deleted" if drift.kind is DriftKind.MISSING else drift.kind.value,
                subject=str(target.key),
                revision=target.synced_revision,
                body=_evidence(sighting, drift),
            )

    def _take_back(self, cluster: ClusterState, target: TargetState, sighting: Sighting) -> None:
        """Nothing differs, but the next edit of what is not ours any more would not be seen."""
        desired = target.desired
        if target.removing or desired is None:
            return
        if desired.policy.when_drifted is DriftPolicy.CORRECT:
            request = Request(Priority.DRIFT, "ownership", only=frozenset({sighting.key}))
            cluster.queue.add(target.key, request)

    def _counts(self, target: TargetState, drift: Drift) -> bool:
        return target.desired is None or drift.is_told_by(target.desired.policy)


def _client(drift: Drift) -> str:
    """Who it was, as far as one can know: managedFields name clients, and never a person."""
    if not drift.manager:
        return "unknown client"
    return drift.manager if drift.kind is DriftKind.TAKEN else f"client {drift.manager}"


def _evidence(sighting: Sighting, drift: Drift) -> Mapping[str, Any]:
    """What is known of a drift: the way back, and when its client wrote, or when we saw it."""
    at = drift.managed_at or sighting.at
    source = "managedFields" if drift.managed_at else "seen; the API server's audit log knows more"
    return {
        "object": str(sighting.key),
        "patch": list(drift.patch or ()),
        "at": at.isoformat(),
        "atSource": source,
    }


@contextmanager
def _unrecorded(sighting: Sighting) -> Iterator[None]:
    """What is seen counts also while the store cannot be written: drift is still healed."""
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("sighting not recorded", object=str(sighting.key), error=str(error))
