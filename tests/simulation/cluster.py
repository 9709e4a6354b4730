"""A cluster of the simulation: requests that take time, and everything that may go wrong.

What it holds is the truth of what is live. Its faults are fields that events switch on and off.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel

from shoal.errors import ClusterUnreachable, ServerBusy, ShoalError, Unauthenticated
from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind, ObjectKey
from shoal.testing.fake_cluster import FakeCluster, FakeObject, Watcher

PROGRESSING = Health(HealthState.PROGRESSING, "it starts")
HEALTHY = Health(HealthState.HEALTHY)
DEGRADED = Health(HealthState.DEGRADED, "it crashes")
REQUEST_SECONDS = 30.0
DEPLOYMENT = GroupKind("apps", "Deployment")


@dataclass
class Faults:
    """What is wrong with a cluster now; all of it ends when `Faults()` takes its place."""

    is_unreachable: bool = False
    hangs: bool = False
    is_slow: bool = False
    loses_answers: bool = False
    loses_applies: bool = False
    refuses_credential: bool = False
    is_busy: bool = False
    is_deaf: bool = False
    breaks_sessions: bool = False
    answers_as: str = ""
    refused: frozenset[ObjectKey] = frozenset()
    unhealthy: frozenset[ObjectKey] = frozenset()

    def any(self) -> bool:
        """Whether anything is wrong at all."""
        return self != Faults()


@dataclass
class SimulatedCluster(FakeCluster):
    """One cluster, with delays drawn from `draw`.

    `uids` is every object that ever was, `back` what is there again although it was gone;
    `strangers` what others put there, or took: those that are `taken` were ours, and no watch told.
    """

    draw: random.Random = field(default_factory=random.Random)
    faults: Faults = field(default_factory=Faults)
    requests: int = 0
    snapshots: list[dict[ObjectKey, FakeObject]] = field(default_factory=list)
    uids: set[tuple[ObjectKey, str]] = field(default_factory=set)
    back: set[tuple[ObjectKey, str]] = field(default_factory=set)
    strangers: set[ObjectKey] = field(default_factory=set)
    taken: set[ObjectKey] = field(default_factory=set)
    became_healthy: Callable[[SimulatedCluster, ObjectKey], None] = lambda cluster, key: None

    @property
    def identity(self) -> str:
        """The uid that a probe is told."""
        return self.faults.answers_as or self.uid

    async def probed(self) -> None:
        """A probe is on its way."""
        await self._travel()

    async def reached(self) -> None:
        """A request that only looks."""
        self.requests += 1
        await self._travel()

    async def arrive(self) -> None:
        """A write is on its way; returns when it is there, raises when it will never be."""
        self.requests += 1
        await self._travel()

    async def answer(self) -> None:
        """The answer of a write is on its way; raises when it is lost."""
        faults = self.faults
        if faults.loses_answers and self.draw.random() < 0.4:
            await anyio.sleep(self.draw.choice((0.0, REQUEST_SECONDS)))
            raise ClusterUnreachable(f"cluster {self.name} broke off in the middle of an answer")
        await anyio.sleep(self._delay())

    async def _travel(self) -> None:
        await anyio.sleep(self._delay())
        faults = self.faults
        if faults.hangs:
            await anyio.sleep(REQUEST_SECONDS)
            raise ClusterUnreachable(f"cluster {self.name} gave no answer in time")
        if faults.is_unreachable:
            raise ClusterUnreachable(f"cluster {self.name} refused the connection")
        if faults.refuses_credential:
            raise Unauthenticated(f"cluster {self.name} does not know this credential")
        if faults.breaks_sessions and self.draw.random() < 0.2:
            raise ZeroDivisionError("a bug of a plugin")

    def _delay(self) -> float:
        if self.faults.is_slow:
            return self.draw.uniform(0.2, 8.0)
        return self.draw.choice((0.0, 0.001, 0.01, 0.05, 0.3))

    def refusal_of(self, key: ObjectKey) -> ShoalError | None:
        """Why this write of an object is refused, although others are not."""
        if key in self.faults.refused:
            return self.refusals.get(key)
        if self.faults.is_busy and self.draw.random() < 0.5:
            return ServerBusy(
                f"{self.name} has too much to do", after_seconds=self.draw.choice((0, 5))
            )
        return None

    def begin(self, key: ObjectKey) -> None:
        """A workload was written: its pods start, and are ready a while later."""
        if key.group_kind != DEPLOYMENT:
            return
        self.set_health(key, PROGRESSING)
        later = self.draw.uniform(1, 40)
        asyncio.get_running_loop().call_later(later, self._become_healthy, key)

    def _become_healthy(self, key: ObjectKey) -> None:
        if key in self.objects and key not in self.faults.unhealthy:
            self.set_health(key, HEALTHY)
            self.became_healthy(self, key)

    def make_well(self, keys: Iterable[ObjectKey]) -> None:
        """These workloads are ready, those of them that are there."""
        self.faults.unhealthy = frozenset()
        for key in sorted(self.objects.keys() & set(keys)):
            self.set_health(key, HEALTHY)
            self.became_healthy(self, key)

    def keep_a_snapshot(self) -> None:
        """Keep what is live, beside the last three; most of it is as it was when last kept."""
        last = self.snapshots[-1] if self.snapshots else {}
        kept = {
            key: last[key] if last.get(key) == live else copy.copy(live)
            for key, live in self.objects.items()
        }
        self.snapshots = [*self.snapshots[-3:], kept]

    def restore(self, objects: dict[ObjectKey, FakeObject]) -> None:
        """What was live once is live again, as after a restore of its etcd."""
        self.back |= {(key, objects[key].uid) for key in objects.keys() - self.objects.keys()}
        self.rewinds += 1
        self.hold(objects)

    def hold(self, objects: dict[ObjectKey, FakeObject]) -> None:
        """These are live, and nothing else; watchers are told of everything."""
        keys = [*self.objects, *objects]
        self.objects = {key: copy.copy(live) for key, live in objects.items()}
        for key in keys:
            self._tell(key)

    def hear_again(self, keys: Iterable[ObjectKey]) -> None:
        """A watch is there again, and lists everything; what is gone is missed."""
        for key in sorted({*keys, *self.objects}):
            self._tell(key)

    def make_ill(self, keys: frozenset[ObjectKey], health: Health) -> None:
        """These workloads are not ready, and will not be."""
        self.faults.unhealthy = keys
        for key in sorted(keys & self.objects.keys()):
            self.set_health(key, health)

    def tell(self, key: ObjectKey) -> None:
        """An object changed."""
        self._tell(key)

    def _tell(self, key: ObjectKey) -> None:
        """Watch events come late, and in any order; a watch that was dropped brings none."""
        for watcher in tuple(self._watchers):
            lag = self.draw.choice((0.0, 0.01, 0.2, 1.5))
            asyncio.get_running_loop().call_later(lag, self._deliver, watcher, key)

    def _deliver(self, watcher: Watcher, key: ObjectKey) -> None:
        if watcher in self._watchers and not self.faults.is_deaf:
            watcher(key)
