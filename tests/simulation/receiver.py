"""Who is told by Alerts: places that are away, hang, refuse, answer late, or lose their answers.

A message has three moments, as a write has: it is sent, it is taken, its answer comes back. What
was on its way when the controller was killed may be taken all the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from tests.engine.fakes import NotingSpec

from shoal.errors import AccessDenied, HttpFailed, Permanent
from shoal.hooks.host import Host
from shoal.model.alerts import Batch
from shoal.model.choice import Spec

if TYPE_CHECKING:
    from tests.simulation.process import Watcher

# Longer than a notifier is given.
HANGS_SECONDS = 60.0


@dataclass
class Place:
    """One destination, and what is wrong with it now."""

    name: str
    draw: random.Random
    faults: set[str] = field(default_factory=set)

    async def travel(self) -> None:
        """A message is on its way; raises when it does not arrive."""
        await anyio.sleep(self._delay())
        if "away" in self.faults:
            raise HttpFailed("it gave no answer", after_seconds=self.draw.choice((None, 0, 90)))
        if "refuses credential" in self.faults:
            raise AccessDenied("the address is not known any more")
        if "breaks" in self.faults:
            raise ZeroDivisionError("a bug of a plugin")
        if "hangs" in self.faults and self.draw.random() < 0.5:
            await anyio.sleep(HANGS_SECONDS)
        if "refuses" in self.faults and self.draw.random() < 0.5:
            raise Permanent("it is not well-formed (400)")

    async def answer(self) -> None:
        """It was taken, and the answer is on its way."""
        if "hangs" in self.faults:
            await anyio.sleep(HANGS_SECONDS)
        if "loses answers" in self.faults and self.draw.random() < 0.5:
            raise HttpFailed("it broke off in the middle of an answer")
        await anyio.sleep(self._delay())

    def _delay(self) -> float:
        if "late" in self.faults:
            return self.draw.uniform(1.0, 20.0)
        return self.draw.choice((0.0, 0.01, 0.2))


FAULTS = (
    "away",
    "refuses credential",
    "breaks",
    "hangs",
    "refuses",
    "loses answers",
    "late",
)


class SimulatedNotifier:
    """The notifier type of one process."""

    name = "noting"
    spec: type[Spec] = NotingSpec

    def __init__(self, places: Mapping[str, Place], watcher: Watcher) -> None:
        self._places = places
        self._watcher = watcher

    async def send(self, spec: NotingSpec, batch: Batch, host: Host) -> None:
        """Return when the place has it and said so."""
        place, observer = self._places[spec.to], self._watcher.observer
        await self._gone_with_the_process()
        observer.crosses(self._watcher.life)
        try:
            await place.travel()
        except asyncio.CancelledError:
            if "away" not in place.faults and place.draw.random() < 0.3:
                observer.told_outside(self._watcher.life, place.name, batch)
            raise
        observer.told_outside(self._watcher.life, place.name, batch)
        observer.crosses(self._watcher.life)
        await place.answer()
        await self._gone_with_the_process()

    async def _gone_with_the_process(self) -> None:
        """A process that was killed does nothing any more."""
        while not self._watcher.is_alive:
            await anyio.sleep(3600)
