"""Surveying: the watches of one session, and what their first lists say before anything is created.

A kind is watched from the moment its first object is about to be written, or from the start of the
session when the inventory names it. The list that every watch begins with shows what carries our
marks already, so that after the loss of an inventory an object costs one apply, and no edit falls
between a first write and the watch. It costs one list in pages and one watch per resource.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import anyio
import structlog
from anyio.abc import TaskGroup

from shoal.errors import Retryable, ShoalError
from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.discovering import Catalogue, Discovery, Resource
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.register import Kind, Register
from shoal_clusters.kubernetes.watching import Watch
from shoal_clusters.transport import Transport

CLAIM_SECONDS = 60.0
"""Objects that stay unclaimed for this long are reported: a recovery claims some 200 a second."""
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
        self._observer = observer
        self._selector = selector
        self._tasks = tasks
        self._watches: dict[Resource, Watch] = {}

    def start(self) -> None:
        """Begin to watch what the inventory names, and to report what nobody claims."""
        self._tasks.start_soon(self._watch_inventory)
        self._tasks.start_soon(self._report_unclaimed)

    def begin(self, resource: Resource) -> None:
        """Watch this resource until the session ends; does nothing when it is watched already."""
        if resource in self._watches:
            return
        watch = Watch(
            self._transport, resource, self._selector, self._observer, clock=time.monotonic
        )
        self._watches[resource] = watch
        self._tasks.start_soon(watch.run)

    def list_again(self, kinds: Iterable[GroupKind]) -> None:
        """List these kinds again, each with one request per page."""
        wanted = frozenset(kinds)
        for resource, watch in self._watches.items():
            if resource.group_kind in wanted:
                watch.list_again()

    async def surveyed(self, resource: Resource) -> None:
        """Watch it, and wait for the end of its first list.

        A list that fails ends the wait too: what may then be there already is found by the answer
        to a create.
        """
        self.begin(resource)
        await self._watches[resource].until_surveyed()

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

    async def _report_unclaimed(self) -> None:
        """Name the kinds whose objects carry our marks and are claimed by no application.

        Once for each number that two looks agree on: while a recovery goes on, it falls.
        """
        before: Counter[GroupKind] = Counter()
        told: Counter[GroupKind] = Counter()
        while True:
            await anyio.sleep(CLAIM_SECONDS)
            now = Counter(key.group_kind for key in self._register.unclaimed)
            for kind in sorted(now):
                if before[kind] == now[kind] != told[kind]:
                    told[kind] = now[kind]
                    log.warning(
                        "objects carry our marks and belong to no application; they are left alone",
                        cluster=self._transport.cluster,
                        kind=str(kind),
                        count=now[kind],
                    )
            before = now
