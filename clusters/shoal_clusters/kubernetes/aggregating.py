"""Aggregating: which groups another server than kube-apiserver answers for.

kube-apiserver refuses a create-only apply when something is there; an aggregated server may store
its objects as it likes and ignore the precondition. So what such a server keeps is looked at before
it is created. Discovery does not tell who serves a group: APIServices do. They are listed when the
first object of a group that is not built in is to be created, and again after `REFRESH_SECONDS`
when a group turns up that the list did not have.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import msgspec
import structlog

from shoal_clusters.kubernetes.discovering import REFRESH_SECONDS, Resource
from shoal_clusters.kubernetes.staging import BUILT_IN_GROUPS
from shoal_clusters.transport import Transport

_PATH = "/apis/apiregistration.k8s.io/v1/apiservices"
_log = structlog.get_logger(__name__)


class Aggregation:
    """What aggregated servers of one cluster serve: read when it is needed."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self._reading = anyio.Lock()
        self._services: dict[str, bool] | None = None
        self._read_at = 0.0
        self._has_told = False

    async def serves(self, resource: Resource) -> bool:
        """Whether objects of this resource are kept by another server; True when nobody can say."""
        if resource.group in BUILT_IN_GROUPS:
            return False
        name = f"{resource.version}.{resource.group}"
        async with self._reading:
            known = self._services or {}
            is_old = self._clock() >= self._read_at + REFRESH_SECONDS
            if self._services is None or (name not in known and is_old):
                await self._read()
        return self._services is None or self._services.get(name, False)

    async def _read(self) -> None:
        answer = await self._transport.request("GET", _PATH)
        self._read_at = self._clock()
        if answer.status != 200:
            if not self._has_told:
                self._has_told = True
                _log.warning(
                    "APIServices cannot be listed; custom resources are looked at before they are "
                    "created",
                    cluster=self._transport.cluster,
                    status=answer.status,
                )
            return
        found = msgspec.json.decode(answer.body, type=_Services)
        self._services = {one.metadata.name: one.spec.service is not None for one in found.items}


class _Metadata(msgspec.Struct):
    name: str = ""


class _Service(msgspec.Struct):
    name: str = ""


class _Spec(msgspec.Struct):
    service: _Service | None = None


class _ApiService(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Services(msgspec.Struct):
    items: tuple[_ApiService, ...] = ()
