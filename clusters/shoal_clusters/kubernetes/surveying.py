"""Surveying: the watches of one session, and what their first lists say before anything is created.

A kind is watched from the moment its first object is about to be written, or from the start of the
session when the inventory names it. The list that every watch begins with shows what carries our
marks already, so that after the loss of an inventory an object costs one apply, and no edit falls
between a first write and the watch. It costs one list in pages and one watch per resource.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio
import structlog
from anyio.abc import TaskGroup

from shoal.errors import Retryable, ShoalError
from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.covering import Coverage, Source
from shoal_clusters.kubernetes.discovering import Catalogue, Discovery, Resource
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.register import Kind, Register
from shoal_clusters.transport import Transport

_RETRY_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Watches:
    """The watches of one session: one per resource, in the session's own task group."""

    def __init__(
        self,
        transport: Transport,
        discovery: Discovery,
        register: Register,
        observer: Observer,
        selector: str,
        tasks: TaskGroup,
    ) -> None:
        self._transport = transport
        self._discovery = discovery
        self._register = register
        self._tasks = tasks
        self._source = Source(transport, register, observer, selector, tasks)
        self._covered: dict[Resource, Coverage] = {}
        observer.list_all_again = self._list_all_again

    def start(self) -> None:
        """Begin to watch what the inventory names."""
        self._tasks.start_soon(self._watch_inventory)

    def begin(self, resource: Resource, namespace: str = "") -> None:
        """Watch this resource until the session ends, and what is about to be in a namespace."""
        coverage = self._covered.get(resource)
        if coverage is None:
            coverage = self._covered[resource] = Coverage(self._source, resource)
            coverage.begin()
        if namespace:
            coverage.reach(namespace)

    def begin_any(self, resource: Resource) -> None:
        """Watch its kind, in this version unless it is watched in another one already."""
        kind = resource.group_kind
        if not any(covered.group_kind == kind for covered in self._covered):
            self.begin(resource)

    def list_again(self, kinds: Iterable[GroupKind]) -> None:
        """List these kinds again, each with one request per page."""
        wanted = frozenset(kinds)
        for resource, coverage in self._covered.items():
            if resource.group_kind in wanted:
                coverage.list_again()

    def _list_all_again(self) -> None:
        for coverage in self._covered.values():
            coverage.list_again()

    async def surveyed(self, resource: Resource, namespace: str) -> None:
        """Watch it, and wait for the end of the first list that the namespace is in.

        A list that fails ends the wait too: what may then be there already is found by the answer
        to a create.
        """
        self.begin(resource)
        await self._covered[resource].until_surveyed(namespace)

    @property
    def limits(self) -> tuple[str, ...]:
        """What the credential does not allow to be watched, in sentences."""
        found = (self._covered[resource].limit for resource in sorted(self._covered))
        return tuple(filter(None, found))

    @property
    def stale(self) -> tuple[str, ...]:
        """What is not seen at the moment, in sentences: each watch that is down for a while."""
        found: dict[str, None] = {}
        for resource in sorted(self._covered):
            found |= dict.fromkeys(self._covered[resource].troubles)
        return tuple(found)

    async def _watch_inventory(self) -> None:
        """Watch every kind of the inventory, as soon as the cluster says what it serves."""
        kinds = await self._register.kinds()
        while kinds:
            try:
                catalogue = await self._discovery.current()
            except Retryable:
                await anyio.sleep(_RETRY_SECONDS)
                continue
            except ShoalError as error:
                log.warning("nothing is watched", cluster=self._transport.cluster, error=str(error))
                return
            self._begin_all(catalogue, kinds)
            return

    def _begin_all(self, catalogue: Catalogue, kinds: Iterable[Kind]) -> None:
        for kind in sorted(kinds):
            # What was applied in one version is judged in that one: fields have other names, and
            # other defaults, in another.
            exact = catalogue.resource(kind.group, kind.version, kind.kind)
            resource = exact or catalogue.preferred(GroupKind(kind.group, kind.kind))
            if resource is None:
                log.warning(
                    "kind is not served",
                    cluster=self._transport.cluster,
                    kind=str(GroupKind(kind.group, kind.kind)),
                )
            else:
                self.begin(resource)
