"""Sightings become state: health, drift, and a key in the queue when something is to be done.

Nothing is sent from here. A drift that is to be corrected is a request for that one object; when
much of a target drifts at once, it is one event and one request for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from opentelemetry.trace import Tracer

from shoal.engine.fights import end_fight
from shoal.engine.neighbours import Neighbours
from shoal.engine.queueing import Priority, Request
from shoal.engine.reaching import follow_health
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState, without
from shoal.errors import OwnershipConflict, StoreUnavailable
from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey
from shoal.model.plans import OwnedState
from shoal.model.policies import DriftPolicy, SyncMode
from shoal.model.records import Deed, Verdict
from shoal.model.sightings import Drift, DriftKind, Sighting
from shoal.planning.backing_off import NEVER
from shoal.planning.fighting import is_reset

# What drifts within this time drifts at once; a namespace is emptied in seconds.
AT_ONCE = timedelta(seconds=10)
MOST_NAMED = 20
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Observing:
    """Takes one sighting after the other."""

    state: EngineState
    recording: Recording
    neighbours: Neighbours
    tracer: Tracer

    async def saw(self, cluster: ClusterState, sighting: Sighting) -> None:
        """Let the state of its target follow one sighting."""
        if sighting.owned is not None:
            await self.recording.seen(cluster.name, [sighting.owned])
        target = self.state.targets.get(sighting.target)
        if target is None:
            return
        if sighting.is_served:
            cluster.queue.add(target.key, Request(Priority.REVISION, "its kind is served now"))
            return
        # Not while a pass is under way: it may be about to make the object anew.
        if not target.is_syncing and self._is_no_orphan_any_more(cluster, sighting):
            with _unrecorded(sighting):
                target.forget(sighting.key)
                await self.recording.seen(cluster.name, gone=[sighting.key])
                cluster.queue.add(target.key, Request(Priority.RECHECK, "an orphan is gone"))
            return
        if sighting.key not in cluster.inventory:
            return  # nobody's any more: it was let go while this was on its way
        if sighting.health is not None:
            target.saw_health(sighting.key, sighting.health, self.state.now())
            await self._follow_degradation(target, sighting.key, sighting.health)
            follow_health(self.state, self.tracer, cluster, target, sighting.at)
        if sighting.is_lost:
            self._take_back(cluster, target, sighting)
        with _unrecorded(sighting):
            if sighting.beside is not None:
                await self.neighbours.saw(target, sighting.key, sighting.beside, sighting.at)
        if self._is_awaited_end(target, sighting):
            cluster.queue.add(target.key, Request(Priority.REVISION, "what was to go is gone"))
            return
        with _unrecorded(sighting):
            if sighting.drift is None or not self._counts(target, sighting.drift):
                await self._settled(cluster, target, sighting.key)
            else:
                await self._drifted(cluster, target, sighting, sighting.drift)

    async def _follow_degradation(
        self, target: TargetState, key: ObjectKey, health: Health
    ) -> None:
        """Say once that something does badly, and that all is well: in between it may well flap."""
        does_badly = health.state is HealthState.DEGRADED or health.is_blocked
        if does_badly and not target.removing:
            is_news, target.degraded = not target.degraded, target.degraded | {key}
            if is_news:
                await self.recording.mention(
                    Deed.TARGET_DEGRADED,
                    str(target.key),
                    {"object": str(key)},
                    why=health.reason,
                    verdict=Verdict.FAILED,
                )
        elif health.state is HealthState.HEALTHY and key in target.degraded:
            target.degraded -= {key}
            if not target.degraded:
                await self.recording.mention(Deed.TARGET_HEALTHY, str(target.key))

    def _is_no_orphan_any_more(self, cluster: ClusterState, sighting: Sighting) -> bool:
        """Whether what was only found has gone by itself, or is somebody else's now."""
        row, drift = cluster.inventory.get(sighting.key), sighting.drift
        is_over = drift is not None and drift.kind in (DriftKind.MISSING, DriftKind.TAKEN)
        is_only_found = row is not None and row.state is OwnedState.DOUBTED and not row.baseline
        return is_over and is_only_found

    def _is_awaited_end(self, target: TargetState, sighting: Sighting) -> bool:
        """Whether an object that we deleted, and that hung on a finalizer, is gone at last."""
        drift = sighting.drift
        is_gone = drift is not None and drift.kind is DriftKind.MISSING
        return is_gone and sighting.key in target.waiting

    async def _settled(self, cluster: ClusterState, target: TargetState, key: ObjectKey) -> None:
        """The object is as it should be; if it was fought over, that has ended by itself."""
        if key in target.drifted and target.observed is not None:
            self._look_again(cluster, target)
        target.drifted.pop(key, None)
        since = target.drifted_since.pop(key, None)
        if since is not None:
            self.state.measuring.drift_ended(self.state.now() - since)
        if isinstance(target.problems.get(key), OwnershipConflict):
            del target.problems[key]  # it is ours again
        if key in target.reported:
            target.reported = without(target.reported, key)
            if not target.reported:
                await self.recording.mention(Deed.DRIFT_ENDED, str(target.key))
        await end_fight(self.recording, target, key, "it is as it should be again")

    async def _drifted(
        self, cluster: ClusterState, target: TargetState, sighting: Sighting, drift: Drift
    ) -> None:
        target.drifted[sighting.key] = drift
        target.drifted_since.setdefault(sighting.key, sighting.at)
        if target.removing or target.desired is None:
            return
        policy = target.desired.policy
        if policy.mode is SyncMode.OBSERVE:
            self._look_again(cluster, target)
            return
        is_reset = await self._is_reset(target, sighting)
        if drift.is_corrected_by(policy):
            only = None if is_reset else frozenset({sighting.key})
            cluster.queue.add(target.key, Request(Priority.DRIFT, "drift", only=only))
        elif not is_reset and self._is_news(target, sighting.key, drift):
            await self.recording.note(
                who=_client(drift),
                what=Deed.TARGET_DRIFTED,
                why="deleted" if drift.kind is DriftKind.MISSING else drift.kind.value,
                subject=str(target.key),
                revision=target.synced_revision,
                body=_evidence(sighting, drift),
            )

    def _look_again(self, cluster: ClusterState, target: TargetState) -> None:
        """A whole plan is tried out for it, so not at every change of what never stands still."""
        request = Request(Priority.DRIFT, "drift")
        if target.looks.next_at <= self.state.now():
            cluster.queue.add(target.key, request)
        else:
            cluster.queue.wake(target.key, target.looks.next_at, request)

    def _is_news(self, target: TargetState, key: ObjectKey, drift: Drift) -> bool:
        """Whether a drift that is left as it is is recorded: another one, or it goes on."""
        now, reason = self.state.now(), drift.reason
        before, told = target.reported.get(key, ("", NEVER))
        if before == reason and now < told.next_at:
            return False
        again = told.again(now) if before == reason else NEVER.again(now)
        target.reported = {**target.reported, key: (reason, again)}
        return True

    def _take_back(self, cluster: ClusterState, target: TargetState, sighting: Sighting) -> None:
        """Nothing differs, but the next edit of what is not ours any more would not be seen."""
        desired = target.desired
        if target.removing or desired is None or desired.policy.mode is SyncMode.OBSERVE:
            return
        if desired.policy.when_drifted is DriftPolicy.CORRECT:
            request = Request(Priority.DRIFT, "ownership", only=frozenset({sighting.key}))
            cluster.queue.add(target.key, request)

    def _counts(self, target: TargetState, drift: Drift) -> bool:
        return target.desired is None or drift.is_told_by(target.desired.policy)

    async def _is_reset(self, target: TargetState, sighting: Sighting) -> bool:
        """Whether this is part of a large change of the target, which is told once."""
        now = self.state.now()
        recent = {key: at for key, at in target.sighted.items() if now - at < AT_ONCE}
        target.sighted = recent = {**recent, sighting.key: now}
        owned = self.state.inventory(target.key.cluster).count(target.key)
        if not is_reset(len(recent), owned):
            return False
        since, target.reset_at = target.reset_at, now
        if since is None or now - since >= AT_ONCE:
            clients = {_client(drift) for drift in target.drifted.values()}
            await self.recording.note(
                who=clients.pop() if len(clients) == 1 else "several clients",
                what=Deed.TARGET_RESET,
                why=f"{len(recent)} of {owned} objects changed at once",
                subject=str(target.key),
                revision=target.synced_revision,
                body={"objects": [str(key) for key in sorted(recent)[:MOST_NAMED]]},
            )
        return True


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
