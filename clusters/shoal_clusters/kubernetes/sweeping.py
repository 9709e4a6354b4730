"""Sweeping: every object of a cluster that carries the marks of the fleet, kind by kind.

Asked when the inventory may have holes. Watches see the kinds that the inventory names; what was
lost with it may be of any other: a custom resource whose operator is gone, a cluster role. So each
kind that the cluster serves is listed once, by label and as metadata alone, in pages, one request
after the other. What is found and has no row is watched from then on, so that nothing that happens
to it goes unseen.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import anyio.lowlevel
import msgspec
import orjson

from shoal.errors import ForbiddenByCluster, ServerBusy, ShoalError
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.sweeps import Marked, Swept
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.kubernetes.covering import MOST_NAMESPACES
from shoal_clusters.kubernetes.discovering import Catalogue, Discovery, Resource
from shoal_clusters.kubernetes.glancing import PAGE, T, read, read_page, read_seen
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.register import Register
from shoal_clusters.kubernetes.requesting import as_metadata
from shoal_clusters.kubernetes.surveying import Watches
from shoal_clusters.transport import Answer, Transport

_METADATA = as_metadata("PartialObjectMetadataList")
_AT_ONCE = 25
"""Objects read without giving way, as in a watch."""


class Sweeper(NamedTuple):
    """What a sweep is made with."""

    transport: Transport
    discovery: Discovery
    register: Register
    observer: Observer
    watches: Watches
    selector: str

    async def sweep(self, swept: Collection[GroupKind]) -> AsyncIterator[Swept]:
        """All kinds that are not in `swept`, with what is marked as ours."""
        catalogue = await self.discovery.refreshed(at_once=True)
        resources = _listable(catalogue)
        count = len(resources) + len(catalogue.stale)
        for group in sorted(catalogue.stale):
            error = ServerBusy(
                f"cluster {self.transport.cluster} does not say what it serves in {group}"
            )
            yield Swept(GroupKind(group, ""), count, error=error)
        for resource in resources:
            if resource.group_kind in swept:
                continue
            try:
                async with aclosing(self._pages(resource, resource.root)) as pages:
                    async for found, is_last in pages:
                        yield Swept(resource.group_kind, count, found, is_whole=is_last)
            except ForbiddenByCluster as error:
                for namespace in sorted(self.register.namespaces())[:MOST_NAMESPACES]:
                    found = await self._seen_in(resource, namespace)
                    yield Swept(resource.group_kind, count, found)
                yield Swept(resource.group_kind, count, error=error)
            except _Failed as failure:
                yield Swept(resource.group_kind, count, error=failure.error)

    async def _seen_in(self, resource: Resource, namespace: str) -> tuple[Marked, ...]:
        """What is in one namespace, of a kind that may not be listed over all of them."""
        found: list[Marked] = []
        if resource.is_namespaced:
            try:
                async for page, _ in self._pages(resource, resource.in_namespace(namespace)):
                    found += page
            except (ForbiddenByCluster, _Failed):
                pass  # the kind counts as not swept anyway, and is asked for again
        return tuple(found)

    async def _pages(
        self, resource: Resource, root: str
    ) -> AsyncGenerator[tuple[tuple[Marked, ...], bool], None]:
        query = {"labelSelector": self.selector, "limit": str(PAGE)}
        while True:
            answer = await self.transport.request("GET", root, query=query, accept=_METADATA)
            self._refuse(answer, resource)
            page = self._read(read_page, answer.body, resource)
            yield await self._marked(resource, page.items or ()), not page.metadata.next
            if not page.metadata.next:
                return
            query["continue"] = page.metadata.next

    def _refuse(self, answer: Answer, resource: Resource) -> None:
        if answer.status == 200:
            return
        where = f"{resource.plural} on cluster {self.transport.cluster}"
        if answer.status == 403:
            raise ForbiddenByCluster(
                f"{where} may not be listed over all namespaces",
                next_step=f"grant list on {resource.plural}; see `shoal cluster rbac --sweep`",
            )
        said = meaning(
            answer.status, answer.body, key=None, cluster=self.transport.cluster, verb="list"
        )
        message = f"{where} could not be listed ({answer.status}): {said.message}"
        raise _Failed(ServerBusy(message, after_seconds=answer.after_seconds))

    def _read(self, decode: Callable[[bytes], T], text: bytes, resource: Resource) -> T:
        try:
            return read(decode, text, of=resource, cluster=self.transport.cluster)
        except ServerBusy as error:
            raise _Failed(error) from error

    async def _marked(self, resource: Resource, items: Iterable[msgspec.Raw]) -> tuple[Marked, ...]:
        found: list[Marked] = []
        for count, raw in enumerate(items, 1):
            glance = self._read(read_seen, raw, resource).metadata
            live: Mapping[str, Any] = self._read(orjson.loads, bytes(raw), resource)
            key = ObjectKey(*resource.group_kind, glance.namespace, glance.name)
            seen = self.observer.swept(key, live)
            if seen is not None and not seen.is_kept:
                found.append(Marked(key, seen.uid, seen.application))
                self.register.expect(TargetKey(seen.application, self.transport.cluster), (key,))
            if count % _AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        if any(self.register.row(each.key) is None for each in found):
            self.watches.begin_any(resource)
        return tuple(found)


class _Failed(Exception):
    """One kind could not be listed; the others can."""

    def __init__(self, error: ShoalError) -> None:
        super().__init__(error.message)
        self.error = error


def _listable(catalogue: Catalogue) -> list[Resource]:
    """One resource per kind, in the version the server prefers: each version has all objects.

    What stands in a group that is stale just now cannot be listed whole.
    """
    kinds = {resource.group_kind for resource in catalogue}
    found = (catalogue.preferred(kind) for kind in kinds if kind.group not in catalogue.stale)
    return sorted(filter(None, found))
