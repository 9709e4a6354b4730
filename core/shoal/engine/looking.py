"""Looks at the whole fleet while it goes on: in portions, between which the loop turns.

To show fifty thousand targets takes seconds. Whoever asks for them waits for that; reconciliation
must not, and neither must the next one who asks. What comes and goes meanwhile may be seen or not;
what stays is seen once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shoal.engine.portions import in_portions
from shoal.engine.state import EngineState
from shoal.engine.viewing import (
    IsMeant,
    Standing,
    view_applications,
    view_clusters,
    view_fleet,
    view_targets,
)
from shoal.engine.views.fleet import FleetView

PORTION = 100
"""Targets between two turns of the loop: a few milliseconds."""


async def look_at_fleet(
    state: EngineState, *, location: str, version: str, started_at: datetime
) -> FleetView:
    """The fleet on one screen."""
    standing = Standing()
    async for target in in_portions(list(state.targets.values()), PORTION):
        standing.count(state, target)
    return view_fleet(state, standing, location=location, version=version, started_at=started_at)


async def look_at_many(state: EngineState, path: str, is_meant: IsMeant) -> list[Any] | None:
    """The views of a list that may be long, of the applications that are meant; None: it is not."""
    making: Iterator[Any]
    size = PORTION
    if path == "targets":
        making = view_targets(state, is_meant)
    elif path == "applications":
        making, size = view_applications(state, is_meant), 1  # each looks at all of its targets
    elif path == "clusters":
        making = view_clusters(state)
    else:
        return None
    return [each async for each in in_portions(making, size)]
