"""Recovering: finding out what is ours on a cluster, when the state does not say it.

The marks on the objects are the truth, the inventory is our memory of it. Of a cluster that was
never swept, whose state was restored or replaced by an older one, or on which an object of ours
shows up that no row knows, the memory may have holes. Then everything that carries our marks is
listed, kind by kind. What Git wants is applied once, to exactly the object that was found; what it
does not want is an orphan (`orphaning`). Until every kind that can be listed was listed, nothing is
deleted there.

A sweep that a lost connection cuts off goes on with the next one. It runs beside the queue of the
cluster's targets, one request at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

import anyio
import msgspec
import structlog

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.identifying import cluster_subject
from shoal.engine.owing import UNRECORDED_RETRY
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.recovery import Recovery, Sweep
from shoal.engine.state import ClusterState, EngineState
from shoal.errors import ForbiddenByCluster, ShoalError, StoreUnavailable
from shoal.hooks.targets import Session
from shoal.model.endpoints import Facts
from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState, found
from shoal.model.records import Deed
from shoal.model.sweeps import Marked, Swept
from shoal.planning.backing_off import retry_at
from shoal.store import PutOwned

NO_RECORD = "Shoal has no record of what it has there"
NEVER_SWEPT = "Shoal has not looked yet for everything that it has there"
UNKNOWN_OBJECTS = "objects with the marks of this fleet were seen of which there is no record"
WENT_BACK = "it went back to an earlier time, as after a restore of its etcd"
# What cannot be listed, because somebody forbids it, is asked for again this much later.
ASK_AGAIN = timedelta(hours=1)
# A page of a large kind over a bad line; what takes longer hangs.
STEP_SECONDS = 120.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Round:
    """One pass over the kinds: the doubted rows of each, and what was found of the current one."""

    doubted: dict[GroupKind, list[ObjectKey]]
    seen: set[ObjectKey] = field(default_factory=set[ObjectKey])
    applications: set[Ref] = field(default_factory=set[Ref])
    left: dict[GroupKind, ShoalError] = field(default_factory=dict[GroupKind, ShoalError])


@dataclass(frozen=True, slots=True)
class Recovering:
    """Sweeps clusters. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    guard: Guard
    plugin: str
    jitter: Callable[[], float]

    async def connected(self, cluster: ClusterState, facts: Facts) -> None:
        """Before anything is planned on a new connection: is the memory of it whole?"""
        cluster.rewinds = facts.rewinds
        if cluster.recovery is not None and cluster.recovery.uid == facts.uid:
            return  # it goes on where it was cut off
        last, restored_at = self.state.swept.get(cluster.name), self.state.restored_at
        if last is None or last.uid != facts.uid:
            why = NEVER_SWEPT if cluster.inventory else NO_RECORD
            await self._begin(cluster, why, is_doubting=restored_at is not None)
        elif restored_at is not None and last.at <= restored_at:
            why = f"the state was put back at {restored_at:%Y-%m-%d %H:%M} UTC to an older one"
            await self._begin(cluster, why, is_doubting=True)

    async def probed(self, cluster: ClusterState, facts: Facts) -> None:
        """What a probe tells may say that the memory has holes.

        An object of ours that no row knows, seen twice; or a cluster that went back in time, in
        which there may be again what was deleted, of kinds that nobody watches any more.
        """
        if facts.rewinds > cluster.rewinds and cluster.recovery is None:
            await self._begin(cluster, WENT_BACK, is_doubting=False)
        cluster.rewinds = facts.rewinds
        cluster.explained = min(cluster.explained, facts.unknown_objects)
        is_odd = facts.unknown_objects > cluster.explained and cluster.recovery is None
        if is_odd and cluster.is_suspicious:
            await self._begin(cluster, UNKNOWN_OBJECTS, is_doubting=False)
        cluster.is_suspicious = is_odd and cluster.recovery is None

    async def run(self, cluster: ClusterState, session: Session) -> None:
        """Sweep whenever that is needed, until cancelled; raises what ends a connection."""
        failures = 0
        while True:
            recovery = cluster.recovery
            if recovery is None:
                failures = 0
                cluster.doubted = anyio.Event()
                await cluster.doubted.wait()
                continue
            try:
                await self._sweep(cluster, session, recovery)
            except StoreUnavailable as error:
                _log.warning("sweep not recorded", cluster=cluster.name, error=str(error))
                await anyio.sleep(UNRECORDED_RETRY.total_seconds())
                continue
            if cluster.recovery is not None:
                failures += 1
                await anyio.sleep(self._seconds_to_next(recovery, failures))

    async def _begin(self, cluster: ClusterState, why: str, *, is_doubting: bool) -> None:
        """From now on nothing is deleted there; with `is_doubting`, no row is believed either.

        Also none of what was only intended: nobody knows what became of it since.
        What rows said is doubted in memory only, until the sweep is over: a restart before that
        comes to the same conclusion.
        """
        rows = cluster.inventory.values()
        if is_doubting:
            cluster.inventory.put(
                [msgspec.structs.replace(row, state=OwnedState.DOUBTED) for row in rows]
            )
        assert cluster.facts is not None  # it begins over a connection that was proven
        cluster.recovery = Recovery(
            why, self.state.now(), cluster.facts.uid, is_doubting=is_doubting and bool(rows)
        )
        cluster.doubted.set()
        await self.recording.mention(
            Deed.CLUSTER_RECOVERING,
            cluster_subject(cluster.name),
            {"rows": len(rows)},
            why=why,
        )

    async def _sweep(self, cluster: ClusterState, session: Session, recovery: Recovery) -> None:
        this = _Round(_by_kind(cluster))
        subject = cluster_subject(cluster.name)
        source = self.guard.stream(
            "target",
            "sweep",
            subject,
            lambda: session.sweep(frozenset(recovery.swept)),
            answer=answers.swept,
            step_seconds=STEP_SECONDS,
        )
        async with aclosing(source) as parts:
            async for part in parts:
                await self._take(cluster, recovery, this, part)
        # What a probe tells now was looked at: only more than that is news.
        facts = await self.guard.ask(
            "target", "probe", subject, session.probe, seconds=STEP_SECONDS, answer=answers.facts
        )
        cluster.explained = facts.unknown_objects
        recovery.is_round_over, recovery.left = True, this.left
        if not recovery.left:
            await self._recovered(cluster, recovery)
        self._wake(cluster, this.applications, recovery.waiting)

    async def _take(
        self, cluster: ClusterState, recovery: Recovery, this: _Round, part: Swept
    ) -> None:
        recovery.kinds = part.kinds
        if part.error is not None:
            this.left[part.kind] = part.error
            this.seen.clear()
            return
        await self._note_found(cluster, this, part.found)
        recovery.objects += len(part.found)
        if part.is_whole:
            await self._note_missing(cluster, this, part.kind)
            recovery.swept.add(part.kind)
            this.seen.clear()

    async def _note_found(
        self, cluster: ClusterState, this: _Round, marked: Iterable[Marked]
    ) -> None:
        """A row for each object that has none, or that is another one than its row says."""
        rows: list[Owned] = []
        for each in marked:
            target = TargetKey(each.application, cluster.name)
            this.seen.add(each.key)
            row = cluster.inventory.get(each.key)
            is_other = row is not None and (row.uid, row.target) != (each.uid, target)
            if row is None or (row.state is OwnedState.DOUBTED and is_other):
                rows.append(found(target, each.key, each.uid))
                this.applications.add(each.application)
        if rows:
            await self.recording.seen(cluster.name, rows)

    async def _note_missing(self, cluster: ClusterState, this: _Round, kind: GroupKind) -> None:
        """What is not there is in no doubt: it is missing, or has ended, as its row says.

        A row that says nothing is dropped.
        """
        inventory = cluster.inventory
        rows = [
            row
            for key in this.doubted.get(kind, ())
            if key not in this.seen
            and (row := inventory.get(key)) is not None
            and row.state is OwnedState.DOUBTED
        ]
        sure = [
            msgspec.structs.replace(row, state=OwnedState.CONFIRMED) for row in rows if row.baseline
        ]
        gone = [row.key for row in rows if not row.baseline and not self._is_at_work(row.target)]
        if rows:
            await self.recording.seen(cluster.name, sure, gone)

    def _is_at_work(self, target: TargetKey) -> bool:
        """Whether a pass is under way, which may be about to make the object anew."""
        known = self.state.targets.get(target)
        return known is not None and known.is_syncing

    async def _recovered(self, cluster: ClusterState, recovery: Recovery) -> None:
        assert cluster.facts is not None  # it was swept over a connection that was proven
        sweep = Sweep(self.state.now(), cluster.facts.uid)
        # No later start doubts anything, now that it was swept: what is in doubt still stays so.
        rows = cluster.inventory.values()
        doubted = [row for row in rows if row.state is OwnedState.DOUBTED]
        await self.recording.note(
            who="shoal",
            what=Deed.CLUSTER_RECOVERED,
            why=f"every kind was listed, because {recovery.why}",
            subject=cluster_subject(cluster.name),
            body={"kinds": len(recovery.swept), "objects": recovery.objects},
            beside=[sweep.setting(cluster.name), PutOwned(doubted)],
        )
        self.state.swept[cluster.name] = sweep
        cluster.recovery = None

    def _wake(
        self, cluster: ClusterState, applications: Iterable[Ref], waiting: set[TargetKey]
    ) -> None:
        """What was found is planned for, also of applications that are not here any more."""
        request = Request(Priority.RECHECK, "the cluster was swept")
        for ref in sorted(applications):
            waiting.add(self.state.target(TargetKey(ref, cluster.name)).key)
            known = self.state.applications.get(ref)
            if known is None or cluster.name not in known.placed:
                self.state.application_queue.add(ref, request)
        for key in sorted(waiting):
            cluster.queue.add(key, request)
        waiting.clear()

    def _seconds_to_next(self, recovery: Recovery, failures: int) -> float:
        """Until what could not be listed is asked for again."""
        errors = recovery.left.values()
        if all(isinstance(error, ForbiddenByCluster) for error in errors):
            return ASK_AGAIN.total_seconds() * (0.5 + self.jitter())
        now = self.state.now()
        return (retry_at(failures, now=now, jitter=self.jitter()) - now).total_seconds()


def _by_kind(cluster: ClusterState) -> dict[GroupKind, list[ObjectKey]]:
    """The doubted rows of each kind."""
    kinds: dict[GroupKind, list[ObjectKey]] = {}
    for key, row in cluster.inventory.items():
        if row.state is OwnedState.DOUBTED:
            kinds.setdefault(key.group_kind, []).append(key)
    return kinds
