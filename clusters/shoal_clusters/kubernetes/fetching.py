"""Fetching: single objects that must be read before they can be judged.

Secrets are watched as metadata alone, so the value of one of ours is read when its metadata say
that it is not the one that we wrote. And a watch by label tells of an object that lost its label
just as it tells of one that was deleted, so whoever left a watch is looked for before it is called
deleted. A few at once, in a task of the session: what waits is a set of keys, so an object that
changes faster than it can be read is read once in its newest form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import anyio
import orjson
import structlog

from shoal.errors import ForbiddenByCluster, ServerBusy, ShoalError
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.pausing import jittered
from shoal_clusters.kubernetes.requesting import look, read
from shoal_clusters.transport import Transport

Take = Callable[[ObjectKey, Mapping[str, Any] | None, Resource | None], None]
"""Told of every object that was read; None: it is gone. The resource is told of what was sought: it
is as a watch shows it, of a Secret the metadata alone."""

_AT_ONCE = 8
"""Objects read at once; a namespace that was emptied leaves thousands to be looked for."""
_PAUSES = (1.0, 60.0)
"""Seconds after a first failure, and the most that it grows to."""

log = structlog.get_logger(__name__)


class _Asked(NamedTuple):
    """What is to be read. `is_sought`: a watch tells of its end, or of that of its label."""

    resource: Resource
    is_sought: bool


class Fetcher:
    """Reads objects, each as often as it was asked for since it was read last, at most."""

    def __init__(self, transport: Transport, take: Take) -> None:
        self._transport = transport
        self._take = take
        self._waiting: dict[ObjectKey, _Asked] = {}
        self._asked = anyio.Event()
        self._reading: dict[ObjectKey, _Asked] = {}
        self._refused: set[Resource] = set()
        self._failures = 0

    def ask(self, resource: Resource, key: ObjectKey) -> None:
        """Read this object whole, soon; never waits."""
        self._await(key, _Asked(resource, is_sought=False))

    def seek(self, resource: Resource, key: ObjectKey) -> None:
        """Look soon whether this object is there; never waits."""
        self._await(key, _Asked(resource, is_sought=True))

    def _await(self, key: ObjectKey, asked: _Asked) -> None:
        self._reading.pop(key, None)  # its answer would be of before
        self._waiting[key] = asked
        self._asked.set()

    def overtaken(self, key: ObjectKey) -> None:
        """A write of ours came to its end: an answer from before it would be taken for an edit."""
        self._waiting.pop(key, None)
        self._reading.pop(key, None)

    def found(self, key: ObjectKey) -> None:
        """A watch shows the object: it need not be looked for any more."""
        for asked in (self._waiting, self._reading):
            if key in asked and asked[key].is_sought:
                del asked[key]

    async def run(self) -> None:
        """Read what is asked for until cancelled; what gets no answer is asked for again."""
        while True:
            async with anyio.create_task_group() as tasks:
                for _ in range(min(len(self._waiting), _AT_ONCE)):
                    tasks.start_soon(self._read_all)
            if not self._waiting:
                self._asked = anyio.Event()
                await self._asked.wait()

    async def _read_all(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            asked = self._reading[key] = self._waiting.pop(key)
            try:
                found = await self._read(asked, key)
            except ForbiddenByCluster as error:
                found = None
                if not asked.is_sought:  # else the watch is believed
                    self._refuse(asked.resource, error)
                    self._reading.pop(key, None)
            except ShoalError as error:
                self._waiting.setdefault(key, asked)
                self._failures += 1
                self._complain(key, error)
                await anyio.sleep(_pause(self._failures))
                continue
            self._failures = 0
            if self._reading.get(key) is asked:
                del self._reading[key]
                self._take(key, found, asked.resource if asked.is_sought else None)

    async def _read(self, asked: _Asked, key: ObjectKey) -> Mapping[str, Any] | None:
        resource = asked.resource
        answer = await (look if asked.is_sought else read)(self._transport, resource, key)
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

    def _complain(self, key: ObjectKey, error: ShoalError) -> None:
        if self._failures == 1:
            log.warning("object not read", object=str(key), error=str(error))


def _pause(failures: int) -> float:
    first, most = _PAUSES
    return jittered(min(first * 2.0**failures, most))
