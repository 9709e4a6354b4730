"""Whether a target has a revision, and how long revisions take to arrive. Pure.

Revisions of a source are compared by when they were seen there: a commit says nothing of what comes
after it. One that was never seen ranks before all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Arrival(Enum):
    """How a target stands to a revision."""

    HERE = auto()
    UNCHANGED = auto()
    SUPERSEDED = auto()
    NOT_YET = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """Ranks of revisions of one source, as seen from one target.

    `wanted` is the one that is looked for, `decided` the one its application was decided at,
    `granted` the one that it may have, `synced` the one that it has in full.
    """

    wanted: int
    decided: int
    granted: int
    synced: int


def arrival(standing: Standing) -> Arrival:
    """Whether what is wanted is there.

    A grant is renewed only where a revision changes something: one that is older than the decision
    says that nothing in between is new to this target.
    """
    if standing.synced == standing.wanted:
        return Arrival.HERE
    if standing.synced > standing.wanted:
        return Arrival.SUPERSEDED
    if standing.granted < standing.wanted <= standing.decided:
        return Arrival.UNCHANGED
    return Arrival.NOT_YET


def reached(seconds: Sequence[float], count: int, share: float) -> float | None:
    """When `share` of `count` targets had it; None while fewer have it."""
    needed = max(1, math.ceil(share * count))
    return sorted(seconds)[needed - 1] if len(seconds) >= needed else None
