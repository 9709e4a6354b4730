"""The loop of clusters: key = name. One supervisor per Cluster document, each its own bulkhead.

A supervisor opens one connection after the other (`connections`). Connecting is apart from
reconciling: a cluster that is away holds no slot, its targets wait in its queue and are shown as
Unknown. Here supervisors are started, started anew when their document changed, and ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from shoal.engine.connections import Connections
from shoal.engine.identifying import cluster_subject
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recording import Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.errors import InvalidDocument
from shoal.model.documents import Cluster
from shoal.model.records import Deed
from shoal.planning.circuits import TIMING, Circuit, Timing


@dataclass(slots=True)
class _Scope:
    """One running supervisor."""

    document: Cluster
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True)
class Clusters:
    """Starts, restarts and ends supervisors."""

    state: EngineState
    recording: Recording
    connections: Connections
    timing: Timing = TIMING
    _scopes: dict[str, _Scope] = field(default_factory=dict)

    async def run(self) -> None:
        """Serve the queue of clusters, with the supervisors beside it; never ends by itself."""
        async with anyio.create_task_group() as tasks:

            async def work(name: str, request: Request) -> None:
                await self._reconcile(tasks, name, request)

            await serve(self.state.cluster_queue, work)

    async def _reconcile(self, tasks: TaskGroup, name: str, request: Request) -> None:
        """Make the supervisor of one name fit its document."""
        catalog = self.state.catalog
        document = catalog.clusters.get(name) if catalog else None
        scope = self._scopes.get(name)
        if scope is not None and (document is None or scope.document.spec != document.spec):
            await self._end(name, scope)
            scope = None
        if document is None:
            await self._let_go(name)
            return
        cluster = self.state.cluster(document)
        cluster.document = document
        if scope is None:
            self._start(tasks, cluster, document)
        elif request.priority is Priority.USER:
            cluster.alarm.set()

    def _start(self, tasks: TaskGroup, cluster: ClusterState, document: Cluster) -> None:
        """A new document is a new beginning: no back-off and no error of the one before counts."""
        cluster.circuit = Circuit.new(self.state.now(), self.timing)
        cluster.error, cluster.told, cluster.since = None, "", None
        scope = self._scopes[cluster.name] = _Scope(document)
        tasks.start_soon(self._supervise, cluster, scope)

    async def _end(self, name: str, scope: _Scope) -> None:
        scope.cancel.cancel()
        await scope.ended.wait()
        self._scopes.pop(name, None)

    async def _let_go(self, name: str) -> None:
        """No document any more: nothing is deleted there, and nothing is watched."""
        if self.state.clusters.pop(name, None) is None:
            return
        for other in self.state.clusters.values():
            # It may have been refused because its cluster had this name already.
            if isinstance(other.error, InvalidDocument):
                other.alarm.set()
        await self.recording.mention(
            Deed.CLUSTER_LET_GO,
            cluster_subject(name),
            why="its document was removed; nothing was deleted on it",
        )

    async def _supervise(self, cluster: ClusterState, scope: _Scope) -> None:
        renewal = self.connections.renewal()
        try:
            with scope.cancel:
                while True:
                    await self.connections.keep(cluster, renewal)
                    await self.connections.rest(cluster, renewal)
        finally:
            cluster.is_connected = False
            scope.ended.set()
