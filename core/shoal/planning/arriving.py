"""Whether a target has a revision, and how long revisions take to arrive. Pure.

Revisions of a source are compared by when they were seen there: a commit says nothing of what comes
after it. One that was never seen ranks before all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Presence(StrEnum):
    """Whether a target has what is looked for; from good to bad.

    UNCHANGED: it was decided at that revision, which changes nothing for it. SUPERSEDED: it had it,
    or went past it, and has a later one now. LEAVING: it has an image that Git wants no more.
    """

    HERE = "Here"
    UNCHANGED = "Unchanged"
    SUPERSEDED = "Superseded"
    LEAVING = "Leaving"
    NOT_YET = "NotYet"


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


def presence_of(standing: Standing) -> Presence:
    """Whether what is wanted is there.

    A grant is renewed only where a revision changes something: one that is older than the decision
    says that nothing in between is new to this target.
    """
    if standing.synced == standing.wanted:
        return Presence.HERE
    if standing.synced > standing.wanted:
        return Presence.SUPERSEDED
    if standing.granted < standing.wanted <= standing.decided:
        return Presence.UNCHANGED
    return Presence.NOT_YET


def reached(seconds: Sequence[float], count: int, share: float) -> float | None:
    """When `share` of `count` targets had it; None while fewer have it."""
    needed = max(1, math.ceil(share * count))
    return sorted(seconds)[needed - 1] if len(seconds) >= needed else None
