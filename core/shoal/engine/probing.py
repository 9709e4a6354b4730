"""Probing one connection: is the cluster there, is it who it was, and is it worth a request?

The prober of a connection asks on and on, as often as `planning.circuits` says, and returns why the
connection has to be given up. Whoever works over it may doubt it, which brings the next probe
forward, or break it. What a probe tells is kept of the cluster until the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.identifying import Identifying, cluster_subject
from shoal.engine.recovering import Recovering
from shoal.engine.state import ClusterState, EngineState
from shoal.errors import ClusterUnreachable, Permanent, Retryable, ShoalError
from shoal.hooks.targets import Session
from shoal.model.endpoints import Facts


@dataclass(slots=True)
class Signals:
    """What the tasks of one connection tell its prober: probe now, or this is the end."""

    broken: ShoalError | None = None
    alarm: anyio.Event = field(default_factory=anyio.Event)

    def broke(self, error: ShoalError) -> None:
        """The session cannot be used any more, whatever a probe would say."""
        self.broken = self.broken or error
        self.alarm.set()


@dataclass(frozen=True, slots=True)
class Probing:
    """Probes clusters, and keeps what comes of it. `jitter` gives a number in [0, 1)."""

    state: EngineState
    identifying: Identifying
    recovering: Recovering
    guard: Guard
    jitter: Callable[[], float]

    async def prove(self, cluster: ClusterState, session: Session) -> Facts:
        """Probe until the circuit closes: once, or twice where the cluster had been given up."""
        while True:
            facts = await self._probe(cluster, session)
            await self.identifying.check(cluster.name, facts)
            cluster.circuit = cluster.circuit.after_success(self.state.now())
            if cluster.circuit.is_usable:
                return facts
            await anyio.sleep(self.seconds_left(cluster))

    async def _probe(self, cluster: ClusterState, session: Session) -> Facts:
        """Who answers; raises when nobody does."""
        seconds = cluster.circuit.timing.probe_timeout.total_seconds()
        subject = cluster_subject(cluster.name)
        with anyio.move_on_after(seconds):
            # The guard's own deadline never comes: a silent cluster is no fault of the plugin.
            return await self.guard.ask(
                "target",
                "probe",
                subject,
                session.probe,
                seconds=2 * seconds,
                answer=answers.facts,
            )
        raise ClusterUnreachable(
            f"{subject} did not answer a probe within {seconds:g} s",
            next_step="see whether its API server hangs; it is probed again by itself",
        )

    def doubt(self, cluster: ClusterState, signals: Signals) -> None:
        """A request got no answer: probe at once, unless probes say so already."""
        before = cluster.circuit
        cluster.circuit = before.after_drop(self.state.now())
        if cluster.circuit is not before:
            signals.alarm.set()

    async def keep(self, cluster: ClusterState, session: Session, signals: Signals) -> ShoalError:
        """Probe on and on; return why the connection has to be given up."""
        while True:
            await self._until_due(cluster, signals)
            if signals.broken is not None:
                cluster.circuit = cluster.circuit.after_break(self.state.now(), self.jitter())
                return signals.broken
            try:
                facts = await self._probe(cluster, session)
                self.identifying.refuse_another(cluster.name, facts)
                await self.recovering.probed(cluster, facts)
            except ShoalError as error:
                self._missed(cluster, error)
                if isinstance(error, Permanent) or not cluster.circuit.is_usable:
                    return error
            else:
                self._answered(cluster, facts)

    async def _until_due(self, cluster: ClusterState, signals: Signals) -> None:
        """Wait for the next probe, which a doubt may bring forward, or for a break."""
        while signals.broken is None and (seconds := self.seconds_left(cluster)) > 0:
            with anyio.move_on_after(seconds):
                await signals.alarm.wait()
            if signals.broken is None:
                signals.alarm = anyio.Event()

    def _missed(self, cluster: ClusterState, error: ShoalError) -> None:
        now = self.state.now()
        if cluster.is_answering:
            turned(cluster, now)
        after = error.after_seconds if isinstance(error, Retryable) else None
        cluster.circuit = cluster.circuit.after_failure(now, self.jitter(), after)
        cluster.error = error

    def _answered(self, cluster: ClusterState, facts: Facts) -> None:
        now = self.state.now()
        if not cluster.is_answering:
            turned(cluster, now)
        cluster.circuit = cluster.circuit.after_success(now)
        cluster.error = None
        learned(cluster, facts, now)

    def seconds_left(self, cluster: ClusterState) -> float:
        """Until the next probe is due; nothing when it is."""
        return max(0.0, (cluster.circuit.probe_at - self.state.now()).total_seconds())


def turned(cluster: ClusterState, now: datetime) -> None:
    """It went away, or is back."""
    cluster.since, cluster.turns = now, cluster.turns.turned(now)


def learned(cluster: ClusterState, facts: Facts, now: datetime) -> None:
    """What a probe told counts until the next one."""
    cluster.facts, cluster.last_contact = facts, now
    cluster.stale_since = (cluster.stale_since or now) if facts.stale else None
