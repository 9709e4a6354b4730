"""The controller: its loops side by side, what it shows, and the verbs people have.

`run` restores what the store remembers and serves the queues until it is cancelled. Reading never
waits for a cluster; a verb writes state, adds a key to a queue and returns.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio

from shoal.documents import Catalog
from shoal.engine import viewing
from shoal.engine.adopting import Adopting
from shoal.engine.applications import Applications
from shoal.engine.belonging import belongs_on
from shoal.engine.cataloguing import FLEET_KEY, Cataloguing
from shoal.engine.clusters import Clusters
from shoal.engine.diffing import Diffing, DiffRequest
from shoal.engine.drifts import choose_drifts, find_drifts, view_drifts
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recalling import remember
from shoal.engine.recording import Recording
from shoal.engine.sources import Sources
from shoal.engine.state import EngineState
from shoal.engine.views import (
    AdoptionsView,
    ApplicationView,
    ClusterView,
    DiffView,
    DriftView,
    FleetView,
    HoldView,
    MissingFiles,
    SourceView,
    TargetView,
)
from shoal.errors import InvalidDocument, UnknownName
from shoal.model.choice import nearest
from shoal.model.documents import Application
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.records import Deed, Record
from shoal.store import Store
from shoal.telemetry import names
from shoal.telemetry.ring import Ring, SpanView

# An approval that nothing came of is forgotten: what was agreed to yesterday may be another thing.
APPROVAL_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Loops:
    """The parts of the engine that serve a queue."""

    cataloguing: Cataloguing
    sources: Sources
    applications: Applications
    clusters: Clusters


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
        ring: Ring,
        version: str,
    ) -> None:
        self._state = state
        self._store = store
        self._recording = recording
        self._loops = loops
        self._diffing = diffing
        self._adopting = adopting
        self._ring = ring
        self._version = version
        self._started_at = state.now()

    async def restore(self) -> None:
        """Remember what was, and what a killed process may have left undone."""
        kept = await self._store.load()
        remember(self._state, kept)
        await self._recording.interrupted(kept.intents.values())

    async def run(self) -> None:
        """Serve all loops; ends by cancellation only."""
        await self.restore()
        about = {"version": self._version}
        who = getpass.getuser()
        await self._recording.mention(Deed.CONTROLLER_STARTED, "controller", about, who=who)
        state, loops = self._state, self._loops
        state.fleet_queue.add(FLEET_KEY, Request(Priority.REVISION, "start"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, state.fleet_queue, loops.cataloguing.work)
            tasks.start_soon(serve, state.source_queue, loops.sources.work)
            tasks.start_soon(serve, state.application_queue, loops.applications.work)
            tasks.start_soon(loops.clusters.run)
            tasks.start_soon(self._recording.run)

    def fleet(self) -> FleetView:
        """The fleet on one screen."""
        return viewing.view_fleet(
            self._state,
            location=self._loops.cataloguing.reader.location,
            version=self._version,
            started_at=self._started_at,
        )

    def applications(self) -> Sequence[ApplicationView]:
        """Every application."""
        return viewing.view_applications(self._state)

    def targets(self) -> Sequence[TargetView]:
        """Every application at every cluster."""
        return viewing.view_targets(self._state)

    def clusters(self) -> Sequence[ClusterView]:
        """Every cluster."""
        return viewing.view_clusters(self._state)

    def sources(self) -> Sequence[SourceView]:
        """Every source, inline ones included."""
        return viewing.view_sources(self._state)

    def holds(self) -> Sequence[HoldView]:
        """Everything that waits for a person."""
        return viewing.view_holds(self._state)

    def drifts(self) -> Sequence[DriftView]:
        """Every drift, the same one once."""
        return view_drifts(find_drifts(self._state))

    async def records(
        self, *, subject: str | None = None, limit: int = 100, before: int | None = None
    ) -> Sequence[Record]:
        """Records of the ledger, newest first; `before` is a seq, to page on.

        An application's records include those of its targets.
        """
        prefix = None if subject is None else f"{subject}@"
        return await self._store.records(
            subject=subject, subject_prefix=prefix, limit=limit, before_seq=before
        )

    def trace(self, application: Ref) -> Sequence[SpanView]:
        """The spans of the application's latest decision; empty when there are none (any more)."""
        self._known_application(application)
        return self._ring.latest(lambda attributes: _is_sync_of(application, attributes))

    async def diff(self, request: DiffRequest) -> DiffView | MissingFiles:
        """What would change on the clusters of an application; changes nothing."""
        catalog, document = self._document(request.application)
        for name in request.clusters or ():
            what = f"cluster of {request.application} named"
            _known(name, belongs_on(self._state, document, catalog.clusters), what, "get targets")
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
        self._known_application(application)
        found = choose_drifts(self._state, application, names, clusters)
        told = view_drifts(found)
        meant: dict[TargetKey, frozenset[ObjectKey]] = {}
        for target, key, _ in found:
            meant[target.key] = meant.get(target.key, frozenset()) | {key}
        for target_key, keys in meant.items():
            await self._recording.note(
                who=who,
                what=Deed.REVERT_REQUESTED,
                why=reason,
                subject=str(target_key),
                body={"objects": [str(key) for key in sorted(keys)]},
            )
            request = Request(Priority.USER, f"revert by {who}", only=keys, reverts=keys)
            self._wake(target_key, request)
        return told

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
        self._known_application(application)
        targets = self._state.targets_of(application)
        for name in clusters or ():
            _known(name, {target.key.cluster for target in targets}, "cluster", "get targets")
        await self._recording.note(
            who=who,
            what=Deed.SYNC_REQUESTED,
            why="to run again what has ended" if rerun else "",
            subject=str(application),
        )
        request = Request(Priority.USER, f"sync by {who}")
        self._state.fleet_queue.add(FLEET_KEY, request)
        catalog = self._state.catalog
        document = catalog.applications.get(application) if catalog else None
        if document is not None:
            self._state.source_queue.add(document.source_ref, request)
            self._state.application_queue.add(application, request)
        for target in targets:
            if clusters is None or target.key.cluster in clusters:
                self._wake(target.key, replace(request, reruns=rerun))

    async def refresh(self, source: Ref, *, who: str, traceparent: str = "") -> None:
        """Fetch a source now; the fleet's own repository goes along."""
        catalog = self._state.catalog
        _known(str(source), map(str, catalog.sources if catalog else ()), "source", "get sources")
        request = Request(Priority.USER, f"refresh by {who}", traceparent=traceparent)
        self._state.source_queue.add(source, request)
        self._state.fleet_queue.add(FLEET_KEY, request)

    async def suspend(self, application: Ref, *, who: str, reason: str, until: datetime) -> Hold:
        """Hold an application until a time; the newest suspension replaces the one before."""
        self._known_application(application)
        hold = Hold(
            subject=str(application),
            cause=HoldCause.SUSPENDED,
            reason=reason,
            by=who,
            since=self._state.now(),
            until=until,
        )
        await self._recording.holds.lift(str(application), HoldCause.SUSPENDED, "replaced", who)
        await self._recording.holds.place(hold)
        for target in self._state.targets_of(application):
            self._wake(target.key, Request(Priority.USER, f"suspended by {who}"))
        return hold

    async def resume(self, application: Ref, *, who: str, reason: str) -> None:
        """End the suspension of an application."""
        self._known_application(application)
        if not self._state.suspensions(application):
            raise UnknownName(
                f"application {application} is not suspended", next_step="see shoal get holds"
            )
        await self._recording.holds.lift(str(application), HoldCause.SUSPENDED, reason, who)
        for target in self._state.targets_of(application):
            self._wake(target.key, Request(Priority.USER, f"resumed by {who}"))

    async def approve(self, name: str, *, who: str, reason: str) -> Sequence[Hold]:
        """Release a hold, or all of a group, and let what they held go on at once.

        The approval of a group counts for everyone who comes to the same change while it lasts.
        """
        holds = [hold for hold in self._state.holds.values() if name in (hold.id, hold.group)]
        if not holds:
            groups = {hold.group for hold in self._state.holds.values() if hold.group}
            _known(name, {*self._state.holds, *groups}, "hold", "get holds")
        now = self._state.now()
        if holds[0].cause is HoldCause.SUSPENDED:
            await self.resume(Ref.parse(holds[0].subject), who=who, reason=reason)
            return holds
        if holds[0].cause is HoldCause.CONFLICT:
            return await self._let_try_again(holds, who=who, reason=reason)
        until = now + APPROVAL_LASTS
        if name == holds[0].id or holds[0].cause is HoldCause.REMOVING:
            # A removal that somebody begins later was not meant, so no group of them is approved.
            for one in holds:
                approval = Approval(one.id, one.subject, one.content, who, reason, now, until)
                await self._recording.holds.approved([one], approval)
        else:
            approval = Approval(name, "", "", who, reason, now, until)
            await self._recording.holds.approved(holds, approval)
        for hold in holds:
            self._let_go_on(hold, Request(Priority.USER, f"approved by {who}"))
        return holds

    async def _let_try_again(
        self, holds: Sequence[Hold], *, who: str, reason: str
    ) -> Sequence[Hold]:
        """Objects that are fought over are corrected again; the next fight is another hold."""
        for hold in holds:
            await self._recording.holds.end(hold, reason, who)
            self._let_go_on(hold, Request(Priority.USER, f"approved by {who}"))
        return holds

    def _let_go_on(self, hold: Hold, request: Request) -> None:
        if hold.cause is HoldCause.REMOVAL_BUDGET:
            self._state.fleet_queue.add(FLEET_KEY, request)
        elif hold.cause is HoldCause.IDENTITY_CHANGED:
            self._state.cluster_queue.add(hold.subject.removeprefix("cluster "), request)
        else:
            self._wake(TargetKey.parse(hold.subject), request)

    def _wake(self, key: TargetKey, request: Request) -> None:
        cluster = self._state.clusters.get(key.cluster)
        if cluster is None:
            return
        cluster.queue.add(key, replace(request, since=None))
        if not cluster.is_connected:
            # A person asks: the cluster is tried now, whatever its back-off says.
            self._state.cluster_queue.add(key.cluster, request)

    def _document(self, application: Ref) -> tuple[Catalog, Application]:
        """The document of an application; InvalidDocument while it cannot be read."""
        self._known_application(application)
        catalog = self._state.catalog
        document = catalog.applications.get(application) if catalog else None
        if catalog is None or document is None:
            raise InvalidDocument(
                f"application {application} has no document that can be read",
                next_step="see shoal status, or run shoal validate",
            )
        return catalog, document

    def _known_application(self, application: Ref) -> None:
        catalog = self._state.catalog
        known = {str(ref) for ref in (catalog.applications if catalog else ())}
        known |= {str(key.application) for key in self._state.targets}
        _known(str(application), known, "application", "get applications")


def _is_sync_of(application: Ref, attributes: Mapping[str, object]) -> bool:
    """Whether a span is of a decision, a failure or a pass that changed something.

    A second look that found nothing to do is no sync to show.
    """
    telling = (names.TARGETS, names.OBJECTS, names.ERROR_TYPE)
    return attributes.get(names.APPLICATION) == str(application) and any(
        attributes.get(name) for name in telling
    )


def _known(name: str, known: Iterable[str], what: str, listing: str) -> None:
    """Raise UnknownName, with the nearest name, unless it is known."""
    names_ = set(known)
    if name in names_:
        return
    meant = nearest(name, names_)
    hint = f"did you mean {meant}?" if meant else f"see shoal {listing}"
    raise UnknownName(f"there is no {what} {name}", next_step=hint)
