"""The whole of `shoal doctor`: this machine and one fleet, looked at side by side."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import anyio

from shoal.composition.checking_fleet import Say, check_fleet
from shoal.composition.checking_machine import machine_probes
from shoal.composition.diagnosing import Check, diagnose
from shoal.composition.loading import Plugins
from shoal.composition.offline import Given
from shoal.documents import Loaded


class Fleet(NamedTuple):
    """The documents of a fleet, what was told about it, and where it is."""

    loaded: Loaded
    given: Given
    location: str


async def check_all(plugins: Plugins, state: Path, fleet: Fleet | None, say: Say) -> list[Check]:
    """Every check: the machine's first, then the fleet's, if there is one to look at."""
    of_machine: list[Check] = []
    of_fleet: list[Check] = []

    async def look_at_fleet(fleet: Fleet) -> None:
        of_fleet.extend(await check_fleet(fleet.loaded, fleet.given, fleet.location, plugins, say))

    async with anyio.create_task_group() as group:
        if fleet is not None:
            group.start_soon(look_at_fleet, fleet)
        of_machine += await diagnose(machine_probes(plugins, state))
    return [*of_machine, *of_fleet]
