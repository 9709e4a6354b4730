"""The world around the controller: Git, documents, clusters, a disk, and who watches all of it.

Holds what is true, starts and kills the controller, and holds the invariants against every write
and every commit. What happens to the world is said by `happenings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup
from tests.engine.fakes import FakeAccess, FakeGate, FakeRenderer
from tests.engine.virtual_time import START, now
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.fleet import Documents
from tests.simulation.git import Git
from tests.simulation.hearing import Hearing, a_stream_ends_only_with_its_document
from tests.simulation.invariants import broken_by_commit, broken_by_write
from tests.simulation.memory import Backup, Loss, Memory
from tests.simulation.observed import Approved, Granted, Observed, Sent, Write
from tests.simulation.process import Process, Watcher, make_process
from tests.simulation.reached import Reached
from tests.simulation.receiver import Place
from tests.simulation.rendering import SimulatedRenderer
from tests.simulation.schedule import Scenario
from tests.simulation.store import SimulatedStore
from tests.simulation.trace import Trace, Violation

from shoal.hooks.gates import Proposal
from shoal.model.alerts import Batch
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Change as Planned
from shoal.model.plans import Desired
from shoal.model.records import Deed, Record
from shoal.store import changes
from shoal.store.changes import Change
from shoal.testing.fake_cluster import FakeObject
from shoal.testing.memory_store import MemoryDisk

EVERYWHERE = "everywhere"


class World:
    """One run's world."""

    def __init__(self, scenario: Scenario, folder: Path, trace: Trace) -> None:
        self.scenario = scenario
        self.trace = trace
        self.observed = Observed()
        self.violations: list[Violation] = []
        self.disk = MemoryDisk()
        self.memory = Memory()
        self.loss: Loss | None = None
        self.swept: set[str] = set()
        self.git = Git(scenario.applications, scenario.stream("git"))
        self.documents = Documents(scenario)
        self.clusters = {
            name: SimulatedCluster(name, uid=f"uid-{name}", draw=scenario.stream(f"cluster {name}"))
            for name in scenario.clusters
        }
        self.hearing = Hearing(self.documents.alerts)
        self.places = {
            name: Place(name, scenario.stream(f"place {name}")) for name in self.hearing.by_place
        }
        self.reached = Reached()
        for cluster in self.clusters.values():
            cluster.became_healthy = self._became_healthy
        self.refusing_gates: set[str] = set()
        self.store_trouble: set[int] = set()
        self.store_slowness: set[int] = set()
        self.process: Process | None = None
        self._folder = folder
        self._access = FakeAccess()
        self._gate = FakeGate(refuses=self._gate_says)
        self._renderer: FakeRenderer = SimulatedRenderer()
        self._lives = 0
        self._crossings_left = -1

    # -- the controller --------------------------------------------------------------------------

    async def keep_running(self, tasks: TaskGroup) -> None:
        """Start the controller, and again whenever it was killed."""
        while True:
            self._lives += 1
            process = self.process = self._born()
            self.documents.forget()
            self.observed.told.clear()
            self.note("started", f"life {process.number}")
            ended = anyio.Event()
            tasks.start_soon(self._live, process, ended)
            await ended.wait()
            await anyio.sleep(self.scenario.stream(f"rest {self._lives}").choice((1.0, 3.0, 20.0)))

    async def _live(self, process: Process, ended: anyio.Event) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until_dead, process, ended)
            await process.run()
            if process.ended is not None:
                self.break_("a_controller_ends_only_when_killed", repr(process.ended))
            ended.set()
            tasks.cancel_scope.cancel()

    async def _until_dead(self, process: Process, ended: anyio.Event) -> None:
        """The next life may begin while the tasks of this one are still being put to rest."""
        await process.died.wait()
        ended.set()

    def _born(self) -> Process:
        number, draw = self._lives, self.scenario.stream(f"store {self._lives}")
        store = SimulatedStore(
            self.disk,
            draw,
            trouble_of=lambda: "database or disk is full" if self.store_trouble else "",
            is_slow=lambda: bool(self.store_slowness),
            crossing=lambda: self.crosses(number),
            committed=lambda written, records: self._committed(number, written, records),
        )
        jitter = self.scenario.stream(f"jitter {number}")
        return make_process(
            number,
            folder=self._folder,
            store=store,
            documents=self.documents,
            git=self.git,
            access=self._access,
            gate=self._gate,
            renderer=self._renderer,
            clusters=self.clusters,
            places=self.places,
            watcher=Watcher(self),
            jitter=jitter.random,
        )

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None and self.process.is_alive:
            self.note("killed", f"life {self.process.number}")
            self.process.kill()

    def kill_at_crossing(self, count: int) -> None:
        """SIGKILL when so many more times something is between the controller and the world."""
        self._crossings_left = count

    def has_swept(self, life: int, cluster: str) -> None:
        """Every kind of a cluster was listed, or tried."""
        if not self._is_of_another_database(life):
            self.swept.add(cluster)

    def crosses(self, life: int) -> None:
        """Something is between the controller and the world: here it may be killed."""
        if self._crossings_left < 0 or self.process is None or life != self.process.number:
            return
        self._crossings_left -= 1
        if self._crossings_left < 0:
            self.kill()

    def backed_up(self) -> Backup:
        """The state as it is now."""
        return Backup(self.disk, self.memory, self.observed.suspended, self.hearing.heard).copy()

    def put_in_place(self, backup: Backup, *, is_believed: bool) -> None:
        """The controller is killed, and its next life finds this state and no other."""
        self.kill()
        self.disk, self.memory = backup.disk, backup.memory
        self.observed.suspended = backup.suspended
        self.observed.unexplained.clear()
        self.hearing.forget(backup.heard)
        self.swept.clear()
        if not is_believed:
            self.memory.confirmed.clear()  # each is in doubt until it was applied again
        known = frozenset(self.memory.rows if is_believed else ())  # also what was only intended
        self.loss = Loss(anyio.current_time(), self._lives, is_believed, known)
        self.disturb(EVERYWHERE)

    def _is_of_another_database(self, life: int) -> bool:
        """Whether this life had a state that is no more."""
        return self.loss is not None and life <= self.loss.life

    # -- what is seen of it ----------------------------------------------------------------------

    def told(self, life: int, cluster: SimulatedCluster, uid: str) -> None:
        """A probe was answered."""
        if self.process is not None and life == self.process.number:
            self.observed.told[cluster.name] = uid

    def sends(
        self, life: int, cluster: SimulatedCluster, change: Planned, desired: Desired
    ) -> Sent:
        """A write leaves the controller."""
        self.crosses(life)
        name = desired.target.application.name
        return Sent(
            at=anyio.current_time(),
            process=life,
            key=change.key,
            action=change.action,
            grant=desired.grant,
            is_suspended=self.observed.suspended.get(name, START) > now(),
            seen=tuple(self.documents.seen[-20:]),
            told=self.observed.told.get(cluster.name, ""),
            known=self.memory.identities.get(cluster.name),
            intent=self.memory.rows.get((cluster.name, change.key)),
            is_disk_full=bool(self.store_trouble),
        )

    def arrived(
        self,
        cluster: SimulatedCluster,
        sent: Sent,
        before: FakeObject | None,
        after: FakeObject | None,
    ) -> None:
        """A write was carried out."""
        write = Write(anyio.current_time(), cluster, sent, before, after)
        if after is not None:
            cluster.uids.add((sent.key, after.uid))
        if write.is_delete and not self.is_orphan_let_go(sent.target, sent.key):
            self.observed.deleted[sent.target, sent.grant.since].append(sent.key)
        what = "deleted" if write.is_delete else "created" if write.is_create else "written"
        by = f"{sent.target} ({sent.grant.revision}), {sent.action}, life {sent.process}"
        self.note(what, f"{sent.key} on {cluster.name} by {by}")
        for invariant, why in broken_by_write(self, write):
            self.break_(invariant, why)
        self.reached.look(self, cluster, sent.target)
        newest = (cluster.uid, sent.key, sent.target)
        self.observed.newest[newest] = max(
            sent.grant.since, self.observed.newest.get(newest, sent.grant.since)
        )
        self.observed.unexplained[sent.target, sent.key] = write
        self.crosses(sent.process)

    def told_outside(self, life: int, place: str, batch: Batch) -> None:
        """A message was taken at its destination."""
        self.note("told", f"{place} {batch.id} by life {life}: {batch.title}")
        if self._is_of_another_database(life):
            return
        for invariant, why in self.hearing.arrived(place, batch, self.documents.seen):
            self.break_(invariant, why)

    def _committed(self, life: int, written: Sequence[Change], records: Sequence[Record]) -> None:
        if self._is_of_another_database(life):
            return
        for change in written:
            for invariant, why in broken_by_commit(self, change):
                self.break_(invariant, why)
            if why := a_stream_ends_only_with_its_document(change, self.documents):
                self.break_(a_stream_ends_only_with_its_document.__name__, why)
            self.hearing.follow(change, self.disk.head.seq)
            self._follow(change)
        for record in records:
            entry = record.entry
            text = f"{entry.what} {entry.subject} {entry.verdict} {entry.revision} {entry.why}"
            self.note("recorded", text)
            if entry.what is Deed.FLEET_LOADED:
                self.documents.were_loaded()
            self._explain(record)
        self.trace.counts["commits"] += 1

    def _follow(self, change: Change) -> None:
        """What the disk says, as far as invariants ask for it."""
        self.memory.follow(change)
        match change:
            case changes.PutOwned(rows):
                for row in rows:
                    self.clusters[row.target.cluster].back.discard((row.key, row.uid))
            case changes.PutIdentity(cluster, _):
                self.observed.begins_anew(cluster)
            case changes.PutGrant(grant):
                target, live = grant.target, self.live_of(grant.target)
                owned = self.memory.confirmed_of(target)
                kept = [key for key in live if not self.is_orphan_let_go(target, key)]
                least, most = min(owned, len(live)), max(owned, len(kept))
                had = Granted(anyio.current_time(), grant, least, most)
                self.observed.grants[target].append(had)
                self.reached.look(self, self.clusters[grant.target.cluster], grant.target)
            case changes.PutHold(hold):
                self.trace.counts[f"hold {hold.cause}"] += 1
            case _:
                pass

    def _became_healthy(self, cluster: SimulatedCluster, key: ObjectKey) -> None:
        owner = cluster.objects[key].owner
        if owner is not None:
            self.reached.look(self, cluster, owner)

    def _explain(self, record: Record) -> None:
        """What a record lists of a target is explained by it."""
        entry = record.entry
        named = _named(entry.body)
        for target, key in tuple(self.observed.unexplained):
            if str(target) == entry.subject and str(key) in named:
                del self.observed.unexplained[target, key]

    # -- what is true ----------------------------------------------------------------------------

    def live_of(self, target: TargetKey) -> set[ObjectKey]:
        """The objects that carry the mark of a target."""
        objects = self.clusters[target.cluster].objects
        return {key for key, live in objects.items() if live.owner == target}

    def wants(self, target: TargetKey, key: ObjectKey) -> bool:
        """Whether a target that is placed was granted a revision that wants an object."""
        granted = self.observed.grants.get(target)
        if not granted or not self.documents.declared().is_placed(
            target.application.name, target.cluster
        ):
            return False
        content = self.git.histories[target.application.name].content(granted[-1].grant.revision)
        return key in (content or {})

    def is_wanted_since(self, at: float, sent: Sent) -> bool:
        """Whether a revision that was granted since then wants the object of a write."""
        history = self.git.histories[sent.target.application.name]
        return any(
            each.at >= at and sent.key in (history.content(each.grant.revision) or {})
            for each in self.observed.grants[sent.target]
        )

    def is_orphan_let_go(self, target: TargetKey, key: ObjectKey) -> bool:
        """Whether a person agreed that this goes, and it was not found to be ours since."""
        is_agreed = self.observed.is_approved_orphan(target, key, anyio.current_time())
        return is_agreed and (target.cluster, key) not in self.memory.confirmed

    def is_replaced(self, cluster: SimulatedCluster) -> bool:
        """Whether it is another cluster than the one that was identified."""
        return cluster.identity != self.memory.identities.get(cluster.name, cluster.identity)

    def placed(self) -> Iterator[tuple[str, str]]:
        """Every application and cluster that it belongs on, by the documents."""
        declared = self.documents.declared()
        for name in self.scenario.applications:
            for cluster in self.scenario.clusters:
                if declared.is_placed(name, cluster):
                    yield name, cluster

    # -- notes -----------------------------------------------------------------------------------

    def note(self, what: str, text: str) -> None:
        """A line of the trace."""
        self.trace.note(anyio.current_time(), what, text)

    def break_(self, invariant: str, message: str) -> None:
        """An invariant did not hold."""
        self.note("VIOLATION", f"{invariant}: {message}")
        self.violations.append(Violation(anyio.current_time(), invariant, message))

    def disturb(self, *names: str) -> None:
        """Something happened to these clusters, applications, or everywhere."""
        for name in names:
            self.observed.disturbed[name] = anyio.current_time()

    def approved(self, hold: Hold) -> None:
        """A person says that this hold is released."""
        subjects = (each for each in self.observed.grants if str(each) == hold.subject)
        target = next(subjects, None)
        leaving = self._leaving(target, hold.cause) if target is not None else set()
        self.observed.approvals.append(Approved(anyio.current_time(), hold, leaving))

    def _leaving(self, target: TargetKey, cause: HoldCause) -> set[ObjectKey]:
        """What is there of a target, and not in the revision that it was granted.

        Orphans are those of them that nobody knows to be ours.
        """
        revision = self.observed.grants[target][-1].grant.revision
        content = self.git.histories[target.application.name].content(revision) or {}
        leaving = self.live_of(target) - content.keys()
        if cause is not HoldCause.ORPHANED:
            return leaving
        return {key for key in leaving if (target.cluster, key) not in self.memory.confirmed}

    def _gate_says(self, proposal: Proposal) -> str | None:
        name = proposal.plan.target.application.name
        return "it is not the time" if name in self.refusing_gates else None


def target_of(application: str, cluster: str) -> TargetKey:
    """The key of a target."""
    return TargetKey(Ref("default", application), cluster)


def _named(body: Mapping[str, Any]) -> set[str]:
    """The objects that a record names, one by one or in groups."""
    named = {each["object"] for each in body.get("changes", ())}
    for group in body.get("further", ()):
        within = f"{group['namespace']}/" if group["namespace"] else ""
        named |= {f"{group['kind']} {within}{name}" for name in group["names"]}
    return named
