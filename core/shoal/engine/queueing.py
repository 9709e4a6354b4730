"""The one queue of the engine: keyed, newest wins, by priority, with times to wake up.

Every loop has one. A key stands in it at most once, however often it is added; while a key is being
worked on, what is added for it waits until that work is done, so no key is ever worked on twice at
once. This is also the only place of the engine that sleeps: everything else returns a time and asks
the queue to wake the key then. Bounded by nature: there are never more entries than keys.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

import anyio
import anyio.lowlevel

from shoal.model.identity import ObjectKey

K = TypeVar("K", bound=Hashable)
Clock = Callable[[], datetime]
Waited = Callable[[str, timedelta], None]
"""Told, when the turn of a key comes, its priority and how long it waited."""

# A request for more single objects than this is a request for the whole target: beyond it, planning
# everything is no dearer than carrying the set around.
MOST_SINGLE_OBJECTS = 500


class Priority(IntEnum):
    """Who goes first; a person waits for nobody."""

    USER = 0
    REVISION = 1
    DRIFT = 2
    RECHECK = 3


@dataclass(frozen=True, slots=True)
class Request:
    """Why a key is worked on. `only` restricts the work to single objects; None is everything.

    `reverts` are objects whose drift a person wants undone, whatever the policy says; with `reruns`
    what has run to its end runs again.
    """

    priority: Priority
    reason: str
    only: frozenset[ObjectKey] | None = None
    traceparent: str = ""
    since: datetime | None = None
    reverts: frozenset[ObjectKey] = frozenset()
    reruns: bool = False

    def merged(self, newer: Request) -> Request:
        """Both wishes in one: the more urgent priority and its reason, the wider scope."""
        urgent = self if self.priority <= newer.priority else newer
        only = None if self.only is None or newer.only is None else self.only | newer.only
        if only is not None and len(only) > MOST_SINGLE_OBJECTS:
            only = None
        return replace(
            urgent,
            only=only,
            traceparent=newer.traceparent or self.traceparent,
            since=self.since or newer.since,
            reverts=self.reverts | newer.reverts,
            reruns=self.reruns or newer.reruns,
        )


class _Alarm(NamedTuple, Generic[K]):
    """What an alarm is for: the whole of a key, or single objects of it."""

    key: K
    is_of_objects: bool


def _untold(priority: str, span: timedelta) -> None:
    """Nobody wants to know."""


class KeyedQueue(Generic[K]):
    """Keys that have work to do, now or at a time."""

    def __init__(self, now: Clock, waited: Waited = _untold) -> None:
        self._now = now
        self._waited = waited
        self._order = itertools.count()
        self._waiting: dict[K, Request] = {}
        self._ready: list[tuple[int, int, K]] = []
        self._wakes: dict[_Alarm[K], tuple[datetime, Request]] = {}
        self._alarms: list[tuple[datetime, int, _Alarm[K]]] = []
        self._active: dict[K, Request] = {}
        self._changed = anyio.Event()

    def __len__(self) -> int:
        """How many keys wait to be worked on now."""
        return len(self._waiting)

    @property
    def oldest(self) -> datetime | None:
        """Since when the key waits that waits for longest; None when none does."""
        since = (request.since for request in self._waiting.values())
        return min((each for each in since if each is not None), default=None)

    @property
    def active(self) -> int:
        """How many keys are being worked on."""
        return len(self._active)

    def is_busy(self, key: K) -> bool:
        """Whether this key waits for its turn, or is being worked on."""
        return key in self._waiting or key in self._active

    def is_wanted_by_user(self, key: K) -> bool:
        """Whether a person waits for this key: what is shown of it may be out of date."""
        requests = (self._waiting.get(key), self._active.get(key))
        return any(each is not None and each.priority is Priority.USER for each in requests)

    def add(self, key: K, request: Request) -> None:
        """Work on this key as soon as its turn comes; merges with what already waits."""
        if request.since is None:
            request = replace(request, since=self._now())
        waiting = self._waiting.get(key)
        merged = request if waiting is None else waiting.merged(request)
        self._waiting[key] = merged
        if key not in self._active and (waiting is None or merged.priority < waiting.priority):
            heapq.heappush(self._ready, (merged.priority, next(self._order), key))
        self._changed.set()

    def wake(self, key: K, at: datetime, request: Request) -> None:
        """Add this key at a time; a key has one alarm, and the newest replaces it.

        It has another one for single objects, to which more of them are added: all of them come at
        the earliest of their times.
        """
        alarm = _Alarm(key, request.only is not None)
        before = self._wakes.get(alarm)
        if before is not None and alarm.is_of_objects:
            at, request = min(at, before[0]), before[1].merged(request)
        self._wakes[alarm] = (at, request)
        heapq.heappush(self._alarms, (at, next(self._order), alarm))
        self._changed.set()

    def remove(self, key: K) -> None:
        """Forget a key: what waits for it and its alarm. Work under way is not touched."""
        self._waiting.pop(key, None)
        for is_of_objects in (False, True):
            self._wakes.pop(_Alarm(key, is_of_objects), None)

    async def next(self) -> tuple[K, Request]:
        """The most urgent key; waits until there is one. `done` must follow."""
        while True:
            self._ring_alarms()
            found = self._pop()
            if found is not None:
                _, request = found
                if request.since is not None:
                    self._waited(request.priority.name.lower(), self._now() - request.since)
                return found
            self._changed = anyio.Event()
            with anyio.move_on_after(self._seconds_to_next_alarm()):
                await self._changed.wait()

    def done(self, key: K) -> None:
        """The work on this key has ended; what was added for it meanwhile gets its turn."""
        self._active.pop(key, None)
        request = self._waiting.get(key)
        if request is not None:
            heapq.heappush(self._ready, (request.priority, next(self._order), key))
            self._changed.set()

    def reset(self) -> None:
        """Nobody works on anything any more: the tasks that did were cancelled."""
        for key in tuple(self._active):
            self.done(key)

    def _pop(self) -> tuple[K, Request] | None:
        while self._ready:
            _, _, key = heapq.heappop(self._ready)
            if key in self._waiting and key not in self._active:
                request = self._active[key] = self._waiting.pop(key)
                return key, request
        return None

    def _ring_alarms(self) -> None:
        now = self._now()
        while self._alarms and self._alarms[0][0] <= now:
            at, _, alarm = heapq.heappop(self._alarms)
            found = self._wakes.get(alarm)
            if found is not None and found[0] == at:
                del self._wakes[alarm]
                self.add(alarm.key, found[1])

    def _seconds_to_next_alarm(self) -> float | None:
        while self._alarms:
            at, _, alarm = self._alarms[0]
            found = self._wakes.get(alarm)
            if found is not None and found[0] == at:
                return max(0.0, (at - self._now()).total_seconds())
            heapq.heappop(self._alarms)
        return None


Work = Callable[[K, Request], Awaitable[None]]


async def serve(queue: KeyedQueue[K], work: Work[K]) -> None:
    """Give each key a task of its own while it has something to do; never ends by itself.

    There is no pool, so nothing waits for a slot. `work` catches its own failures; an exception
    that leaves it is a bug of ours and ends the controller. Cancelled, it leaves the queue as if
    nobody had begun.
    """
    try:
        async with anyio.create_task_group() as tasks:
            while True:
                key, request = await queue.next()
                tasks.start_soon(_work_on, queue, work, key, request)
                # One key per pass of the loop: when everything has work, the rest goes on too.
                await anyio.lowlevel.checkpoint()
    finally:
        queue.reset()


async def _work_on(queue: KeyedQueue[K], work: Work[K], key: K, request: Request) -> None:
    finished = False
    try:
        await work(key, request)
        finished = True
    finally:
        if not finished:
            queue.add(key, request)
        queue.done(key)
