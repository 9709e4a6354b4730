"""Kinds of events by their name: a function each that does what happens.

It gives what ends it, or nothing when it is over at once.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from tests.simulation.schedule import Event
from tests.simulation.world import World

End = Callable[[], None]
Happening = Callable[[World, Event, random.Random], Awaitable[End | None]]


def registering(into: dict[str, Happening]) -> Callable[[str], Callable[[Happening], Happening]]:
    """What puts a function there, by the name of its kind."""

    def kind(name: str) -> Callable[[Happening], Happening]:
        def register(happening: Happening) -> Happening:
            into[name] = happening
            return happening

        return register

    return kind
