"""How well an object does, in kstatus's terms and a word people say."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class HealthState(StrEnum):
    """Ordered from good to bad by `SEVERITY`; a set is as healthy as its worst object."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    UNKNOWN = "Unknown"
    DEGRADED = "Degraded"
    MISSING = "Missing"


SEVERITY = {state: rank for rank, state in enumerate(HealthState)}


class Health(NamedTuple):
    """A state and one sentence why; the sentence is empty when the object is healthy."""

    state: HealthState
    reason: str = ""


def worst(states: Iterable[Health]) -> Health:
    """The health of a set; an empty set is healthy."""
    return max(
        states, key=lambda health: SEVERITY[health.state], default=Health(HealthState.HEALTHY)
    )
