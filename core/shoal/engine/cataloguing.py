"""The loop of the fleet itself: read its documents, lay them over the catalog, wake what changed.

One key, one queue, like every other loop. What is decided, what a missing or broken file means
above all, is decided in `shoal.documents`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from shoal.documents import Catalog, Changes, changes, load, merge
from shoal.engine.belonging import withheld_targets
from shoal.engine.fleet import FleetFiles, FleetReader
from shoal.engine.fleet_memory import (
    FLEET_LEAVING,
    FLEET_LET_GO,
    FLEET_NAME,
    FLEET_ORIGINS,
    encode_leaving,
    encode_let_go,
    encode_origins,
)
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.shrinking import Shrinking, identity_of
from shoal.engine.state import EngineState
from shoal.errors import ShoalError
from shoal.hooks.host import ThreadRunner
from shoal.model.choice import Seams
from shoal.model.identity import Ref, TargetKey
from shoal.model.phrases import counted
from shoal.model.records import Deed, Verdict
from shoal.planning.leaving import Leaving, leaving

# A folder that is being written is looked at again soon: it settles within seconds.
UNSETTLED_RETRY = timedelta(milliseconds=250)
# How often a fleet is looked at when nothing announces a change; jittered.
FOLDER_INTERVAL = timedelta(seconds=1)
REPOSITORY_INTERVAL = timedelta(seconds=10)


@dataclass(slots=True)
class Cataloguing:
    """Keeps the catalog equal to the fleet's documents. `jitter` gives a number in [0, 1).

    `interval` is asked anew each time: how often to look when nothing announces a change.
    """

    state: EngineState
    recording: Recording
    shrinking: Shrinking
    reader: FleetReader
    seams: Seams
    interval: Callable[[], timedelta]
    run_in_thread: ThreadRunner
    jitter: Callable[[], float]
    _let_go: str = ""  # as it was stored last
    _is_invalid: bool = False  # as it was recorded last

    async def work(self, key: str, request: Request) -> None:
        """One look at the fleet."""
        fleet, began_at = self.state.fleet, self.state.now()
        try:
            files = await self.reader.read(fleet.files)
            if files is not None:
                if files is not fleet.files or self.shrinking.is_released():
                    await self._read(files, min(request.priority, Priority.REVISION))
                fleet.looked_at = began_at
                fleet.error = None
                await self._recovered()
        except ShoalError as error:
            await self._failed(error)
            files, fleet.looked_at = fleet.files, began_at
        self._follow_staleness()
        wait = UNSETTLED_RETRY if files is None else self.interval() * (0.9 + 0.2 * self.jitter())
        self.state.fleet_queue.wake(
            key, self.state.now() + wait, Request(Priority.RECHECK, "interval")
        )

    def _follow_staleness(self) -> None:
        """Since when something counts although it cannot be read."""
        fleet, catalog = self.state.fleet, self.state.catalog
        if catalog is None:
            is_stale = bool(fleet.remembered) and (fleet.error or fleet.files) is not None
        else:
            withheld = {identity_of(each) for each in fleet.withheld}
            is_unread = bool(catalog.stale or catalog.unknown.keys() - withheld)
            is_stale = fleet.error is not None or catalog.is_kept or is_unread
        if not is_stale:
            if fleet.stale_since is not None:
                self.shrinking.removing.look_again()
            fleet.stale_since = None
        elif fleet.stale_since is None:
            fleet.stale_since = self.state.now()

    async def _recovered(self) -> None:
        """Everything can be read, and it was recorded that something could not."""
        is_whole = not self.state.fleet.problems and self.state.catalog is not None
        if self._is_invalid and is_whole:
            self._is_invalid = False
            await self.recording.mention(Deed.FLEET_RECOVERED, "fleet")

    async def _failed(self, error: ShoalError) -> None:
        """Nothing is taken away; said once."""
        before, self.state.fleet.error = self.state.fleet.error, error
        if before is None or str(before) != str(error):
            self._is_invalid = True
            await self.recording.mention(
                Deed.FLEET_INVALID,
                "fleet",
                {"reason": error.reason, "next_step": error.next_step},
                why=error.message,
                verdict=Verdict.FAILED,
            )

    async def _read(self, files: FleetFiles, priority: Priority) -> None:
        fleet, previous = self.state.fleet, self.state.catalog
        loaded = await self.run_in_thread(load, files.files, self.seams)
        remembered = fleet.remembered if previous is None else None
        catalog = merge(previous, loaded, remembered, fleet.name)
        problems = catalog.problems if catalog is not None else loaded.problems
        if problems and problems != fleet.problems:
            self._is_invalid = True
            await self.recording.note(
                who=files.provenance.author or "unknown",
                what=Deed.FLEET_INVALID,
                why=f"{counted(len(problems), 'problem')}; what they concern stays as it was",
                subject="fleet",
                verdict=Verdict.PARTIAL if catalog is not None else Verdict.FAILED,
                revision=files.revision,
                body={"problems": [str(problem) for problem in problems[:20]]},
            )
        fleet.problems, fleet.warnings = problems, loaded.warnings
        if catalog is not None:
            withheld = withheld_targets(self.state)
            catalog = await self.shrinking.settle(previous, catalog, loaded)
            await self._adopt(previous, catalog, files, priority)
            self._wake_targets(withheld ^ withheld_targets(self.state))
            await self.shrinking.took_effect()
        fleet.files, fleet.loaded_at = files, self.state.now()

    async def _adopt(
        self, previous: Catalog | None, catalog: Catalog, files: FleetFiles, priority: Priority
    ) -> None:
        """Make it the catalog, once it is stored which file each document came from."""
        difference, let_go = changes(previous, catalog), encode_let_go(self.state.fleet.let_go)
        if not difference and previous is not None and let_go == self._let_go:
            self.state.catalog = catalog
            return
        origins = {identity: origin.file for identity, origin in catalog.origins.items()}
        leaving_now = self._leaving(catalog)
        await self.recording.catalogued(
            {
                FLEET_NAME: catalog.fleet,
                FLEET_ORIGINS: encode_origins({**catalog.unknown, **origins}),
                FLEET_LEAVING: encode_leaving(leaving_now),
                FLEET_LET_GO: let_go,
            },
            who=files.provenance.author or "unknown",
            why=files.provenance.subject,
            revision=files.revision,
            body={
                "clusters": len(catalog.clusters),
                "sources": len(catalog.sources),
                "applications": len(catalog.applications),
            },
        )
        self.state.catalog, self.state.fleet.leaving = catalog, leaving_now
        self._let_go = let_go
        self._wake(catalog, difference, priority, first=previous is None)

    def _wake_targets(self, targets: Iterable[TargetKey]) -> None:
        """These are withheld from now on, or not any more."""
        for application in sorted({key.application for key in targets}):
            request = Request(Priority.REVISION, "what is withheld changed")
            self.state.application_queue.add(application, request)

    def _leaving(self, catalog: Catalog) -> dict[Ref, Leaving]:
        """How each application leaves, also those that are on their way or cannot be read now."""
        there = {key.application for key in self.state.targets}
        known = {ref: each for ref, each in self.state.fleet.leaving.items() if ref in there}
        said = {ref: leaving(each.spec.sync) for ref, each in catalog.applications.items()}
        return {**known, **said}

    def _wake(
        self, catalog: Catalog, difference: Changes, priority: Priority, *, first: bool
    ) -> None:
        state, request = self.state, Request(priority, "the fleet changed")
        clusters = difference.clusters
        for name in sorted(clusters.added | clusters.changed | clusters.removed):
            state.cluster_queue.add(name, request)
        for name in clusters.added:
            # What was ours there when the cluster was let go, also of applications that went since.
            for key in state.inventory(name).targets():
                state.target(key)
        gone = state.sources.keys() - catalog.sources.keys()  # also while nothing ran
        for source in sorted(difference.sources.added | difference.sources.changed | gone):
            state.source_queue.add(source, request)
        applications = difference.applications
        woken = set(applications.added | applications.changed | applications.removed)
        if clusters:
            woken |= set(catalog.applications)
        if applications:
            # One that came, went or waits for others now may be what these wait for, or a circle.
            woken |= {ref for ref, each in catalog.applications.items() if each.dependencies}
        if clusters or first:
            # What was there before a restart and has no document any more was removed meanwhile.
            woken |= {key.application for key in state.targets}
        for application in sorted(woken):
            state.application_queue.add(application, request)
