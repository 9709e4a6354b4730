"""One life of the controller: from its start to the moment it is killed, at any await.

A killed process leaves what was committed, and what was sent. Its tasks are cancelled, as tasks
must be, but nothing that they do then reaches the disk or a cluster any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio
from tests.engine.fakes import FakeAccess, FakeGate, FakeRenderer
from tests.engine.harness import EngineUnderTest
from tests.engine.virtual_time import now
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.fleet import Documents
from tests.simulation.git import Git
from tests.simulation.observed import Sent
from tests.simulation.receiver import Place, SimulatedNotifier
from tests.simulation.session import SimulatedTarget
from tests.simulation.store import SimulatedStore

from shoal.engine.cataloguing import REPOSITORY_INTERVAL
from shoal.engine.controller import Controller
from shoal.engine.state import EngineState
from shoal.errors import StoreUnavailable
from shoal.model.alerts import Batch
from shoal.model.plans import Change, Desired
from shoal.testing.fake_cluster import FakeObject


@dataclass
class Process:
    """A controller that runs, or has run."""

    number: int
    store: SimulatedStore
    controller: Controller
    state: EngineState
    started_at: float
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    died: anyio.Event = field(default_factory=anyio.Event)
    is_alive: bool = True
    ended: BaseException | None = None

    async def run(self) -> None:
        """Until it is killed, or ends because its database cannot be written at the start."""
        with self.scope:
            try:
                await self.controller.run()
            except StoreUnavailable as error:
                self.ended = error
            except Exception as error:  # whatever ends a controller is a bug of ours
                if self.is_alive:
                    self.ended = error
        self.is_alive = self.store.is_alive = False

    def kill(self) -> None:
        """From now on nothing of it reaches anything."""
        self.is_alive = self.store.is_alive = False
        self.died.set()
        self.scope.cancel()


class Observer(Protocol):
    """Is told of what the controller does."""

    def told(self, life: int, cluster: SimulatedCluster, uid: str) -> None:
        """A probe was answered."""
        ...

    def sends(self, life: int, cluster: SimulatedCluster, change: Change, desired: Desired) -> Sent:
        """A write is about to be sent."""
        ...

    def arrived(
        self,
        cluster: SimulatedCluster,
        sent: Sent,
        before: FakeObject | None,
        after: FakeObject | None,
    ) -> None:
        """A write was carried out."""
        ...

    def has_swept(self, life: int, cluster: str) -> None:
        """Every kind of a cluster was listed, or tried."""
        ...

    def crosses(self, life: int) -> None:
        """A message is between the controller and the world."""
        ...

    def told_outside(self, life: int, place: str, batch: Batch) -> None:
        """A message was taken."""
        ...


@dataclass
class Watcher:
    """Tells an observer what one process does."""

    observer: Observer
    process: Process | None = None

    @property
    def life(self) -> int:
        """Which process it is."""
        return self.process.number if self.process else 0

    @property
    def is_alive(self) -> bool:
        """Whether the process may do anything."""
        return self.process is None or self.process.is_alive


def make_process(
    number: int,
    *,
    folder: Path,
    store: SimulatedStore,
    documents: Documents,
    git: Git,
    access: FakeAccess,
    gate: FakeGate,
    renderer: FakeRenderer,
    clusters: dict[str, SimulatedCluster],
    places: dict[str, Place],
    watcher: Watcher,
    jitter: Callable[[], float],
) -> Process:
    """A controller over the world as it is, with no memory but what is on the disk."""
    state = EngineState(now)
    engine = EngineUnderTest(
        folder,
        SimulatedTarget(clusters, watcher, now),  # type: ignore[arg-type]  # no bugs to count
        {},
        access=access,
        source=git,  # type: ignore[arg-type]  # another fake of the same seam
        store=store,  # type: ignore[arg-type]
        state=state,
        renderer=renderer,
        gate=gate,
        notifier=SimulatedNotifier(places, watcher),  # type: ignore[arg-type]  # the same seam
        jitter=jitter,
        interval=REPOSITORY_INTERVAL,
    )
    engine.documents = documents  # type: ignore[assignment]
    process = Process(number, store, engine.assembled(), state, anyio.current_time())
    watcher.process = process
    return process
