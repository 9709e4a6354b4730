"""Watches: one list and watch per managed resource of a cluster, by the fleet's label.

Each one runs for the life of the session. Objects are handed over raw, one by one, as they arrive,
and dropped: what is kept is decided by `observing`. A watch begins with a list in pages and goes on
from where that ended. Silence is bounded on both sides: the server ends the stream after five to
ten minutes, and our own deadline is a little later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Protocol

import anyio
import anyio.lowlevel
import msgspec
import structlog

from shoal.errors import ForbiddenByCluster, MissingApi, Retryable, ServerBusy, ShoalError
from shoal_clusters.kubernetes.baselines import is_newer
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.glancing import (
    PAGE,
    Glance,
    T,
    read,
    read_event,
    read_page,
    read_seen,
    read_status,
)
from shoal_clusters.kubernetes.pausing import jittered
from shoal_clusters.kubernetes.requesting import accepted
from shoal_clusters.transport import Answer, Transport

_MOST_BACK_OFF_SECONDS = 60.0
_REFUSED_SECONDS = 300.0
"""How long a watch whose kind is not served any more waits: somebody must act."""
_STALE_SECONDS = 30.0
"""A watch that is down for longer is told: until then it is only resumed, as all watches are."""
_AT_ONCE = 25
"""Objects judged without giving way: each costs up to 0.2 ms, and the loop may lag 20 ms."""
_CHECK_HOURS = (3.0, 9.0)
"""Full check by a new list: every 6 h ± 50 % (APPLY, Drift), the safety net under the watch."""

log = structlog.get_logger(__name__)


class Sink(Protocol):
    """Who is told what the watch of one resource sees."""

    def list_began(self, resource: Resource, namespace: str) -> None:
        """A list is about to be read; what is written from now on may be older in it."""
        ...

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object exists and looks like this."""
        ...

    def vanished(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object was deleted, or no longer carries our label; `raw` is its last state."""
        ...

    def went_back(self, resource: Resource) -> None:
        """The server is at an earlier version than it was; all is about to be listed again."""
        ...

    async def listed(
        self, resource: Resource, names: frozenset[tuple[str, str]], namespace: str
    ) -> None:
        """A whole list was read: (namespace, name) of everything in it, or in one namespace.

        Raises ServerBusy when the list cannot be believed; it is then read again later.
        """
        ...


class _Gone(Exception):
    """410: the resourceVersion is too old; only a new list helps."""


class Guard(Protocol):
    """Who is told whether a watch is allowed; both are called once per change."""

    def forbidden(self, namespace: str) -> None:
        """The API server refuses the list or the watch; it is asked again at the next check."""
        ...

    def allowed(self, namespace: str) -> None:
        """A list was read."""
        ...


class Watch:
    """The watch of one resource, over all namespaces or in one."""

    def __init__(
        self,
        transport: Transport,
        resource: Resource,
        selector: str,
        sink: Sink,
        guard: Guard,
        *,
        clock: Callable[[], float],
        namespace: str = "",
    ) -> None:
        self._transport = transport
        self._resource = resource
        self._selector = selector
        self._sink = sink
        self._guard = guard
        self._clock = clock
        self._namespace = namespace
        self._root = resource.in_namespace(namespace) if namespace else resource.root
        self._since = ""
        self._is_broken_off = False
        self._is_surveyed = anyio.Event()
        self._is_complaint_logged = False
        self._check_at = self._next_check()
        self._is_list_wanted = False
        self._streaming: anyio.CancelScope | None = None
        self._hurry = anyio.Event()
        self._is_forbidden = False
        self._down_since: float | None = None
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why nothing is seen here, and has not been for a while; empty while it is."""
        since = self._down_since
        is_down = since is not None and self._clock() - since >= _STALE_SECONDS
        return self._trouble if is_down else ""

    def list_again(self) -> None:
        """Begin anew with a list, at once: all is to be judged again, or there may be more.

        What is forbidden is asked for again at the next full check, and not sooner.
        """
        self._is_list_wanted = True
        if not self._is_forbidden:
            self._hurry.set()
        if self._streaming is not None:
            self._streaming.cancel()

    async def until_surveyed(self) -> None:
        """Wait until the first list was handed over, or could not be had."""
        await self._is_surveyed.wait()

    async def run(self) -> None:
        """List and watch until cancelled; errors are waited out, with growing, jittered pauses."""
        failures = 0
        while True:
            started = self._clock()
            self._is_forbidden = False
            try:
                await self._once()
                failures = 0
                self._is_complaint_logged = False
                # A server that ends every stream at once must not be asked in a tight loop.
                pause = 0.0 if self._clock() - started > 1 else 1.0
            except _Gone:
                self._since = ""
                pause = 0.0 if failures == 0 else _back_off(failures)
                failures += 1
            except ForbiddenByCluster as error:
                self._complain(error)
                self._since = ""
                self._guard.forbidden(self._namespace)
                pause = max(self._check_at - self._clock(), 0.0)
                self._check_at = self._next_check()
                self._is_forbidden = True
                self._down_since = None  # what is done instead is known, and said elsewhere
            except ShoalError as error:
                self._is_down(error)
                pause = _pause(error, failures)
                failures += 1
            with anyio.move_on_after(pause):
                await self._hurry.wait()
            self._hurry = anyio.Event()

    def _is_down(self, error: ShoalError) -> None:
        """Nothing is seen until it is resumed."""
        self._complain(error)
        self._trouble = error.message
        if self._down_since is None:
            self._down_since = self._clock()

    async def _once(self) -> None:
        if self._clock() > self._check_at or self._is_list_wanted:
            self._since = ""
        if self._since and self._is_broken_off and await self._went_back():
            self._since = ""
        if not self._since:
            try:
                self._since = await self._list()
                self._is_broken_off = False
            finally:
                self._is_surveyed.set()
            self._guard.allowed(self._namespace)
            self._check_at = self._next_check()
        if self._is_list_wanted:
            return
        with anyio.CancelScope() as self._streaming:
            await self._watch()
        self._streaming = None

    async def _went_back(self) -> bool:
        """Whether the server is at an earlier version than we were: etcd came from a backup.

        A watch from a version that is yet to come is accepted, and says nothing of what happens
        until then (kubernetes#107457). Only a new list tells what is there now.
        """
        accept = accepted(self._resource, "PartialObjectMetadataList")
        query = {"limit": "1"}
        answer = await self._transport.request("GET", self._root, query=query, accept=accept)
        self._refuse(answer)
        version = self._read(read_page, answer.body).metadata.resourceVersion
        is_before = version.isdecimal() and is_newer(self._since, version)
        if is_before:
            self._sink.went_back(self._resource)
        return is_before

    async def _list(self) -> str:
        names: set[tuple[str, str]] = set()
        self._is_list_wanted = False
        self._sink.list_began(self._resource, self._namespace)
        query = {"labelSelector": self._selector, "limit": str(PAGE)}
        accept = accepted(self._resource, "PartialObjectMetadataList")
        while True:
            answer = await self._transport.request("GET", self._root, query=query, accept=accept)
            self._refuse(answer)
            page = self._read(read_page, answer.body)
            del answer
            names |= await self._hand_over(page.items or ())
            if not page.metadata.next:
                await self._sink.listed(self._resource, frozenset(names), self._namespace)
                return page.metadata.resourceVersion
            query["continue"] = page.metadata.next

    async def _hand_over(self, items: Iterable[msgspec.Raw]) -> set[tuple[str, str]]:
        names: set[tuple[str, str]] = set()
        for count, raw in enumerate(items, 1):
            glance = self._read(read_seen, raw).metadata
            names.add((glance.namespace, glance.name))
            self._sink.appeared(self._resource, glance, bytes(raw))
            if count % _AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        return names

    async def _watch(self) -> None:
        seconds = int(jittered(450, 0.33))
        query = {
            "watch": "true",
            "labelSelector": self._selector,
            "allowWatchBookmarks": "true",
            "resourceVersion": self._since,
            "timeoutSeconds": str(seconds),
        }
        count, began = 0, self._clock()
        # Unless it ends by itself at its time: who knows what the server went through.
        self._is_broken_off = True
        async with self._transport.stream(
            self._root,
            query=query,
            deadline_seconds=seconds + 30,
            accept=accepted(self._resource),
        ) as (answer, lines):
            self._refuse(answer)
            self._down_since = None
            async for line in lines:
                self._take(line)
                count += 1
                if count % _AT_ONCE == 0:
                    await anyio.lowlevel.checkpoint()
        self._is_broken_off = self._clock() - began < seconds - 1

    def _take(self, line: bytes) -> None:
        event = self._read(read_event, line)
        if event.type == "ERROR":
            status = self._read(read_status, event.object)
            if status.code == 410:
                raise _Gone
            raise ServerBusy(
                f"the watch of {self._resource.plural} on cluster {self._transport.cluster} "
                f"ended with {status.code}: {status.message}"
            )
        glance = self._read(read_seen, event.object).metadata
        if event.type == "DELETED":
            self._sink.vanished(self._resource, glance, bytes(event.object))
        elif event.type != "BOOKMARK":
            self._sink.appeared(self._resource, glance, bytes(event.object))
        self._since = glance.resourceVersion

    def _read(self, decode: Callable[[bytes], T], text: bytes) -> T:
        return read(decode, text, of=self._resource, cluster=self._transport.cluster)

    def _refuse(self, answer: Answer) -> None:
        where = f"{self._resource.plural} on cluster {self._transport.cluster}"
        scope = f"in namespace {self._namespace}" if self._namespace else "over all namespaces"
        match answer.status:
            case 200:
                return
            case 410:
                raise _Gone
            case 403:
                raise ForbiddenByCluster(
                    f"{where} may not be listed and watched {scope}",
                    next_step=f"grant list and watch on {self._resource.plural}",
                )
            case 404:
                raise MissingApi(f"{where} are not served any more")
            case status:
                raise ServerBusy(
                    f"{where} could not be watched ({status})", after_seconds=answer.after_seconds
                )

    def _complain(self, error: ShoalError) -> None:
        if self._is_complaint_logged:
            return
        self._is_complaint_logged = True
        # What is forbidden is said by who knows what is done instead.
        level = log.debug if isinstance(error, Retryable) else log.warning
        level(
            "watch interrupted",
            cluster=self._transport.cluster,
            resource=self._resource.plural,
            reason=error.reason,
            error=str(error),
        )

    def _next_check(self) -> float:
        return self._clock() + 3600 * random.uniform(*_CHECK_HOURS)  # noqa: S311  # jitter


def _pause(error: ShoalError, failures: int) -> float:
    """How long to wait after an error: as the server asked, and never in a tight loop."""
    if isinstance(error, MissingApi):
        return jittered(_REFUSED_SECONDS)
    asked = error.after_seconds if isinstance(error, Retryable) else None
    return max(_back_off(failures), min(asked or 0.0, _REFUSED_SECONDS))


def _back_off(failures: int) -> float:
    """1 s, doubling to a minute, ± 50 %."""
    return jittered(min(2.0 ** min(failures, 6), _MOST_BACK_OFF_SECONDS))
