"""Appearing: kinds that a cluster did not serve, or did not speak of, and does now.

An object whose kind is not served is tried again with back-off, minutes apart in the end. So that
nobody waits for that, definitions and API services are watched, as metadata, for as long as some
object is missing its kind; when they change, discovery is read again and whoever missed a kind is
told. While a cluster does not say all that it serves, it is asked again every minute. When nothing
is missing and nothing is stale, no request is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import anyio
import structlog

from shoal.errors import ShoalError
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.sightings import Sighting
from shoal_clusters.kubernetes.discovering import Discovery
from shoal_clusters.kubernetes.pausing import jittered
from shoal_clusters.kubernetes.register import Outbox
from shoal_clusters.kubernetes.requesting import as_metadata
from shoal_clusters.kubernetes.surveying import Watches
from shoal_clusters.transport import Transport

_PATHS = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    # Of another server: a group comes with its APIService.
    "/apis/apiregistration.k8s.io/v1/apiservices",
)
_ACCEPT = as_metadata("PartialObjectMetadata")
_LOOKS_AFTER = (0.5, 1.0, 2.0, 4.0, 8.0)
"""A definition is there before it is served: established first, then found by discovery."""

_WATCH_SECONDS = 480
_PAUSE_SECONDS = 5.0
_REFUSED_SECONDS = 300.0
STALE_SECONDS = 60.0

log = structlog.get_logger(__name__)
Missing = Mapping[ObjectKey, frozenset[str]]
"""Objects whose kind is not served, and the versions of it that are."""


class Appearing:
    """Waits for kinds, in the session's own task group."""

    def __init__(
        self, transport: Transport, discovery: Discovery, watches: Watches, outbox: Outbox
    ) -> None:
        self._transport = transport
        self._discovery = discovery
        self._watches = watches
        self._outbox = outbox
        self._missing: dict[TargetKey, Missing] = {}
        self._is_wanted = anyio.Event()
        self._changed = anyio.Event()

    def misses(self, target: TargetKey, keys: Iterable[ObjectKey]) -> None:
        """These objects of a target cannot be written, for their kind is not served; all of it."""
        found = {key: self._discovery.versions(key.group_kind) for key in keys}
        if found:
            self._missing[target] = found
            self._is_wanted.set()
        else:
            self._missing.pop(target, None)

    async def run(self) -> None:
        """Never ends by itself."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until_fresh)
            while True:
                await self._is_wanted.wait()
                async with anyio.create_task_group() as watching:
                    for path in _PATHS:
                        watching.start_soon(self._watch, path)
                    await self._look()
                    watching.cancel_scope.cancel()
                self._is_wanted = anyio.Event()

    async def _look(self) -> None:
        """Return once nothing is missing any more."""
        while self._missing:
            await self._changed.wait()
            self._changed = anyio.Event()
            for seconds in _LOOKS_AFTER:
                await anyio.sleep(seconds)
                if await self._refreshed() and self._tell():
                    break

    async def _refreshed(self) -> bool:
        try:
            await self._discovery.refreshed(at_once=True)
        except ShoalError as error:
            log.debug("discovery failed", cluster=self._transport.cluster, error=str(error))
            return False
        return True

    def _tell(self) -> bool:
        """Tell every target of which a kind has come, or is served in other versions now."""
        come = {
            target: key
            for target, missing in self._missing.items()
            for key, versions in missing.items()
            if self._discovery.versions(key.group_kind) != versions
        }
        for target, key in come.items():
            del self._missing[target]
            self._outbox.put(Sighting(target, key, datetime.now(UTC), is_served=True))
            # Its watch waits for minutes, if the kind was there before and went.
            self._watches.list_again([key.group_kind])
        return bool(come)

    async def _watch(self, path: str) -> None:
        """Note each change. Each begin tells all that is there, so that nothing is missed."""
        while True:
            pause = _PAUSE_SECONDS
            try:
                async with self._transport.stream(
                    path,
                    query={"watch": "true", "timeoutSeconds": str(_WATCH_SECONDS)},
                    deadline_seconds=_WATCH_SECONDS + 30,
                    accept=_ACCEPT,
                ) as (answer, lines):
                    async for _ in lines:
                        self._changed.set()
                    if answer.status in (403, 404):
                        pause = _REFUSED_SECONDS
            except ShoalError as error:
                log.debug("watch interrupted", cluster=self._transport.cluster, error=str(error))
            await anyio.sleep(jittered(pause))

    async def _until_fresh(self) -> None:
        """Ask again while the cluster does not say all that it serves."""
        while True:
            await anyio.sleep(jittered(STALE_SECONDS))
            if self._discovery.stale and await self._refreshed():
                self._tell()
