"""How well an object does, in kstatus's terms and a word people say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
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
    """A state and one sentence why; the sentence is empty when the object is healthy.

    `is_blocked`, of what is Progressing: what is in its way was found, it is in `reason`, and does
    not go away by itself.
    """

    state: HealthState
    reason: str = ""
    is_blocked: bool = False


def lasting(health: Health, span: timedelta) -> Health:
    """The same health, its reason with how long it has lasted; what is new says nothing of it."""
    minutes = int(span.total_seconds() // 60)
    if not health.reason or minutes < 1:
        return health
    words = f"{minutes} min" if minutes < 2 * 60 else f"{minutes // 60} h"
    if minutes >= 2 * 24 * 60:
        words = f"{minutes // (24 * 60)} days"
    return health._replace(reason=f"{health.reason} (for {words})")


def worst(states: Iterable[Health]) -> Health:
    """The health of a set; an empty set is healthy."""
    return max(
        states,
        key=lambda health: (SEVERITY[health.state], health.is_blocked),
        default=Health(HealthState.HEALTHY),
    )
