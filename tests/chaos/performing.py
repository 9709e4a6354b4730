"""Performs a schedule: faults, commits and strangers at their times, then peace until all is equal.

Each track of faults goes on by itself; a fault whose mending took longer pushes the next one back,
and what comes too late to be worth it is left out. Everything that really happened is noted with
its times, for the judge goes by that and not by the plan.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio import to_thread
from tests.chaos.controller import OnDuty
from tests.chaos.evidence import (
    differences,
    marked,
    read_cluster,
    read_head,
    read_repository,
)
from tests.chaos.faults import KINDS, World
from tests.chaos.judging import Blow
from tests.chaos.manifests import Body, Key
from tests.chaos.schedule import Schedule, Strike

_LATEST_SECONDS = 30.0  # a fault that comes later than this is left out
_DUTY_SECONDS = 4.0
_LOOK_SECONDS = 2.0
# So long nothing may differ before it counts as peace: a correction may be on its way.
_QUIET_SECONDS = 6.0


@dataclass(slots=True)
class Happened:
    """What really happened in a run."""

    blows: list[Blow] = field(default_factory=list[Blow])
    heads: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    problems: list[str] = field(default_factory=list[str])
    # Objects that were pruned and that a restored etcd has again.
    brought_back: set[tuple[str, Key]] = field(default_factory=set[tuple[str, Key]])
    skipped: int = 0
    peace_seconds: float = 0.0


@dataclass(slots=True)
class Performance:
    """One run over one world."""

    world: World
    schedule: Schedule
    chance: random.Random
    duty: OnDuty
    happened: Happened = field(default_factory=Happened)
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _began: float = 0.0
    _is_meant_to_be_down: bool = False

    async def perform(self) -> None:
        """All of the schedule; returns when the last fault is mended."""
        self._began, self.began_at = time.monotonic(), datetime.now(UTC)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._stay_on_duty)
            tasks.start_soon(self._watch_over)
            async with anyio.create_task_group() as acts:
                for track in self.schedule.tracks:
                    acts.start_soon(self._strike_all, track)
                acts.start_soon(self._commit)
                acts.start_soon(self._annoy)
            tasks.cancel_scope.cancel()

    async def until_equal(self, scratch: Path, seconds: float) -> None:
        """Wait until every cluster is as Git has it, and stays so; else there is a problem."""
        await to_thread.run_sync(self.world.author.change)
        wanted = await to_thread.run_sync(read_repository, self.world.author.bare, scratch)
        began = time.monotonic()
        last: list[str] = []
        quiet_since: float | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._stay_on_duty)
            tasks.start_soon(self._watch_over)
            while time.monotonic() - began < seconds:
                last = await self._differences(wanted)
                now = time.monotonic()
                quiet_since = None if last else quiet_since or now
                if quiet_since is not None and now - quiet_since >= _QUIET_SECONDS:
                    break
                await anyio.sleep(_LOOK_SECONDS)
            tasks.cancel_scope.cancel()
        self.happened.problems += await self._harmed_strangers()
        self.happened.peace_seconds = (quiet_since or time.monotonic()) - began
        self.happened.problems += [f"{each} after {seconds:.0f} s of peace" for each in last]

    async def _differences(self, wanted: dict[Key, Body]) -> list[str]:
        found: list[str] = []
        for name, victim in self.world.victims.items():
            async with victim.plane.client() as client:
                live = await read_cluster(client)
            strangers = {key for where, key in self.world.strangers.ever if where == name}
            found += [f"{name}: {each}" for each in differences(wanted, live)]
            orphans = marked(live) - wanted.keys() - strangers
            back = orphans & self._brought_back(name)
            self.happened.brought_back |= {(name, key) for key in back}
            orphans -= back
            found += [f"{name}: {key} is marked as ours and not in Git" for key in sorted(orphans)]
        return found

    async def _harmed_strangers(self) -> list[str]:
        """What strangers keep, and is gone or other than they left it."""
        found: list[str] = []
        for name, theirs in self.world.strangers.theirs.items():
            async with self.world.victims[name].plane.client() as client:
                live = await read_cluster(client)
            found += [
                f"{name}: {key} of a stranger is {'other' if key in live else 'gone'}"
                for key, data in theirs.items()
                if data is not None and live.get(key, {}).get("data") != data
            ]
        return found

    def _brought_back(self, cluster: str) -> set[Key]:
        """What a backup may have brought back: it was deleted once, and is a person's to decide."""
        kinds = {blow.kind for blow in self.happened.blows if blow.where == cluster}
        if "etcd-restored" not in kinds:
            return set()
        return {key for commit in self.world.author.commits for key in commit.removed}

    # -- acts ----------------------------------------------------------------------------------

    async def _strike_all(self, track: Sequence[Strike]) -> None:
        for strike in track:
            await self._until(strike.at)
            if self._now - strike.at > _LATEST_SECONDS:
                self.happened.skipped += 1
                continue
            await self._strike(strike)

    async def _strike(self, strike: Strike) -> None:
        kind = KINDS[strike.kind]
        is_down = strike.kind.startswith("controller-killed")
        if is_down:
            head = await to_thread.run_sync(read_head, self.world.child.database)
            self.happened.heads += [head] if head else []
            self._is_meant_to_be_down = True
        begun = datetime.now(UTC)
        async with kind.strike(self.world, strike.where):
            await anyio.sleep(strike.seconds)
        if is_down:
            self._is_meant_to_be_down = False
        self.happened.blows.append(Blow(strike.kind, strike.where, begun, datetime.now(UTC)))

    async def _commit(self) -> None:
        for at in self.schedule.commits:
            await self._until(at)
            async with self.world.writing:
                await to_thread.run_sync(self.world.author.change)

    async def _annoy(self) -> None:
        async with anyio.create_task_group() as acts:
            for one in self.schedule.nuisances:
                await self._until(one.at)
                key = self.chance.choice(sorted(self.world.author.tree))
                acts.start_soon(self.world.strangers.act, one.what, one.cluster, key)

    async def _until(self, at: float) -> None:
        await anyio.sleep(max(at - self._now, 0.0))

    @property
    def _now(self) -> float:
        return time.monotonic() - self._began

    # -- beside --------------------------------------------------------------------------------

    async def _stay_on_duty(self) -> None:
        while True:
            await anyio.sleep(_DUTY_SECONDS)
            if not self._is_meant_to_be_down:
                await self.duty.look()

    async def _watch_over(self) -> None:
        """A controller that ends by itself is a problem, and is started again."""
        while True:
            await anyio.sleep(1)
            if not self._is_meant_to_be_down and not self.world.child.is_alive():
                self.happened.problems.append(f"{datetime.now(UTC):%H:%M:%S} shoal run ended")
                await self.world.child.start()
