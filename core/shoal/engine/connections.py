"""One connection to one cluster: from opening it to the reason why it ended.

A connection is opened, proven by probes, and then the cluster's queue of targets is served and its
sightings are followed until a probe says that it is gone. This is the border of a cluster: whatever
happens on it, an error, a hanging plugin or a bug, ends this connection and nothing else. When to
probe and when to give up is decided by `planning.circuits`; `clusters` opens one after the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import anyio
import structlog

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.identifying import cluster_subject
from shoal.engine.observing import Observing
from shoal.engine.owing import UNRECORDED_RETRY
from shoal.engine.probing import Probing, Signals, learned, turned
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recording import Recording
from shoal.engine.recovering import Recovering
from shoal.engine.renewing import Renewal
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.targets import Targets
from shoal.errors import (
    AccessDenied,
    ClusterUnreachable,
    PluginFailed,
    ShoalError,
    StoreUnavailable,
)
from shoal.hooks.access import AccessType
from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.hooks.targets import Session, TargetType
from shoal.model.endpoints import Credential, Endpoint, Facts
from shoal.model.identity import TargetKey
from shoal.model.records import Deed, Verdict
from shoal.telemetry.known import KnownSecrets

CONNECT_SECONDS = 30.0
# A sweep that got no answer goes on this much later, if the connection still stands then.
SWEEP_AGAIN_SECONDS = 5.0
ReadCredential = Callable[[], Awaitable[Credential]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connections:
    """Opens and keeps connections. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    targets: Targets
    observing: Observing
    probing: Probing
    recovering: Recovering
    access: Mapping[str, AccessType[Any]]
    access_hosts: Mapping[str, Host]
    target_type: TargetType
    target_host: Host
    judge: Judge
    guard: Guard
    jitter: Callable[[], float]
    known: KnownSecrets

    def renewal(self) -> Renewal:
        """What the connections of one supervisor know of their credential."""
        return Renewal(self.target_host.run_in_thread)

    async def keep(self, cluster: ClusterState, renewal: Renewal) -> None:
        """Connect, and return when the connection is lost or could not be made; never raises."""
        try:
            error = await self._until_lost(cluster, renewal)
        except Exception as caught:  # the border of a cluster: anything may come out of it
            error = _meant(cluster.name, caught)
            circuit, now = cluster.circuit, self.state.now()
            broke = circuit.after_break if cluster.is_connected else circuit.after_failure
            cluster.circuit = broke(now, self.jitter())
        if isinstance(error, AccessDenied):
            renewal.refused()
        await self._lost(cluster, error)

    async def rest(self, cluster: ClusterState, renewal: Renewal) -> None:
        """Wait for the next try: its time, somebody who asks for it, or a renewed credential."""
        while (seconds := self.probing.seconds_left(cluster)) > 0:
            if renewal.is_refused:
                seconds = min(seconds, renewal.interval_seconds)
            with anyio.move_on_after(seconds):
                await cluster.alarm.wait()
                break
            if await self._is_renewed(cluster, renewal):
                break
        cluster.alarm = anyio.Event()

    async def _is_renewed(self, cluster: ClusterState, renewal: Renewal) -> bool:
        """Whether somebody renewed a refused credential; one that cannot be read was not."""
        try:
            return await renewal.is_renewed()
        except ShoalError:
            return False

    async def _until_lost(self, cluster: ClusterState, renewal: Renewal) -> ShoalError:
        """One connection from beginning to end; why it ended, returned or raised."""
        name = cluster.name
        endpoint = renewal.noting(await self._endpoint(cluster))
        async with self.guard.opened(
            "target",
            self.target_type.name,
            cluster_subject(name),
            lambda: self.target_type.open(
                name, endpoint, cluster.inventory, self.judge, self._host()
            ),
            seconds=CONNECT_SECONDS,
            answer=answers.session,
        ) as session:
            facts = await self.probing.prove(cluster, session)
            renewal.accepted()
            cluster.session = session
            try:
                await self._gained(cluster, facts)
                return await self._serve(cluster, session)
            finally:
                cluster.session = None

    async def _endpoint(self, cluster: ClusterState) -> Endpoint:
        choice = cluster.document.spec.access
        subject, host = cluster_subject(cluster.name), self.access_hosts[choice.name]
        endpoint = await self.guard.ask(
            "access",
            choice.name,
            subject,
            lambda: self.access[choice.name].connect(choice.spec, host),
            seconds=CONNECT_SECONDS,
            answer=answers.endpoint,
        )
        limits = cluster.document.spec.limits
        return replace(
            endpoint,
            credential=self._noted(cluster, endpoint.credential),
            requests_in_flight=limits.requests_in_flight,
            timeout=limits.timeout,
        )

    def _noted(self, cluster: ClusterState, read: ReadCredential) -> ReadCredential:
        """The credential, of which the token is known from then on, and never shown."""

        async def credential() -> Credential:
            found = await self.guard.ask(
                "access",
                cluster.document.spec.access.name,
                cluster_subject(cluster.name),
                read,
                seconds=CONNECT_SECONDS,
                answer=answers.credential,
            )
            self.known.learn((found.token,))
            cluster.credential = replace(found, token="", client_key_file="")
            return found

        return credential

    def _host(self) -> Host:
        """The target type's host, with the fleet's name: it marks every object that is ours."""
        catalog = self.state.catalog
        assert catalog is not None  # a supervisor is started for a document of the catalog
        return replace(self.target_host, fleet=catalog.fleet)

    async def _serve(self, cluster: ClusterState, session: Session) -> ShoalError:
        """Work while the connection stands; why it does not any more."""
        signals, lost = Signals(), None

        async def work(key: TargetKey, request: Request) -> None:
            try:
                await self.targets.work(cluster, session, key, request)
            except ClusterUnreachable:
                self.probing.doubt(cluster, signals)
            except AccessDenied as error:
                signals.broke(error)
            except StoreUnavailable as error:
                _log.warning("outcome not recorded", target=str(key), error=str(error))
                cluster.queue.wake(key, self.state.now() + UNRECORDED_RETRY, request)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, cluster.queue, work)
            tasks.start_soon(self._follow, cluster, session, signals)
            tasks.start_soon(self._recover, cluster, session, signals)
            lost = await self.probing.keep(cluster, session, signals)
            tasks.cancel_scope.cancel()
        assert lost is not None  # the group ended because of it
        return lost

    async def _recover(self, cluster: ClusterState, session: Session, signals: Signals) -> None:
        """Sweep the cluster whenever it is not known for sure what is ours there."""
        while True:
            try:
                await self.recovering.run(cluster, session)
            except ClusterUnreachable:
                self.probing.doubt(cluster, signals)
                await anyio.sleep(SWEEP_AGAIN_SECONDS)  # the probe ends the connection, or it is up
            except ShoalError as error:
                signals.broke(error)
                return

    async def _follow(self, cluster: ClusterState, session: Session, signals: Signals) -> None:
        subject, plugin = cluster_subject(cluster.name), self.target_type.name
        source = self.guard.stream(
            "target",
            "sightings",
            subject,
            session.sightings,
            answer=answers.sighting_on(cluster.name),
        )
        try:
            async with aclosing(source) as sightings:
                async for sighting in sightings:
                    await self.observing.saw(cluster, sighting)
                    self.state.measuring.followed(self.state.now() - sighting.at)
        except ShoalError as error:
            signals.broke(error)
        else:
            signals.broke(
                PluginFailed(f"target {plugin} stopped telling what happens on {subject}")
            )

    async def _gained(self, cluster: ClusterState, facts: Facts) -> None:
        """Connected: every target here may have something to do."""
        before, now = cluster.facts, self.state.now()
        is_news = before is None or (before.uid, before.version) != (facts.uid, facts.version)
        if cluster.since is not None:  # the first contact is no return
            turned(cluster, now)
        cluster.is_connected, cluster.error, cluster.since = True, None, now
        learned(cluster, facts, now)
        await self.recovering.connected(cluster, facts)
        if is_news:
            self._wake_who_asks(cluster)
        for target in self.state.targets_on(cluster.name):
            cluster.queue.add(target.key, Request(Priority.RECHECK, "connected"))
        body = {"version": facts.version, "uid": facts.uid}
        await self.recording.mention(Deed.CLUSTER_CONNECTED, cluster_subject(cluster.name), body)

    def _wake_who_asks(self, cluster: ClusterState) -> None:
        """The applications here that are rendered by what only the cluster can tell."""
        for ref, application in self.state.applications.items():
            if application.asks_clusters and cluster.name in application.placed:
                request = Request(Priority.RECHECK, f"cluster {cluster.name} told its version")
                self.state.application_queue.add(ref, request)

    async def _lost(self, cluster: ClusterState, error: ShoalError) -> None:
        """Said once: what is live there stays, and is Unknown from now on."""
        told, was_connected = cluster.told, cluster.is_connected
        if cluster.is_answering:
            turned(cluster, self.state.now())
        cluster.since = cluster.since or self.state.now()
        cluster.is_connected = False
        cluster.error, cluster.told = error, f"{error.reason}: {error.message}"
        if was_connected or told != cluster.told:
            unreachable = isinstance(error, ClusterUnreachable)
            await self.recording.mention(
                Deed.CLUSTER_LOST if unreachable else Deed.CLUSTER_REFUSED,
                cluster_subject(cluster.name),
                {"reason": error.reason, "next_step": error.next_step},
                why=error.message,
                verdict=Verdict.FAILED,
            )


def _meant(name: str, caught: Exception) -> ShoalError:
    """What an exception means for a cluster: one of our errors, perhaps in a group, or a bug."""
    found: BaseException = caught
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if isinstance(found, ShoalError):
        return found
    _log.error("connection broke by a bug", cluster=name, exc_info=caught)
    return PluginFailed(
        f"the connection to cluster {name} broke by a bug: {type(found).__name__}",
        next_step="see the controller's log for its traceback; it is opened again by itself",
    )
