"""Opens the engine: telemetry and store first, then each loop with exactly what it needs.

The reading order of the whole engine in one place: what every part is made of, and by whom it is
handed in. Closed in reverse: the loops end, the store takes its last writes, spans are exported.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import anyio

from shoal import __version__
from shoal.composition.bordering import guard_of
from shoal.composition.fleet_reading import fleet_reader
from shoal.composition.hosting import Hosts, NotedSecrets
from shoal.composition.loading import TARGET_TYPE
from shoal.composition.plugin_views import plugin_views
from shoal.composition.serving import Foundation
from shoal.composition.telling import Telemetry, telemetry
from shoal.composition.watching import LoopWatch
from shoal.engine.adopting import Adopting
from shoal.engine.alerting import Alerting
from shoal.engine.ancestry import Ancestry
from shoal.engine.applications import Applications
from shoal.engine.asking import Asking
from shoal.engine.carrying_out import CarryingOut
from shoal.engine.cataloguing import FOLDER_INTERVAL, REPOSITORY_INTERVAL, Cataloguing
from shoal.engine.clock import EngineClock
from shoal.engine.clusters import Clusters
from shoal.engine.concluding import Concluding
from shoal.engine.connections import Connections
from shoal.engine.controller import Controller, Loops
from shoal.engine.deciding import Deciding
from shoal.engine.delivering import Delivering
from shoal.engine.descending import Descending
from shoal.engine.desiring import Desiring
from shoal.engine.diffing import Diffing
from shoal.engine.fleet_state import FLEET_KEY
from shoal.engine.gating import Gating
from shoal.engine.gauging import Gauging
from shoal.engine.identifying import Identifying
from shoal.engine.judging import Judging, by_kind
from shoal.engine.neighbours import Neighbours
from shoal.engine.observing import Observing
from shoal.engine.orphaning import Orphaning
from shoal.engine.previewing import Previewing
from shoal.engine.probing import Probing
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.recovering import Recovering
from shoal.engine.removing import Removing
from shoal.engine.rendering import Rendering
from shoal.engine.shrinking import Shrinking
from shoal.engine.sources import Sources
from shoal.engine.state import EngineState
from shoal.engine.stepping import Stall
from shoal.engine.targets import Targets
from shoal.engine.validating import Validating
from shoal.engine.weighing import Weighing
from shoal.errors import Permanent
from shoal.hooks.host import Host
from shoal.store import Store, open_store
from shoal.store.folder import DATABASE
from shoal.telemetry.process import Process


@asynccontextmanager
async def open_engine(foundation: Foundation) -> AsyncIterator[Controller]:
    """A running controller; raises StateInUse when another one holds the state folder."""
    masking = foundation.masking
    mask = partial(masking.value, limit=None)
    settings = foundation.settings
    async with (
        telemetry(masking, serves_metrics=settings.metrics_listen is not None) as told,
        open_store(settings.state, mask, committed=told.measuring.committed) as store,
        AsyncExitStack() as lent,
    ):
        assembly = _Assembly(foundation, store, told, lent)
        controller = await assembly.controller()
        with assembly.loop_watch().running():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(controller.run)
                yield controller
                tasks.cancel_scope.cancel()


class _Assembly:
    """Makes each part of the engine from exactly what it needs; nothing runs yet."""

    def __init__(
        self, foundation: Foundation, store: Store, told: Telemetry, lent: AsyncExitStack
    ) -> None:
        self._foundation = foundation
        self._plugins = foundation.plugins
        self._store = store
        self._told = told
        self._tracer = told.tracing.tracer
        self._clock = EngineClock()
        self._state = EngineState(self._clock, told.measuring)
        self._lent = _Lent(foundation, store, told, self._state, lent)
        self._guard = guard_of(foundation.plugins, told.measuring.called)
        self._recording = Recording(store, self._state)
        self._removing = Removing(self._state, self._recording)
        at_once = foundation.settings.renders_at_once
        self._rendering = Rendering(self._guard, at_once=at_once)

    def loop_watch(self) -> LoopWatch:
        """What notices that the loop stands still, and tells the state."""

        def stood_still(call: str, seconds: float) -> None:
            self._state.stalls.append(Stall(call, seconds, self._clock()))
            self._told.measuring.stalled()

        lagged = self._told.measuring.lagged
        return LoopWatch(self._guard.steps, stood_still, lagged=lagged)

    async def controller(self) -> Controller:
        """The whole; raises Permanent when no plugin provides what it stands on."""
        if TARGET_TYPE not in self._plugins.targets:
            raise Permanent(
                f"no plugin provides the target {TARGET_TYPE}", next_step="see shoal plugin list"
            )
        sources = await self._lent.all_of("sources", self._plugins.sources)
        desiring = await self._desiring()
        gauging = Gauging(self._state, self._store, self._rendering, self._guard)
        process = Process(self._foundation.settings.state / DATABASE)
        self._told.metering.observe(gauging.read, process.readings)
        return Controller(
            state=self._state,
            store=self._store,
            recording=self._recording,
            loops=Loops(
                cataloguing=self._cataloguing(sources),
                sources=self._sources(sources),
                applications=self._applications(desiring),
                clusters=await self._clusters(),
                alerting=await self._alerting(),
            ),
            diffing=Diffing(self._state, desiring, self._plugins.sources, sources, self._guard),
            adopting=Adopting(self._state, self._guard),
            descending=Descending(self._state, self._guard),
            ancestry=Ancestry(self._plugins.sources, sources, self._guard),
            ring=self._told.tracing.ring,
            metering=self._told.metering,
            version=__version__,
            plugins=plugin_views(self._plugins),
        )

    def _cataloguing(self, hosts: Mapping[str, Host]) -> Cataloguing:
        foundation = self._foundation
        is_local = foundation.settings.fleet_folder is not None
        usual = FOLDER_INTERVAL if is_local else REPOSITORY_INTERVAL
        # A look that was put off for long must not wait for its time when the interval is short.
        look = Request(Priority.RECHECK, "the configuration changed")
        foundation.configuration.followers.append(
            lambda settings: self._state.fleet_queue.add(FLEET_KEY, look)
        )
        return Cataloguing(
            state=self._state,
            recording=self._recording,
            shrinking=Shrinking(self._state, self._recording, self._removing),
            reader=fleet_reader(
                foundation.settings, self._plugins, hosts, self._guard, foundation.run_in_thread
            ),
            seams=self._plugins.seams,
            interval=lambda: foundation.settings.fleet_interval or usual,
            run_in_thread=foundation.run_in_thread,
            jitter=random.random,
        )

    def _sources(self, hosts: Mapping[str, Host]) -> Sources:
        return Sources(
            state=self._state,
            recording=self._recording,
            rendering=self._rendering,
            types=self._plugins.sources,
            hosts=hosts,
            guard=self._guard,
            jitter=random.random,
        )

    async def _desiring(self) -> Desiring:
        return Desiring(
            rendering=self._rendering,
            renderers=self._plugins.renderers,
            hosts=await self._lent.all_of("renderers", self._plugins.renderers),
            digester=self._store.digester,
            guard=self._guard,
            asking=Asking(self._state, self._guard),
            known=self._foundation.masking.known,
        )

    def _applications(self, desiring: Desiring) -> Applications:
        return Applications(
            state=self._state,
            recording=self._recording,
            desiring=desiring,
            removing=self._removing,
            tracer=self._tracer,
            jitter=random.random,
        )

    async def _alerting(self) -> Alerting:
        notifiers = self._plugins.notifiers
        hosts = await self._lent.all_of("notifiers", notifiers)
        mask = partial(self._foundation.masking.value, limit=None)
        delivering = Delivering(self._store, notifiers, hosts, self._guard, mask)
        return Alerting(self._state, self._store, self._recording, delivering, random.random)

    async def _clusters(self) -> Clusters:
        state, recording = self._state, self._recording
        target_hosts = await self._lent.all_of("targets", self._plugins.targets)
        jitter, identifying = random.random, Identifying(state, recording)
        recovering = Recovering(state, recording, self._guard, TARGET_TYPE, jitter)
        connections = Connections(
            state=state,
            recording=recording,
            targets=await self._targets(),
            observing=Observing(state, recording, Neighbours(recording, self._store), self._tracer),
            probing=Probing(state, identifying, recovering, self._guard, jitter),
            recovering=recovering,
            access=self._plugins.access,
            access_hosts=await self._lent.all_of("access", self._plugins.access),
            target_type=self._plugins.targets[TARGET_TYPE],
            target_host=target_hosts[TARGET_TYPE],
            judge=Judging(state, by_kind(self._plugins.health_checks.values()), self._guard),
            guard=self._guard,
            jitter=jitter,
            known=self._foundation.masking.known,
        )
        return Clusters(state, recording, connections, self._foundation.timing)

    async def _targets(self) -> Targets:
        state, recording = self._state, self._recording
        guard, tracer, jitter = self._guard, self._tracer, random.random
        gates = self._plugins.gates
        gating = Gating(state, gates, await self._lent.all_of("gates", gates), guard)
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
            removing=self._removing,
            guard=guard,
            tracer=tracer,
        )


class _Lent:
    """Makes the hosts of all plugins of a seam."""

    def __init__(
        self,
        foundation: Foundation,
        store: Store,
        told: Telemetry,
        state: EngineState,
        lent: AsyncExitStack,
    ) -> None:
        settings = foundation.settings
        self._hosts = Hosts(
            plugins=foundation.plugins,
            state_folder=settings.state,
            base_folder=settings.fleet_folder,
            secrets=NotedSecrets(foundation.secrets, foundation.masking.known),
            digester=store.digester,
            tracer_of=told.tracing.provider.get_tracer,
            meter_of=told.metering.meter_of,
            run_in_thread=foundation.run_in_thread,
            at_end=lent.push_async_callback,
            granted_revisions=state.granted_revisions,
            exec_allowed=foundation.configuration.allowed_programs,
            render_memory_mib=settings.render_memory_mib,
            pod=foundation.pod,
        )

    async def all_of(self, seam: str, plugins: Mapping[str, object]) -> dict[str, Host]:
        """The host of each plugin that registered at this seam."""
        return {name: await self._hosts.of(seam, name) for name in plugins}
