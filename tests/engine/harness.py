"""The whole engine in one process, with fakes at every seam: documents, a source, clusters.

Everything between the seams is the real thing, wired as `composition` wires it; only the store is a
list. Made for virtual time: nothing here uses a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.faulty_target import FaultyTarget
from tests.engine.virtual_time import now
from tests.engine.wiring import Wiring

from shoal.engine.controller import Controller
from shoal.engine.state import EngineState
from shoal.engine.views.applications import ApplicationView, TargetPhase, TargetView
from shoal.engine.views.changes import HoldView
from shoal.engine.views.clusters import ClusterView
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.records import Deed, Entry
from shoal.testing.fake_cluster import FakeCluster

T = TypeVar("T")
SOURCE = Ref("default", "apps")
WITHIN_SECONDS = 20 * 60.0  # virtual ones; longer than any back-off


@dataclass
class EngineUnderTest(Wiring):
    """A fleet of fakes, and the engine over it while `running`."""

    _controller: Controller | None = None

    def __post_init__(self) -> None:
        self.documents.write("Fleet", "test")
        self.documents.write("Source", SOURCE.name, {"memory": {}, "interval": "1s"})
        self.declare_application("shop")
        for name in self.clusters:
            self.declare_cluster(name)

    def declare_cluster(
        self,
        name: str,
        to: str | None = None,
        *,
        values: Mapping[str, Any] | None = None,
        **labels: str,
    ) -> None:
        access = {"fake": {"to": name if to is None else to}}
        spec = {"access": access, "values": values or {}}
        self.documents.write("Cluster", name, spec, labels=labels)

    def let_go(self, name: str) -> None:
        del self.documents.files[f"Cluster-{name}.yaml"]

    def let_grace_last(self, period: str) -> None:
        """How long what was removed is kept; short where only its end is the point."""
        self.documents.write("Fleet", "test", {"removalGracePeriod": period})

    def remove_application(self, name: str) -> None:
        del self.documents.files[f"Application-{name}.yaml"]

    def declare_application(self, name: str, **spec: Any) -> None:
        source = {"ref": SOURCE.name, "path": name}
        everywhere = {"source": source, "placement": {"clusterSelector": {}}}
        self.documents.write("Application", name, {**everywhere, **spec})

    def declare_alert(self, name: str = "on-call", **spec: Any) -> None:
        self.documents.write("Alert", name, {"to": [{"noting": {}}], **spec})

    def restart(self) -> None:
        """The process has ended: what was only in memory is gone, and the disk is as it was."""
        assert self._controller is None, "the engine is running"
        self.state, self.store = EngineState(now), MemoryStore(self.store.disk)

    @property
    def controller(self) -> Controller:
        assert self._controller is not None, "the engine is not running"
        return self._controller

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._controller = self.assembled()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._controller.run)
            yield
            tasks.cancel_scope.cancel()
        self._controller = None

    # -- what a test looks at --------------------------------------------------------------------

    def cluster(self, name: str) -> ClusterView:
        (view,) = (each for each in self.controller.clusters() if each.name == name)
        return view

    def target(self, cluster: str, application: str = "shop") -> TargetView:
        key = (application, cluster)
        (view,) = (
            each for each in self.controller.targets() if (each.application, each.cluster) == key
        )
        return view

    def application(self, name: str = "shop") -> ApplicationView:
        return next(each for each in self.controller.applications() if each.name == name)

    def ref(self, name: str) -> Ref:
        return Ref("default", name)

    async def until(self, holds: Callable[[], T], what: str) -> T:
        """Wait, in virtual time, for a fact; says what was waited for, and what was there."""
        with anyio.move_on_after(WITHIN_SECONDS):
            while True:
                found = holds()
                if found:
                    return found
                await anyio.sleep(0.01)
        seen = [*self.controller.targets(), *self.controller.clusters()]
        raise AssertionError(f"not seen: {what}\n" + "\n".join(map(str, seen)))

    async def until_phase(
        self, phase: TargetPhase, *clusters: str, application: str = "shop"
    ) -> None:
        def holds() -> bool:
            known = {
                each.cluster: each
                for each in self.controller.targets()
                if each.application == application
            }
            views = [known.get(name) for name in clusters or self.clusters]
            return all(view is not None and view.phase is phase for view in views)

        await self.until(holds, f"{application} {phase} on {', '.join(clusters or self.clusters)}")

    async def until_held(self, cause: str, *clusters: str) -> list[HoldView]:
        """Wait until each of these clusters (all of them) has such a hold; sorted by subject."""
        names = clusters or tuple(self.clusters)

        def found() -> list[HoldView] | None:
            holds = [each for each in self.controller.holds() if each.cause == cause]
            there = {each.subject.rpartition("@")[2] for each in holds}
            return sorted(holds, key=lambda each: each.subject) if there >= set(names) else None

        holds = await self.until(found, f"{cause} on {', '.join(names)}")
        assert holds is not None
        return holds

    async def until_synced(self, revision: str, *clusters: str) -> None:
        def holds() -> bool:
            # A target is there as soon as its application was decided.
            known = {view.cluster: view for view in self.controller.targets()}
            views = [known.get(name) for name in clusters or self.clusters]
            return all(
                view is not None and view.phase is TargetPhase.SYNCED and view.revision == revision
                for view in views
            )

        await self.until(holds, f"revision {revision} on {', '.join(clusters or self.clusters)}")

    async def until_cluster(
        self, name: str, holds: Callable[[ClusterView], Any], what: str
    ) -> ClusterView:
        """Wait for a fact about one cluster, which may have to be declared first."""

        def found() -> ClusterView | None:
            views = (view for view in self.controller.clusters() if view.name == name)
            return next((view for view in views if holds(view)), None)

        seen = await self.until(found, f"{name} {what}")
        assert seen is not None
        return seen

    async def until_away(self, name: str) -> ClusterView:
        return await self.until_cluster(name, lambda view: view.reachable != "True", "is away")

    async def until_circuit(self, name: str, circuit: str) -> ClusterView:
        return await self.until_cluster(name, lambda view: view.circuit == circuit, circuit)

    async def until_recorded(self, deed: Deed, *, count: int = 1) -> list[Entry]:
        await self.until(lambda: len(self.store.recorded(deed)) >= count, f"{count} {deed}")
        return self.store.recorded(deed)


def make_engine(folder: Path, *names: str) -> EngineUnderTest:
    """An engine over a fake cluster per name, with one Application `shop`."""
    clusters = {name: FakeCluster(name, uid=f"uid-of-{name}") for name in names}
    return EngineUnderTest(folder, FaultyTarget(*clusters.values()), clusters)


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(name: str = "web", **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}}


def config_maps(count: int, **data: str) -> dict[str, Any]:
    """So many manifests of application `shop`, by the name that `commit` takes."""
    return {f"shop__m{number}": config_map(f"m{number}", **data) for number in range(count)}


def key_of(name: str = "settings", kind: str = "ConfigMap") -> ObjectKey:
    return ObjectKey("apps" if kind == "Deployment" else "", kind, "default", name)


def target_key(cluster: str, application: str = "shop") -> TargetKey:
    return TargetKey(Ref("default", application), cluster)


def data_in(cluster: FakeCluster, name: str = "settings") -> Mapping[str, str]:
    """The data of a ConfigMap as it is in the cluster; empty when it is not there."""
    found = cluster.objects.get(key_of(name))
    return found.body["data"] if found else {}


def with_another_database(engine: EngineUnderTest, store: MemoryStore) -> EngineUnderTest:
    """The next engine over the same clusters, documents and source, that remembers this."""
    return EngineUnderTest(
        engine.folder,
        FaultyTarget(*engine.clusters.values()),
        engine.clusters,
        source=engine.source,
        documents=engine.documents,
        store=store,
    )


def after_it_lost_its_database(engine: EngineUnderTest) -> EngineUnderTest:
    """The next engine, that remembers nothing."""
    return with_another_database(engine, MemoryStore())
