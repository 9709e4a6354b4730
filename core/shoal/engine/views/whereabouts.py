"""Views of where a revision or an image is, and how long it took to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shoal.engine.views.applications import TargetPhase
from shoal.planning.arriving import Presence


@dataclass(frozen=True, slots=True)
class Whereabout:
    """Whether one target has what is looked for, since when, and if not, why.

    `seconds` is how long that took since the commit, where both are known; `blocked` counts its
    objects that do not get on.
    """

    namespace: str
    application: str
    cluster: str
    presence: Presence
    phase: TargetPhase
    health: str
    blocked: int
    revision: str
    images: Sequence[str]
    arrived_at: datetime | None
    seconds: float | None
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Seconds from the commit until targets had it: the first, half, 95 of 100, and the last.

    A share that is not reached yet is None.
    """

    first: float | None = None
    p50: float | None = None
    p95: float | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True)
class WhereView:
    """Where a revision or an image is. `sort` is `revision` or `image`; `name` is it in full.

    `came_with`: the later revision that a source was seen at, where it was never seen itself.
    `untouched` applications read the source and render alike with and without the revision: they
    are not in `targets`. `here` counts the targets that have it, or have gone past it.
    """

    sort: str
    name: str
    author: str
    subject: str
    came_with: str
    source: str
    committed_at: datetime | None
    detected_at: datetime | None
    here: int
    untouched: Sequence[str]
    silent: Sequence[str]
    times: LeadTimes
    targets: Sequence[Whereabout]
