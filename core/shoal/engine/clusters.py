"""The loop of clusters: key = name. One supervisor per Cluster document, each its own bulkhead.

A supervisor connects, checks who answers, and while the connection stands serves the cluster's
queue of targets and follows its sightings. Connecting is apart from reconciling: a cluster that is
away holds no slot, its targets wait in its queue and are shown as Unknown. When to probe and when
to give up is decided by `planning.circuits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from shoal.engine.guarding import Guard
from shoal.engine.identifying import Identifying, cluster_subject
from shoal.engine.observing import Observing
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.targets import Targets
from shoal.errors import AccessDenied, ClusterUnreachable, ShoalError
from shoal.hooks.access import AccessType
from shoal.hooks.host import Host
from shoal.hooks.targets import Session, TargetType
from shoal.model.documents import Cluster
from shoal.model.endpoints import Endpoint, Facts
from shoal.model.identity import TargetKey
from shoal.model.records import Deed, Verdict

CONNECT_SECONDS = 30.0
# SAFETY: a probe that takes longer has failed.
PROBE_SECONDS = 5.0


@dataclass(slots=True)
class _Connection:
    """What the tasks of one connection share: why it ended, and a wish to probe now."""

    lost: ShoalError | None = None
    alarm: anyio.Event = field(default_factory=anyio.Event)

    def fail(self, error: ShoalError) -> None:
        """Something says that the connection may be gone: probe at once."""
        self.lost = error
        self.alarm.set()


@dataclass(slots=True)
class _Scope:
    """One running supervisor."""

    document: Cluster
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True)
class Clusters:
    """Starts, restarts and ends supervisors. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    targets: Targets
    observing: Observing
    identifying: Identifying
    access: Mapping[str, AccessType[Any]]
    access_hosts: Mapping[str, Host]
    target_type: TargetType
    target_host: Host
    guard: Guard
    jitter: Callable[[], float]
    _scopes: dict[str, _Scope] = field(default_factory=dict)

    async def run(self) -> None:
        """Serve the queue of clusters, with the supervisors beside it; never ends by itself."""
        async with anyio.create_task_group() as tasks:

            async def work(name: str, request: Request) -> None:
                await self._reconcile(tasks, name, request)

            await serve(self.state.cluster_queue, work)

    async def _reconcile(self, tasks: TaskGroup, name: str, request: Request) -> None:
        """Make the supervisor of one name fit its document."""
        catalog = self.state.catalog
        document = catalog.clusters.get(name) if catalog else None
        scope = self._scopes.get(name)
        if scope is not None and (document is None or scope.document.spec != document.spec):
            await self._end(name, scope)
            scope = None
        if document is None:
            await self._let_go(name)
            return
        cluster = self.state.cluster(document)
        cluster.document = document
        if scope is None:
            scope = self._scopes[name] = _Scope(document)
            tasks.start_soon(self._supervise, cluster, scope)
        elif request.priority is Priority.USER:
            cluster.alarm.set()

    async def _end(self, name: str, scope: _Scope) -> None:
        scope.cancel.cancel()
        await scope.ended.wait()
        self._scopes.pop(name, None)

    async def _let_go(self, name: str) -> None:
        """No document any more: nothing is deleted there, and nothing is watched."""
        if self.state.clusters.pop(name, None) is None:
            return
        await self.recording.note(
            who="shoal",
            what=Deed.CLUSTER_LET_GO,
            why="its document was removed; nothing was deleted on it",
            subject=cluster_subject(name),
        )

    async def _supervise(self, cluster: ClusterState, scope: _Scope) -> None:
        try:
            with scope.cancel:
                while True:
                    await self._stay_connected(cluster)
                    await self._wait(cluster)
        finally:
            cluster.is_connected = False
            scope.ended.set()

    async def _stay_connected(self, cluster: ClusterState) -> None:
        """Connect, and return when the connection is lost or could not be made."""
        name = cluster.document.metadata.name
        try:
            endpoint = await self._endpoint(cluster)
            host = self._host()
            async with self.target_type.open(name, endpoint, cluster.inventory, host) as session:
                facts = await self._prove(cluster, session)
                await self._gained(cluster, facts)
                error = await self._serve(cluster, session)
        except ShoalError as caught:
            error = caught
            cluster.circuit = cluster.circuit.after_failure(self.state.now(), self.jitter())
        await self._lost(cluster, error)

    async def _prove(self, cluster: ClusterState, session: Session) -> Facts:
        """Probe until the circuit closes: once, or twice where the cluster had been given up."""
        name = cluster.document.metadata.name
        while True:
            facts = await self._probe(name, session)
            await self.identifying.check(name, facts)
            cluster.circuit = cluster.circuit.after_success(self.state.now())
            if cluster.circuit.is_usable:
                return facts
            await self._wait(cluster)

    async def _endpoint(self, cluster: ClusterState) -> Endpoint:
        choice = cluster.document.spec.access
        subject = f"cluster {cluster.document.metadata.name}"
        host = self.access_hosts[choice.name]
        with self.guard.call("access", choice.name, subject, seconds=CONNECT_SECONDS):
            endpoint = await self.access[choice.name].connect(choice.spec, host)
        limits = cluster.document.spec.limits
        return replace(
            endpoint, requests_in_flight=limits.requests_in_flight, timeout=limits.timeout
        )

    def _host(self) -> Host:
        """The target type's host, with the fleet's name: it marks every object that is ours."""
        catalog = self.state.catalog
        assert catalog is not None  # a supervisor is started for a document of the catalog
        return replace(self.target_host, fleet=catalog.fleet)

    async def _serve(self, cluster: ClusterState, session: Session) -> ShoalError:
        """Work while the connection stands; why it does not any more."""
        connection = _Connection()

        async def work(key: TargetKey, request: Request) -> None:
            try:
                await self.targets.work(cluster, session, key, request)
            except (ClusterUnreachable, AccessDenied) as error:
                cluster.circuit = cluster.circuit.after_drop(self.state.now())
                connection.fail(error)

        async def follow() -> None:
            try:
                await self._follow(cluster, session)
            except ShoalError as error:
                connection.fail(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, cluster.queue, work)
            tasks.start_soon(follow)
            error = await self._keep_probing(cluster, session, connection)
            tasks.cancel_scope.cancel()
        return error

    async def _keep_probing(
        self, cluster: ClusterState, session: Session, connection: _Connection
    ) -> ShoalError:
        """Probe on and on; return why the connection has to be given up."""
        name = cluster.document.metadata.name
        while True:
            await self._wait(cluster, connection.alarm)
            suspicion, connection.lost = connection.lost, None
            connection.alarm = anyio.Event()
            try:
                facts = await self._probe(name, session)
                await self.identifying.check(name, facts)
            except ShoalError as error:
                cluster.circuit = cluster.circuit.after_failure(self.state.now(), self.jitter())
                cluster.error = error
                if not isinstance(error, ClusterUnreachable) or not cluster.circuit.is_usable:
                    return error
            else:
                cluster.circuit = cluster.circuit.after_success(self.state.now())
                cluster.error, cluster.last_contact = None, self.state.now()
                if suspicion is not None and not isinstance(suspicion, ClusterUnreachable):
                    return suspicion

    async def _probe(self, name: str, session: Session) -> Facts:
        with anyio.move_on_after(PROBE_SECONDS):
            with self.guard.call("target", "probe", f"cluster {name}", seconds=2 * PROBE_SECONDS):
                return await session.probe()
        raise ClusterUnreachable(
            f"cluster {name} did not answer a probe within {PROBE_SECONDS:g} s"
        )

    async def _follow(self, cluster: ClusterState, session: Session) -> None:
        name = cluster.document.metadata.name
        source = session.sightings()
        async with aclosing(self.guard.stream("target", "sightings", name, source)) as sightings:
            async for sighting in sightings:
                await self.observing.saw(cluster, sighting)

    async def _wait(self, cluster: ClusterState, alarm: anyio.Event | None = None) -> None:
        """Until the circuit wants a probe, or somebody has a reason for one now."""
        event = alarm or cluster.alarm
        seconds = (cluster.circuit.probe_at - self.state.now()).total_seconds()
        with anyio.move_on_after(max(0.0, seconds)):
            await event.wait()
        if event is cluster.alarm:
            cluster.alarm = anyio.Event()

    async def _gained(self, cluster: ClusterState, facts: Facts) -> None:
        """Connected: every target here may have something to do."""
        now, name = self.state.now(), cluster.document.metadata.name
        cluster.is_connected, cluster.facts, cluster.error = True, facts, None
        cluster.since = cluster.last_contact = now
        for target in self.state.targets_on(name):
            cluster.queue.add(target.key, Request(Priority.RECHECK, "connected"))
        await self.recording.note(
            who="shoal",
            what=Deed.CLUSTER_CONNECTED,
            why="",
            subject=cluster_subject(name),
            body={"version": facts.version, "uid": facts.uid},
        )

    async def _lost(self, cluster: ClusterState, error: ShoalError) -> None:
        """Said once: what is live there stays, and is Unknown from now on."""
        told = cluster.told
        was_connected, cluster.is_connected = cluster.is_connected, False
        cluster.error, cluster.told = error, f"{error.reason}: {error.message}"
        if was_connected or cluster.since is None:
            cluster.since = self.state.now()
        if was_connected or told != cluster.told:
            unreachable = isinstance(error, ClusterUnreachable)
            await self.recording.note(
                who="shoal",
                what=Deed.CLUSTER_LOST if unreachable else Deed.CLUSTER_REFUSED,
                why=error.message,
                subject=cluster_subject(cluster.document.metadata.name),
                verdict=Verdict.FAILED,
                body={"reason": error.reason, "next_step": error.next_step},
            )
