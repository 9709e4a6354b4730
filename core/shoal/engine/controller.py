"""The controller: its loops side by side, what it shows, and the verbs people have.

`run` restores what the store remembers and serves the queues until it is cancelled. Reading never
waits for a cluster; a verb writes state, adds a key to a queue and returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread

from shoal.documents import Catalog
from shoal.engine import viewing
from shoal.engine.adopting import Adopting
from shoal.engine.alerting import Alerting
from shoal.engine.ancestry import Ancestry
from shoal.engine.applications import Applications
from shoal.engine.approving import Approving
from shoal.engine.belonging import belongs_on
from shoal.engine.cataloguing import Cataloguing
from shoal.engine.clusters import Clusters
from shoal.engine.descending import Descending
from shoal.engine.diffing import Diffing, DiffRequest
from shoal.engine.drifts import choose_drifts, find_drifts, view_drifts
from shoal.engine.fleet_state import FLEET_KEY
from shoal.engine.imaging import Images
from shoal.engine.inspecting import view_tree
from shoal.engine.looking import look_at_fleet, look_at_many
from shoal.engine.naming import require_application, require_name
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recalling import remember
from shoal.engine.recording import Recording
from shoal.engine.resending import Resending
from shoal.engine.sources import Sources
from shoal.engine.state import EngineState
from shoal.engine.urging import Urging
from shoal.engine.users import own_name
from shoal.engine.viewing_alerts import view_alerts
from shoal.engine.views.alerts import AlertView, ResentView, TrialView
from shoal.engine.views.applications import ApplicationView, TargetView, TreeView
from shoal.engine.views.changes import AdoptionsView, DiffView, DriftView, HoldView, MissingFiles
from shoal.engine.views.clusters import ClusterView
from shoal.engine.views.fleet import FleetView, PluginView, SourceView
from shoal.engine.views.whereabouts import WhereView
from shoal.engine.whereabouts import Whereabouts
from shoal.errors import InvalidDocument
from shoal.model.documents import Alert, Application
from shoal.model.holds import Hold
from shoal.model.identity import Ref
from shoal.model.records import Deed, Record, Verdict
from shoal.store import Store
from shoal.telemetry import names
from shoal.telemetry.metering import Metering
from shoal.telemetry.ring import Ring, SpanView


@dataclass(frozen=True, slots=True)
class Loops:
    """The parts of the engine that serve a queue."""

    cataloguing: Cataloguing
    sources: Sources
    applications: Applications
    clusters: Clusters
    alerting: Alerting


class Controller:
    """One running controller."""

    def __init__(
        self,
        *,
        state: EngineState,
        store: Store,
        recording: Recording,
        loops: Loops,
        diffing: Diffing,
        adopting: Adopting,
        descending: Descending,
        ancestry: Ancestry,
        ring: Ring,
        metering: Metering,
        version: str,
        plugins: Sequence[PluginView] = (),
    ) -> None:
        self._state = state
        self._store = store
        self._recording = recording
        self._approving = Approving(state, recording)
        self._urging = Urging(state, recording)
        self._loops = loops
        self._diffing = diffing
        self._adopting = adopting
        self._descending = descending
        self._ring = ring
        self._metering = metering
        self._pages = CapacityLimiter(1)
        self._is_restored = False
        self._version = version
        self._plugins = plugins
        self._images = Images()
        self._resending = Resending(state, store, recording, loops.alerting)
        self._whereabouts = Whereabouts(state, store, self._images, ancestry)
        self._started_at = state.now()

    async def restore(self) -> None:
        """Remember what was, and what a killed process may have left undone."""
        kept = await self._store.load()
        remember(self._state, kept)
        await self._recording.interrupted(kept.intents.values())

    async def run(self) -> None:
        """Serve all loops; ends by cancellation only."""
        await self.restore()
        self._is_restored = True
        about = {"version": self._version}
        await self._recording.mention(Deed.CONTROLLER_STARTED, "controller", about, who=own_name())
        state, loops = self._state, self._loops
        state.fleet_queue.add(FLEET_KEY, Request(Priority.REVISION, "start"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, state.fleet_queue, loops.cataloguing.work)
            tasks.start_soon(serve, state.source_queue, loops.sources.work)
            tasks.start_soon(serve, state.application_queue, loops.applications.work)
            tasks.start_soon(loops.clusters.run)
            tasks.start_soon(loops.alerting.run)
            tasks.start_soon(self._recording.run)

    @property
    def is_ready(self) -> bool:
        """Whether it knows what it knew before it was started."""
        return self._is_restored

    async def metrics(self) -> bytes:
        """All metrics as Prometheus reads them, put together off the loop; one page at a time."""
        return await to_thread.run_sync(self._metering.exposition, limiter=self._pages)

    async def look_at_fleet(self) -> FleetView:
        """The fleet on one screen, while it goes on."""
        return await look_at_fleet(self._state, **self._about())

    async def look(
        self, path: str, is_meant: Callable[[Ref], bool] = viewing.everything
    ) -> Sequence[Any]:
        """The items of a list, while the fleet goes on; `is_meant` narrows what may be long."""
        found = await look_at_many(self._state, path, is_meant)
        return getattr(self, path)() if found is None else found

    def places(self) -> Mapping[Ref, Sequence[str]]:
        """The clusters that each application is on."""
        return self._state.places()

    def fleet(self) -> FleetView:
        """The fleet on one screen, at once: for who is in this process and may stop it."""
        standing = viewing.Standing()
        for target in self._state.targets.values():
            standing.count(self._state, target)
        return viewing.view_fleet(self._state, standing, **self._about())

    def _about(self) -> dict[str, Any]:
        return {
            "location": self._loops.cataloguing.reader.location,
            "version": self._version,
            "started_at": self._started_at,
        }

    def applications(self) -> Sequence[ApplicationView]:
        """Every application, at once."""
        return list(viewing.view_applications(self._state))

    def targets(self) -> Sequence[TargetView]:
        """Every application at every cluster, at once."""
        return list(viewing.view_targets(self._state))

    def clusters(self) -> Sequence[ClusterView]:
        """Every cluster, at once."""
        return list(viewing.view_clusters(self._state))

    def sources(self) -> Sequence[SourceView]:
        """Every source, inline ones included."""
        return viewing.view_sources(self._state)

    def holds(self) -> Sequence[HoldView]:
        """Everything that waits for a person."""
        return viewing.view_holds(self._state)

    def drifts(self) -> Sequence[DriftView]:
        """Every drift, the same one once."""
        return view_drifts(find_drifts(self._state))

    def plugins(self) -> Sequence[PluginView]:
        """What the plugins of this process registered, and those that are not used."""
        return self._plugins

    async def tree(
        self, application: Ref, is_meant: Callable[[str], bool], *, with_pods: bool = False
    ) -> TreeView:
        """What an application has on the clusters that are meant, object by object.

        Clusters are asked for the Pods alone.
        """
        require_application(self._state, application)
        found = await view_tree(self._state, self._images, application, is_meant)
        if with_pods:
            found = await self._descending.with_pods(found, application, is_meant)
        return found

    async def whereabouts(self, text: str) -> WhereView:
        """Where a revision or an image is, and where not yet."""
        return await self._whereabouts.find(text)

    def alerts(self) -> Sequence[AlertView]:
        """Every Alert, and how far each of its destinations has come."""
        return view_alerts(self._state, self._store.last_seq)

    async def test_alert(self, alert: Ref, *, who: str) -> Sequence[TrialView]:
        """Send a test to each destination of an Alert; what became of it."""
        return await self._loops.alerting.test(self._alert(alert), who)

    async def resend_alert(
        self, alert: Ref, *, who: str, batches: Sequence[str] = ()
    ) -> Sequence[ResentView]:
        """Send again what was given up, or these batches of it; what became of each."""
        return await self._resending.resend(self._alert(alert), who=who, batches=batches)

    def _alert(self, alert: Ref) -> Alert:
        catalog = self._state.catalog
        alerts = catalog.alerts if catalog else {}
        require_name(str(alert), map(str, alerts), "alert", "get alerts")
        return alerts[alert]

    async def records(
        self,
        *,
        subject: str | None = None,
        what: frozenset[Deed] = frozenset(),
        limit: int = 100,
        before: int | None = None,
        after: int | None = None,
    ) -> Sequence[Record]:
        """Records of the ledger, newest first; `before` is a seq, to page on.

        With `after`, a seq too, those that follow it, oldest first. An application's records
        include those of its targets.
        """
        return await self._store.records(
            after_seq=after or 0,
            subject=subject,
            subject_prefix=None if subject is None else f"{subject}@",
            what=what,
            limit=limit,
            newest_first=after is None,
            before_seq=before,
        )

    def last_seq(self) -> int:
        """The seq of the newest record."""
        return self._store.last_seq

    async def wait_past(self, seq: int) -> None:
        """Return once there is a record after this one."""
        await self._store.wait_past(seq)

    def trace(self, application: Ref) -> Sequence[SpanView]:
        """The spans of the application's latest decision; empty when there are none (any more)."""
        require_application(self._state, application)
        return self._ring.latest(lambda attributes: _is_sync_of(application, attributes))

    async def diff(self, request: DiffRequest) -> DiffView | MissingFiles:
        """What would change on the clusters of an application; changes nothing."""
        catalog, document = self._document(request.application)
        for name in request.clusters or ():
            what = f"cluster of {request.application} named"
            require_name(
                name, belongs_on(self._state, document, catalog.clusters), what, "get targets"
            )
        return await self._diffing.diff(catalog, document, request)

    async def adopt(
        self,
        application: Ref,
        *,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> AdoptionsView:
        """What to commit so that drifts are none; reads what is live and changes nothing."""
        catalog, document = self._document(application)
        found = choose_drifts(self._state, application, names, clusters)
        return await self._adopting.adopt(catalog, document, found)

    async def revert(
        self,
        application: Ref,
        *,
        who: str,
        reason: str,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> Sequence[DriftView]:
        """Undo drift now, also where the policy is to report it; what is being undone.

        `names` are drifts or objects, all of the application when left out. A hold holds this too.
        """
        return await self._urging.revert(
            application, who=who, reason=reason, names=names, clusters=clusters
        )

    async def sync(
        self,
        application: Ref,
        *,
        who: str,
        clusters: frozenset[str] | None = None,
        rerun: bool = False,
    ) -> None:
        """Read the fleet and its source, decide it anew, and look at every object of its targets.

        With `rerun`, what runs to its end, such as a Job, runs again.
        """
        await self._urging.sync(application, who=who, clusters=clusters, rerun=rerun)

    async def refresh(self, source: Ref, *, who: str, traceparent: str = "") -> None:
        """Fetch a source now; the fleet's own repository goes along."""
        await self._urging.refresh(source, who=who, traceparent=traceparent)

    async def suspend(self, application: Ref, *, who: str, reason: str, until: datetime) -> Hold:
        """Hold an application until a time; the newest suspension replaces the one before."""
        return await self._approving.suspend(application, who=who, reason=reason, until=until)

    async def resume(self, application: Ref, *, who: str, reason: str) -> None:
        """End the suspension of an application."""
        await self._approving.resume(application, who=who, reason=reason)

    async def approve(self, name: str, *, who: str, reason: str) -> Sequence[Hold]:
        """Release a hold, or all of a group, and let what they held go on at once.

        The approval of a group counts for everyone who comes to the same change while it lasts.
        """
        return await self._approving.approve(name, who=who, reason=reason)

    async def mention(
        self,
        what: Deed,
        subject: str,
        body: Mapping[str, Any] | None = None,
        *,
        who: str = "shoal",
        why: str = "",
        verdict: Verdict = Verdict.NOTED,
    ) -> None:
        """Record what has happened beside the engine, such as a new configuration."""
        await self._recording.mention(what, subject, body, who=who, why=why, verdict=verdict)

    def _document(self, application: Ref) -> tuple[Catalog, Application]:
        """The document of an application; InvalidDocument while it cannot be read."""
        require_application(self._state, application)
        catalog = self._state.catalog
        document = catalog.applications.get(application) if catalog else None
        if catalog is None or document is None:
            raise InvalidDocument(
                f"application {application} has no document that can be read",
                next_step="see shoal status, or run shoal validate",
            )
        return catalog, document


def _is_sync_of(application: Ref, attributes: Mapping[str, object]) -> bool:
    """Whether a span is of a decision, a failure or a pass that changed something.

    A second look that found nothing to do is no sync to show.
    """
    telling = (names.TARGETS, names.OBJECTS, names.ERROR_TYPE)
    return attributes.get(names.APPLICATION) == str(application) and any(
        attributes.get(name) for name in telling
    )
