"""What the engine knows of one application at one cluster, and how well its objects are.

The lanes of a cluster write it while they work on the target; views and gates read it. What must
survive a restart is in the store too; the rest is found out again by looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from shoal.engine.views.changes import HeldChanges
from shoal.errors import ShoalError
from shoal.model.health import Health, HealthState, lasting, worst
from shoal.model.holds import Hold
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Desired, Plan
from shoal.model.sightings import Drift, Neighbour
from shoal.planning.backing_off import NEVER, Repetition
from shoal.planning.fighting import Struggle
from shoal.planning.holding import Released
from shoal.planning.leaving import Removal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wait:
    """What an object waits for; it is tried again by itself."""

    message: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """Objects of later waves, and what they wait for: `blockers` of `wave`, since when."""

    keys: frozenset[ObjectKey]
    wave: int
    blockers: frozenset[ObjectKey]
    since: datetime


NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""What most targets have none of; shared, for there are many targets."""


def without(many: Mapping[ObjectKey, T], key: ObjectKey) -> Mapping[ObjectKey, T]:
    """All but one."""
    return {each: one for each, one in many.items() if each != key} or NOTHING


@dataclass(slots=True)
class TargetState:
    """One application at one cluster.

    `desired` is what it should hold, `applied` the last one carried out in full; `removing` says
    why it should hold nothing any more, and what becomes of what it has. `deferred` objects are
    pruned once the others are healthy; `told` is the digest of the failures that were recorded
    last, `is_failing` until they are over; `degraded` are objects that were seen degraded and not
    healthy since; `drifted_since` is when the drift of an object was first seen. `health` knows
    every object that was seen since start, `unseen` holds those that were written and not seen
    since. `undecided` says why nobody knows what it should hold now: it keeps what it has. `hold`
    stops it or a part of it, which `held` tells, `standing` is the last hold of a prune, also while
    another one stands in its place, `conflicts` hold single objects; `released` is what a person
    let go of what was held. `begun` are objects to which something newer than `applied` was sent,
    whatever came of it. `queued` is what waits for an earlier wave, `trial` says what the
    validation of this revision waits for, `observed` is the plan of a target that is only observed,
    `looks` when it was made. `struggles` are the objects that were corrected lately, `sighted` when
    others were seen drifting, `reported` of what drifts on, by its reason, when that was recorded,
    `beside` who else deploys an object. `is_delivering`: it was synced to another revision than it
    had before, and was not seen healthy since. `orphaned` holds what carries its marks and is not
    wanted, and nothing else.
    """

    key: TargetKey
    desired: Desired | None = None
    applied: Desired | None = None
    removing: Removal | None = None
    undecided: ShoalError | None = None
    hold: Hold | None = None
    standing: Hold | None = None
    held: HeldChanges | None = None
    orphaned: Hold | None = None
    conflicts: Mapping[ObjectKey, Hold] = field(default_factory=lambda: NOTHING)
    released: Released = field(default_factory=lambda: NOTHING)
    begun: frozenset[ObjectKey] = frozenset()
    queued: Queued | None = None
    trial: str = ""
    observed: Plan | None = None
    looks: Repetition = NEVER
    struggles: Mapping[ObjectKey, Struggle] = field(default_factory=lambda: NOTHING)
    sighted: Mapping[ObjectKey, datetime] = field(default_factory=lambda: NOTHING)
    reported: Mapping[ObjectKey, tuple[str, Repetition]] = field(default_factory=lambda: NOTHING)
    beside: Mapping[ObjectKey, tuple[Neighbour, ...]] = field(default_factory=lambda: NOTHING)
    reset_at: datetime | None = None
    error: ShoalError | None = None
    problems: dict[ObjectKey, ShoalError] = field(default_factory=dict)
    waiting: dict[ObjectKey, Wait] = field(default_factory=dict)
    drifted: dict[ObjectKey, Drift] = field(default_factory=dict)
    drifted_since: dict[ObjectKey, datetime] = field(default_factory=dict)
    health: dict[ObjectKey, Health] = field(default_factory=dict)
    unwell_since: dict[ObjectKey, datetime] = field(default_factory=dict)
    unseen: dict[ObjectKey, None] = field(default_factory=dict)
    told: str = ""
    is_failing: bool = False
    degraded: frozenset[ObjectKey] = frozenset()
    failures: int = 0
    is_syncing: bool = False
    deferred: frozenset[ObjectKey] = frozenset()
    is_awaiting_health: bool = False
    is_delivering: bool = False
    synced_revision: str = ""
    synced_digest: str = ""
    synced_at: datetime | None = None
    since: datetime | None = None
    plan_hash: str = ""
    trace_id: str = ""

    def saw_health(self, key: ObjectKey, health: Health, at: datetime) -> None:
        """The object was seen like this; since when it is no better is kept of those unwell."""
        before = self.health.get(key)
        if health.state is HealthState.HEALTHY:
            self.unwell_since.pop(key, None)
        elif before is None or before.state is not health.state:
            self.unwell_since[key] = at
        self.health[key] = health
        self.was_seen(key)

    def forget(self, key: ObjectKey) -> None:
        """The object is not there any more, or not this target's: what was seen of it is over.

        What was told of it, in `reported` and `degraded`, ends when that is recorded.
        """
        self.health.pop(key, None)
        self.unwell_since.pop(key, None)
        self.was_seen(key)
        self.drifted.pop(key, None)
        self.drifted_since.pop(key, None)
        self.beside = without(self.beside, key)

    def was_seen(self, key: ObjectKey) -> None:
        """The object was seen since it was written, or was not written after all."""
        self.unseen.pop(key, None)
        if not self.unseen:
            self.unseen = {}  # an emptied dict keeps its room

    def is_healthy(self, keys: Iterable[ObjectKey]) -> bool:
        """Whether each of these objects was *seen* healthy since it was written."""
        unknown = Health(HealthState.UNKNOWN)
        return all(
            key not in self.unseen and self.health.get(key, unknown).state is HealthState.HEALTHY
            for key in keys
        )

    def unwell(self, now: datetime) -> dict[ObjectKey, Health]:
        """The health of each object that is not healthy, with how long it has been so."""
        return {
            key: lasting(health, now - self.unwell_since.get(key, now))
            for key, health in self.health.items()
            if health.state is not HealthState.HEALTHY
        }

    def blocked(self) -> list[ObjectKey]:
        """The objects that are on their way and do not get on, for something is in the way."""
        if not self.unwell_since:
            return []
        return sorted(key for key in self.unwell_since if self.health[key].is_blocked)

    def worst_health(self, now: datetime) -> Health:
        """The health of its worst object."""
        if not self.unwell_since:
            return worst(())
        return worst(self.unwell(now).values())
