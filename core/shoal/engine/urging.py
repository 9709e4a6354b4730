"""What a person asks for that is due anyway: to look now, to fetch now, to undo drift now.

Nothing is overridden by it but the order of work: what a hold stops stays stopped. Who asked is in
the ledger. Called by the controller for its API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shoal.engine.drifts import choose_drifts, view_drifts
from shoal.engine.fleet_state import FLEET_KEY
from shoal.engine.naming import require_application, require_name
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.views.changes import DriftView
from shoal.engine.waking import wake
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.records import Deed


@dataclass(frozen=True, slots=True)
class Urging:
    """Puts what a person wants before everything else."""

    state: EngineState
    recording: Recording

    async def revert(
        self,
        application: Ref,
        *,
        who: str,
        reason: str,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> Sequence[DriftView]:
        """Undo these drifts, or drifts of these objects; what is being undone."""
        require_application(self.state, application)
        found = choose_drifts(self.state, application, names, clusters)
        told = view_drifts(found)
        meant: dict[TargetKey, frozenset[ObjectKey]] = {}
        for target, key, _ in found:
            meant[target.key] = meant.get(target.key, frozenset()) | {key}
        for target_key, keys in meant.items():
            await self.recording.note(
                who=who,
                what=Deed.REVERT_REQUESTED,
                why=reason,
                subject=str(target_key),
                body={"objects": [str(key) for key in sorted(keys)]},
            )
            request = Request(Priority.USER, f"revert by {who}", only=keys, reverts=keys)
            wake(self.state, target_key, request)
        return told

    async def sync(
        self,
        application: Ref,
        *,
        who: str,
        clusters: frozenset[str] | None = None,
        rerun: bool = False,
    ) -> None:
        """Read and decide anew, and look at every object; with `rerun`, Jobs run again."""
        require_application(self.state, application)
        targets = self.state.targets_of(application)
        for name in clusters or ():
            require_name(name, {target.key.cluster for target in targets}, "cluster", "get targets")
        await self.recording.note(
            who=who,
            what=Deed.SYNC_REQUESTED,
            why="to run again what has ended" if rerun else "",
            subject=str(application),
        )
        request = Request(Priority.USER, f"sync by {who}")
        self.state.fleet_queue.add(FLEET_KEY, request)
        catalog = self.state.catalog
        document = catalog.applications.get(application) if catalog else None
        if document is not None:
            self.state.source_queue.add(document.source_ref, request)
            self.state.application_queue.add(application, request)
        for target in targets:
            if clusters is None or target.key.cluster in clusters:
                wake(self.state, target.key, replace(request, reruns=rerun))

    async def refresh(self, source: Ref, *, who: str, traceparent: str = "") -> None:
        """Fetch a source, and the fleet's own repository."""
        catalog = self.state.catalog
        require_name(
            str(source), map(str, catalog.sources if catalog else ()), "source", "get sources"
        )
        request = Request(Priority.USER, f"refresh by {who}", traceparent=traceparent)
        self.state.source_queue.add(source, request)
        self.state.fleet_queue.add(FLEET_KEY, request)
