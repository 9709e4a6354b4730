"""Short runs with a fault that is planted in the engine: does the simulation see it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.simulation.running import run
from tests.simulation.schedule import Event, Scenario

# The one Alert of a scenario with this seed is about every trouble.
TROUBLES = 28


def invariants_broken(*events: Event, seed: int = TROUBLES, **fleet: Any) -> set[str]:
    """What breaks when this happens to a small fleet: one application on one cluster, an Alert."""
    first = Event(0.0, "commit", "a0", number=5)
    small = Scenario(seed, 0.4, ("c0",), ("a0",), (first, *events), ("al0",))
    return {each.invariant for each in run(replace(small, **fleet)).violations}


@contextmanager
def planted(where: Any, name: str, fault: Callable[..., Any]) -> Iterator[None]:
    """The engine does this instead, for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(where, name, fault)
        yield
