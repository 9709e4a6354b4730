"""Fetching: single objects that must be read before they can be judged.

Secrets are watched as metadata alone, so the value of one of ours is read when its metadata say
that it is not the one that we wrote. One after the other, in a task of the session: what waits is a
set of keys, so an object that changes faster than it can be read is read once in its newest form.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import orjson
import structlog

from shoal.errors import ForbiddenByCluster, ServerBusy, ShoalError
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.transport import Transport

Take = Callable[[ObjectKey, Mapping[str, Any] | None], None]
"""Told of every object that was read; None: it is gone."""

_PAUSES = (1.0, 60.0)
"""Seconds after a first failure, and the most that it grows to."""

log = structlog.get_logger(__name__)


class Fetcher:
    """Reads objects whole, each as often as it was asked for since it was read last, at most."""

    def __init__(self, transport: Transport, take: Take) -> None:
        self._transport = transport
        self._take = take
        self._waiting: dict[ObjectKey, Resource] = {}
        self._asked = anyio.Event()
        self._reading: ObjectKey | None = None
        self._refused: set[Resource] = set()

    def ask(self, resource: Resource, key: ObjectKey) -> None:
        """Read this object soon; never waits."""
        self._waiting[key] = resource
        self._asked.set()

    def overtaken(self, key: ObjectKey) -> None:
        """A write of ours came to its end: an answer from before it would be taken for an edit."""
        self._waiting.pop(key, None)
        if self._reading == key:
            self._reading = None

    async def run(self) -> None:
        """Read what is asked for until cancelled; what gets no answer is asked for again."""
        failures = 0
        while True:
            while self._waiting:
                key = next(iter(self._waiting))
                resource = self._waiting.pop(key)
                self._reading = key
                try:
                    found = await self._read(resource, key)
                    failures = 0
                    if self._reading == key:
                        self._take(key, found)
                except ForbiddenByCluster as error:
                    self._refuse(resource, error)
                except ShoalError as error:
                    self._waiting.setdefault(key, resource)
                    failures += 1
                    self._complain(key, error, failures)
                    await anyio.sleep(_pause(failures))
            self._asked = anyio.Event()
            await self._asked.wait()

    async def _read(self, resource: Resource, key: ObjectKey) -> Mapping[str, Any] | None:
        answer = await read(self._transport, resource, key)
        if answer.status == 404:
            return None
        if answer.status == 403:
            raise ForbiddenByCluster(
                f"cluster {self._transport.cluster}: {key} may not be read; its drift and health "
                "stay unknown",
                next_step=f"grant get, list and watch on {resource.plural}",
            )
        if answer.status != 200:
            raise ServerBusy(
                f"cluster {self._transport.cluster} answered {answer.status} when {key} was to be "
                "read; it is read again",
                after_seconds=answer.after_seconds,
            )
        live: Mapping[str, Any] = orjson.loads(answer.body)
        return live

    def _refuse(self, resource: Resource, error: ForbiddenByCluster) -> None:
        """Say it once; who asked for it will ask again."""
        if resource not in self._refused:
            self._refused.add(resource)
            log.warning("object not read", resource=resource.plural, error=str(error))

    def _complain(self, key: ObjectKey, error: ShoalError, failures: int) -> None:
        if failures == 1:
            log.warning("object not read", object=str(key), error=str(error))


def _pause(failures: int) -> float:
    first, most = _PAUSES
    return min(first * 2.0**failures, most) * random.uniform(0.5, 1.5)  # noqa: S311  # jitter
