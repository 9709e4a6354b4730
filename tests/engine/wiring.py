"""The engine over fakes: wired as `composition` wires it, and not run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NoOpTracer, Tracer
from tests.engine.fakes import (
    Documents,
    FakeAccess,
    FakeGate,
    FakeNotifier,
    FakeRenderer,
    FakeSource,
    MemoryStore,
)
from tests.engine.faulty_target import FaultyTarget
from tests.engine.virtual_time import now

from shoal.engine.adopting import Adopting
from shoal.engine.alerting import Alerting
from shoal.engine.ancestry import Ancestry
from shoal.engine.applications import Applications
from shoal.engine.asking import Asking
from shoal.engine.carrying_out import CarryingOut
from shoal.engine.cataloguing import Cataloguing
from shoal.engine.clusters import Clusters
from shoal.engine.concluding import Concluding
from shoal.engine.connections import Connections
from shoal.engine.controller import Controller, Loops
from shoal.engine.deciding import Deciding
from shoal.engine.delivering import Delivering
from shoal.engine.descending import Descending
from shoal.engine.desiring import Desiring
from shoal.engine.diffing import Diffing
from shoal.engine.gating import Gating
from shoal.engine.guarding import Guard
from shoal.engine.identifying import Identifying
from shoal.engine.judging import Judging, by_kind
from shoal.engine.neighbours import Neighbours
from shoal.engine.observing import Observing
from shoal.engine.orphaning import Orphaning
from shoal.engine.previewing import Previewing
from shoal.engine.probing import Probing
from shoal.engine.recording import Recording
from shoal.engine.recovering import Recovering
from shoal.engine.removing import Removing
from shoal.engine.rendering import Rendering
from shoal.engine.shrinking import Shrinking
from shoal.engine.sources import Sources
from shoal.engine.state import EngineState
from shoal.engine.targets import Targets
from shoal.engine.validating import Validating
from shoal.engine.weighing import Weighing
from shoal.hooks.health import HealthCheck
from shoal.hooks.host import Host
from shoal.model.choice import Seams
from shoal.store import Store
from shoal.telemetry.known import KnownSecrets
from shoal.telemetry.masking import Masking
from shoal.telemetry.metering import build_metering
from shoal.telemetry.ring import Ring
from shoal.testing.fake_cluster import FakeCluster
from shoal.testing.hosts import make_host

T = TypeVar("T")


def no_jitter() -> float:
    """Neither earlier nor later."""
    return 0.5


@dataclass
class Wiring:
    """Fakes at every seam, and what they are wired to; `assembled` makes a controller of them."""

    folder: Path
    target_type: FaultyTarget
    clusters: Mapping[str, FakeCluster]
    access: FakeAccess = field(default_factory=FakeAccess)
    source: FakeSource = field(default_factory=FakeSource)
    documents: Documents = field(default_factory=Documents)
    store: MemoryStore = field(default_factory=MemoryStore)
    state: EngineState = field(default_factory=lambda: EngineState(now))
    renderer: FakeRenderer = field(default_factory=FakeRenderer)
    gate: FakeGate = field(default_factory=FakeGate)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    checks: list[HealthCheck] = field(default_factory=list)
    interval: timedelta = timedelta(seconds=1)
    jitter: Callable[[], float] = no_jitter
    tracer: Tracer = field(default_factory=NoOpTracer)

    def assembled(self) -> Controller:
        """A controller over the fakes, wired as `composition` wires it, and not run."""
        state, guard, tracer = self.state, Guard(), self.tracer
        store = cast(Store, self.store)
        host = replace(make_host(self.folder), run_in_thread=_run_here)
        recording, known = Recording(store, state), KnownSecrets()
        rendering = Rendering()
        gating = Gating(state, {"asking": self.gate}, {"asking": host}, guard)
        desiring = self._desiring(rendering, guard, host, known)
        loops = Loops(
            cataloguing=Cataloguing(
                state=state,
                recording=recording,
                shrinking=Shrinking(state, recording, Removing(state, recording)),
                reader=self.documents,
                seams=self._seams(),
                interval=lambda: self.interval,
                run_in_thread=_run_here,
                jitter=self.jitter,
            ),
            sources=self._sources(recording, rendering, guard, host),
            applications=Applications(
                state=state,
                recording=recording,
                desiring=desiring,
                removing=Removing(state, recording),
                tracer=tracer,
                jitter=self.jitter,
            ),
            clusters=self._clusters(recording, gating, guard, host, known),
            alerting=Alerting(
                state,
                store,
                recording,
                Delivering(store, {"noting": self.notifier}, {"noting": host}, guard),
                self.jitter,
            ),
        )
        return Controller(
            state=state,
            store=store,
            recording=recording,
            loops=loops,
            diffing=Diffing(state, desiring, {"memory": self.source}, {"memory": host}, guard),
            adopting=Adopting(state, guard),
            descending=Descending(state, guard),
            ancestry=Ancestry({"memory": self.source}, {"memory": host}, guard),
            ring=Ring(),
            metering=build_metering(Masking(), Resource({})),
            version="test",
        )

    def _sources(
        self, recording: Recording, rendering: Rendering, guard: Guard, host: Host
    ) -> Sources:
        return Sources(
            state=self.state,
            recording=recording,
            rendering=rendering,
            types={"memory": self.source},
            hosts={"memory": host},
            guard=guard,
            jitter=self.jitter,
        )

    def _desiring(
        self, rendering: Rendering, guard: Guard, host: Host, known: KnownSecrets
    ) -> Desiring:
        return Desiring(
            rendering=rendering,
            renderers={"json": self.renderer},
            hosts={"json": host},
            digester=host.digester,
            guard=guard,
            asking=Asking(self.state, guard),
            known=known,
        )

    def _clusters(
        self, recording: Recording, gating: Gating, guard: Guard, host: Host, known: KnownSecrets
    ) -> Clusters:
        state, tracer, store = self.state, self.tracer, cast(Store, self.store)
        identifying = Identifying(state, recording)
        recovering = Recovering(state, recording, guard, "fake", self.jitter)
        connections = Connections(
            state=state,
            recording=recording,
            targets=self._targets(recording, gating, guard),
            observing=Observing(state, recording, Neighbours(recording, store), tracer),
            probing=Probing(state, identifying, recovering, guard, self.jitter),
            recovering=recovering,
            access={"fake": self.access},
            access_hosts={"fake": host},
            target_type=self.target_type,
            target_host=host,
            judge=Judging(state, by_kind(self.checks), guard),
            guard=guard,
            jitter=self.jitter,
            known=known,
        )
        return Clusters(state, recording, connections)

    def _targets(self, recording: Recording, gating: Gating, guard: Guard) -> Targets:
        state, tracer, jitter = self.state, self.tracer, self.jitter
        deciding = Deciding(state, recording, gating, Orphaning(state, recording))
        concluding = Concluding(state, recording, jitter)
        return Targets(
            state=state,
            recording=recording,
            deciding=deciding,
            weighing=Weighing(guard),
            validating=Validating(state, guard),
            previewing=Previewing(state, recording, deciding, concluding, guard, tracer, jitter),
            carrying_out=CarryingOut(recording, guard, tracer),
            concluding=concluding,
            removing=Removing(state, recording),
            guard=guard,
            tracer=tracer,
        )

    def _seams(self) -> Seams:
        return {
            "source": {"memory": self.source.spec},
            "renderer": {"json": self.renderer.spec},
            "access": {"fake": self.access.spec},
            "gate": {"asking": self.gate.spec},
            "notifier": {"noting": self.notifier.spec},
        }


async def _call(function: Callable[..., T], *args: object) -> T:
    return function(*args)


def _run_here(function: Callable[..., T], /, *args: object) -> Awaitable[T]:
    return _call(function, *args)
