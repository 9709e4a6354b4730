"""Covering one kind of a cluster with watches, as wide as the credential allows.

One watch over all namespaces is the rule. Where that is forbidden, each namespace in which we have
objects of the kind is watched by itself; where that is forbidden too, and for kinds without a
namespace, the objects are read one by one, every five minutes. Which of these it is, is said once,
and again when it changes. The wide watch is tried again with every full check.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import anyio
import structlog
from anyio.abc import TaskGroup

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.bearing import EachForItself
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.pausing import jittered
from shoal_clusters.kubernetes.register import Register
from shoal_clusters.kubernetes.watching import Watch
from shoal_clusters.transport import Transport

MOST_NAMESPACES = 50
"""Watches of one kind by namespace; a connection each. What is beyond is read one by one."""
_LOOK_SECONDS = 300.0

log = structlog.get_logger(__name__)


class Source(NamedTuple):
    """What all kinds of a session are watched with."""

    transport: Transport
    register: Register
    observer: Observer
    selector: str
    tasks: TaskGroup


class _Narrow(NamedTuple):
    """The watch of one namespace, and what ends it."""

    watch: Watch
    scope: anyio.CancelScope


class Coverage:
    """All that is done to see one resource of one cluster."""

    def __init__(self, source: Source, resource: Resource) -> None:
        self._source = source
        self._resource = resource
        self._wide = self._watch("")
        self._narrow: dict[str, _Narrow] = {}
        self._unwatched: set[str] = set()
        self._is_narrow = False
        self._looking: anyio.CancelScope | None = None

    def begin(self) -> None:
        """Watch from now on."""
        self._source.tasks.start_soon(self._wide.run)

    def reach(self, namespace: str) -> None:
        """Objects of this namespace are about to be ours."""
        if self._is_narrow and namespace not in self._narrow:
            self._begin_in(namespace)

    def list_again(self) -> None:
        """List what is watched once more, and read what is not."""
        for watch in [self._wide, *(narrow.watch for narrow in self._narrow.values())]:
            watch.list_again()
        for key in self._keys():
            if self._is_narrow and key.namespace in self._unwatched:
                self._source.observer.ask(self._resource, key)

    async def until_surveyed(self, namespace: str) -> None:
        """Wait until the first list that holds this namespace was read, or could not be had."""
        await self._wide.until_surveyed()
        self.reach(namespace)
        if namespace in self._narrow:
            await self._narrow[namespace].watch.until_surveyed()

    @property
    def limit(self) -> str:
        """What the credential does not allow, as a sentence; empty when all is watched."""
        if not self._is_narrow:
            return ""
        plural = self._resource.plural
        if not self._unwatched:
            return f"{plural} may not be watched over all namespaces; each is watched by itself"
        where = "" if self._unwatched == {""} else f" in {', '.join(sorted(self._unwatched))}"
        return f"{plural} may not be watched{where}; they are read every 5 minutes instead"

    @property
    def troubles(self) -> list[str]:
        """Why nothing is seen here at the moment, where that is so."""
        watches = [narrow.watch for narrow in self._narrow.values()]
        found = (watch.trouble for watch in (watches if self._is_narrow else [self._wide]))
        return [trouble for trouble in found if trouble]

    # -- told by watches -----------------------------------------------------------------------

    def forbidden(self, namespace: str) -> None:
        """A watch is refused: see less, or rarer, from now on."""
        before = self.limit
        if namespace:
            self._unwatched.add(namespace)
        elif not self._is_narrow:
            self._is_narrow = True
            for each in sorted({key.namespace for key in self._keys()}):
                self._begin_in(each)
        self._look_at_the_rest()
        self._say(before)

    def allowed(self, namespace: str) -> None:
        """A list was read: what stood in for its watch can end."""
        before = self.limit
        self._unwatched.discard(namespace)
        if not namespace and self._is_narrow:
            self._is_narrow = False
            self._unwatched.clear()
            for narrow in self._narrow.values():
                narrow.scope.cancel()
            self._narrow.clear()
        if not self._unwatched and self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._say(before)

    def _say(self, before: str) -> None:
        cluster, plural = self._source.transport.cluster, self._resource.plural
        if self.limit and self.limit != before:
            log.warning("watch narrowed", cluster=cluster, resource=plural, instead=self.limit)
        elif before and not self.limit:
            log.info("watch widened again", cluster=cluster, resource=plural)

    # -- by namespace, and one by one ----------------------------------------------------------

    def _begin_in(self, namespace: str) -> None:
        if not namespace or len(self._narrow) >= MOST_NAMESPACES:
            self._unwatched.add(namespace)
            self._look_at_the_rest()
            return
        narrow = _Narrow(self._watch(namespace), anyio.CancelScope())
        self._narrow[namespace] = narrow
        self._source.tasks.start_soon(_within, narrow)

    def _watch(self, namespace: str) -> Watch:
        source = self._source
        return Watch(
            source.transport,
            self._resource,
            source.selector,
            EachForItself(source.observer, source.transport.cluster),
            self,
            clock=anyio.current_time,
            namespace=namespace,
        )

    def _look_at_the_rest(self) -> None:
        if self._unwatched and self._looking is None:
            self._looking = anyio.CancelScope()
            self._source.tasks.start_soon(self._look, self._looking)

    async def _look(self, scope: anyio.CancelScope) -> None:
        """Read every object that nothing watches, again and again."""
        with scope:
            while True:
                for key in self._keys():
                    if key.namespace in self._unwatched:
                        self._source.observer.ask(self._resource, key)
                await anyio.sleep(jittered(_LOOK_SECONDS))

    def _keys(self) -> Iterator[ObjectKey]:
        rows = self._source.register.rows(self._resource.group_kind)
        return (row.key for row in rows if row.uid)


async def _within(narrow: _Narrow) -> None:
    with narrow.scope:
        await narrow.watch.run()
