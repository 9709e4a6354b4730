"""Sessions to simulated clusters: the plans of a fake target, over requests that may get lost.

A write has three moments: it is sent, it arrives, its answer comes back; between any two of them
the connection may break, the controller may be killed, and what was sent may arrive all the same.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.observed import Sent

from shoal.errors import ClusterUnreachable, ServerBusy
from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.model.endpoints import Endpoint, Facts
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import WRITES, Change, Desired, Owned, Plan, Result, ResultStatus
from shoal.model.sweeps import Swept
from shoal.testing.fake_cluster import SERVED, FakeObject
from shoal.testing.fake_target import Clock, FakeSession, FakeTarget

if TYPE_CHECKING:
    from tests.simulation.process import Watcher

Body = dict[str, Any]


class SimulatedTarget(FakeTarget):
    """The target type of one process."""

    def __init__(
        self, clusters: Mapping[str, SimulatedCluster], watcher: Watcher, now: Clock
    ) -> None:
        super().__init__(now=now)
        self._clusters = clusters
        self._watcher = watcher

    @asynccontextmanager
    async def open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        cluster: str,
        endpoint: Endpoint,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        host: Host,
    ) -> AsyncIterator[FakeSession]:
        there = self._clusters[cluster]
        await endpoint.credential()
        session = SimulatedSession(there, owned, judge, self.now, self._watcher)
        there.attach(session.see)
        try:
            await there.reached()  # the first list
            for key in tuple(owned):
                session.see(key)
            yield session
        finally:
            there.detach(session.see)


class SimulatedSession(FakeSession):
    """One connection of one process."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        now: Clock,
        watcher: Watcher,
    ) -> None:
        super().__init__(cluster, owned, judge, now)
        self._there = cluster
        self._watcher = watcher
        self._rewinds = cluster.rewinds

    async def probe(self) -> Facts:
        await self._gone_with_the_process()
        await self._there.probed()
        await self._gone_with_the_process()
        there = self._there
        self._watcher.observer.told(self._watcher.life, there, there.identity)
        # What a watch would have shown, and only while there is one.
        unknown = 0 if there.faults.is_deaf else self._memory.unknown_objects()
        self._rewinds = self._rewinds if there.faults.is_deaf else there.rewinds
        return Facts(there.identity, there.version, unknown_objects=unknown, rewinds=self._rewinds)

    async def sweep(self, swept: Collection[GroupKind] = ()) -> AsyncIterator[Swept]:
        """What cannot be discovered is not swept, and named."""
        for kind in sorted(SERVED - self._there.served):
            error = ServerBusy(f"cluster {self._there.name} does not say what it serves")
            yield Swept(kind, len(SERVED), error=error)
        async for part in super().sweep(swept):
            await self._gone_with_the_process()
            yield part
        self._watcher.observer.has_swept(self._watcher.life, self._there.name)

    async def apply(
        self, plan: Plan, desired: Desired, *, granted: Callable[[], bool]
    ) -> AsyncIterator[Result]:
        wanted, _ = self._memory.prepared(desired)
        is_whole = not plan.refused
        for change in self._order(plan.changes):
            await self._gone_with_the_process()
            if not granted():
                yield Result(change.key, change.action, ResultStatus.REVOKED)
                continue
            sent = self._watcher.observer.sends(self._watcher.life, self._there, change, desired)
            result = await self._request(change, wanted, desired, sent, is_whole=is_whole)
            done = result.status in (ResultStatus.APPLIED, ResultStatus.UNCHANGED)
            is_whole = is_whole and (change.action not in WRITES or done)
            yield result

    async def _request(
        self,
        change: Change,
        wanted: Mapping[ObjectKey, Body],
        desired: Desired,
        sent: Sent,
        *,
        is_whole: bool,
    ) -> Result:
        def carry_out() -> Result:
            return self._carried_out(change, wanted, desired, sent, is_whole=is_whole)

        try:
            await self._there.arrive()
        except (ClusterUnreachable, asyncio.CancelledError):
            # Nobody waits for it any more; what was sent may arrive all the same.
            if not self._there.faults.is_unreachable and self._there.draw.random() < 0.3:
                self._without_an_answer(change.key, carry_out)
            raise
        before = self._remembered(change.key)
        result = carry_out()
        try:
            await self._there.answer()
        except (ClusterUnreachable, asyncio.CancelledError):
            self._remember(change.key, before)
            raise
        await self._gone_with_the_process()
        return result

    def _carried_out(
        self,
        change: Change,
        wanted: Mapping[ObjectKey, Body],
        desired: Desired,
        sent: Sent,
        *,
        is_whole: bool,
    ) -> Result:
        key = change.key
        error = self._there.refusal_of(key)
        if error is not None:
            return Result(key, change.action, ResultStatus.FAILED, error=error)
        before = copy.copy(self._there.objects.get(key))
        result = self._carry_out(change, wanted, desired, lambda: True, is_whole=is_whole)
        after = copy.copy(self._there.objects.get(key))
        is_written = before != after
        if is_written:
            self._watcher.observer.arrived(self._there, sent, before, after)
            self._lose_or_tell(key, before)
        return result

    def _lose_or_tell(self, key: ObjectKey, before: FakeObject | None) -> None:
        """An apply that was confirmed may be lost; a watch tells of it, sooner or later."""
        there = self._there
        if there.faults.loses_applies and there.draw.random() < 0.3:
            if before is None:
                del there.objects[key]
            else:
                if key not in there.objects:
                    there.back.add((key, before.uid))
                there.objects[key] = before
        elif key in there.objects:
            there.begin(key)
        there.tell(key)

    def _without_an_answer(self, key: ObjectKey, carry_out: Callable[[], Result]) -> None:
        before = self._remembered(key)
        carry_out()
        self._remember(key, before)

    def _remembered(self, key: ObjectKey) -> tuple[Any, ...]:
        known = (self._memory.drifted, self._health, self._waiting)
        return self._memory.row(key), *(each.get(key) for each in known)

    def _remember(self, key: ObjectKey, before: tuple[Any, ...]) -> None:
        """The session knows no more than before the request."""
        row, *values = before
        self._memory.keep(key, row)
        known: tuple[dict[ObjectKey, Any], ...] = (
            self._memory.drifted,
            self._health,
            self._waiting,
        )
        for each, value in zip(known, values, strict=True):
            each.pop(key, None)
            if value is not None:
                each[key] = value

    def _order(self, changes: Sequence[Change]) -> list[Change]:
        """Writes first, in any order, and then deletions, in any order."""
        ordered = list(changes)
        self._there.draw.shuffle(ordered)
        return sorted(ordered, key=lambda change: change.action not in WRITES)

    async def _gone_with_the_process(self) -> None:
        """A process that was killed does nothing any more."""
        while not self._watcher.is_alive:
            await anyio.sleep(3600)
