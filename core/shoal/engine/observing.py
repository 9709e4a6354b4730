"""Sightings become state: health, drift, and a key in the queue when something is to be done.

Nothing is sent from here. A drift that is to be corrected is a request for that one object.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from opentelemetry.trace import Tracer

from shoal.engine.queueing import Priority, Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState, TargetState
from shoal.errors import StoreUnavailable
from shoal.model.policies import DriftPolicy
from shoal.model.records import Deed
from shoal.model.sightings import Drift, Sighting

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
            target.health[sighting.key] = sighting.health
            target.was_seen(sighting.key)
            follow_health(self.state, self.tracer, cluster, target, sighting.at)
        if sighting.drift is None:
            target.drifted.pop(sighting.key, None)
        else:
            with _unrecorded(sighting):
                await self._drifted(cluster, target, sighting, sighting.drift)

    async def _drifted(
        self, cluster: ClusterState, target: TargetState, sighting: Sighting, drift: Drift
    ) -> None:
        before = target.drifted.get(sighting.key)
        target.drifted[sighting.key] = drift
        if target.removing or target.desired is None:
            return
        if target.desired.policy.when_drifted is DriftPolicy.CORRECT:
            request = Request(Priority.DRIFT, "drift", only=frozenset({sighting.key}))
            cluster.queue.add(target.key, request)
        elif before is None or before.owned_digest != drift.owned_digest:
            await self.recording.note(
                who=drift.manager or "unknown",
                what=Deed.TARGET_DRIFTED,
                why="deleted" if drift.missing else "edited",
                subject=str(target.key),
                revision=target.synced_revision,
                body={"object": str(sighting.key), "patch": list(drift.patch or ())},
            )


@contextmanager
def _unrecorded(sighting: Sighting) -> Iterator[None]:
    """What is seen counts also while the store cannot be written: drift is still healed."""
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("sighting not recorded", object=str(sighting.key), error=str(error))
