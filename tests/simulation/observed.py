"""What the simulation remembers of a run, to hold the invariants against: the observer's memory.

None of it is known to the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.simulation.cluster import SimulatedCluster
from tests.simulation.fleet import Declared

from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action, Grant
from shoal.testing.fake_cluster import FakeObject

# A pass that was decided before may go on while requests hang; it began within this time.
PASS_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A write at the moment when it was sent, and what was true then.

    `seen` is what the controller had read of the fleet, newest last; `told` the identity that the
    last probe told it, `known` the one that was stored; `intent` whose the row of the object was;
    `is_disk_full` whether nothing could be stored.
    """

    at: float
    process: int
    key: ObjectKey
    action: Action
    grant: Grant
    is_suspended: bool
    seen: Sequence[tuple[float, Declared]]
    told: str
    known: str | None
    intent: TargetKey | None
    is_disk_full: bool

    @property
    def target(self) -> TargetKey:
        """Who writes."""
        return self.grant.target


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was carried out."""

    at: float
    cluster: SimulatedCluster
    sent: Sent
    before: FakeObject | None
    after: FakeObject | None

    @property
    def is_delete(self) -> bool:
        """Whether the object is gone now."""
        return self.after is None

    @property
    def is_create(self) -> bool:
        """Whether the object was not there."""
        return self.before is None


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that was stored, and how much the target had then, by its rows and by what is live.

    The two differ while answers are lost and strangers delete: `least` and `most` are both. What a
    person let go as an orphan is not among the most.
    """

    at: float
    grant: Grant
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Approved:
    """A person said yes to a hold, and to what would be deleted at its target."""

    at: float
    hold: Hold
    leaving: Set[ObjectKey]


@dataclass
class Observed:
    """What happened until now."""

    grants: dict[TargetKey, list[Granted]] = field(default_factory=lambda: defaultdict(list))
    newest: dict[tuple[str, ObjectKey, TargetKey], datetime] = field(default_factory=dict)
    deleted: dict[tuple[TargetKey, datetime], list[ObjectKey]] = field(
        default_factory=lambda: defaultdict(list)
    )
    approvals: list[Approved] = field(default_factory=list)
    suspended: dict[str, datetime] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    unexplained: dict[tuple[TargetKey, ObjectKey], Write] = field(default_factory=dict)
    disturbed: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def begins_anew(self, cluster: str) -> None:
        """Another cluster has this name from now on: of what is on it nothing is known to be ours.

        So nothing shrinks there. What carries our marks is an orphan, and a hold of its own.
        """
        for target in [target for target in self.grants if target.cluster == cluster]:
            self.grants[target] = [replace(each, least=0) for each in self.grants[target]]

    def grant_of(self, sent: Sent) -> Granted | None:
        """The grant of a write as it was stored; None: it never was."""
        for entry in self.grants[sent.target]:
            if (entry.grant.revision, entry.grant.since) == (sent.grant.revision, sent.grant.since):
                return entry
        return None

    def first_granted(self, sent: Sent) -> float:
        """When the target was first granted what a write is of; a restart grants it again."""
        granted = self.grants[sent.target]
        times = (each.at for each in granted if each.grant.revision == sent.grant.revision)
        return min(times, default=sent.at)

    def is_approved(self, target: TargetKey, since: float, now: float) -> bool:
        """Whether a person said yes to something of this target since then, which still counts."""
        return any(each.at >= since for each in self._counting(target, now))

    def may_leave(self, target: TargetKey, key: ObjectKey, now: float) -> bool:
        """Whether a person agreed that just this goes; a newer revision without it is no news."""
        return any(key in each.leaving for each in self._counting(target, now))

    def is_approved_orphan(self, target: TargetKey, key: ObjectKey, now: float) -> bool:
        """Whether a person agreed that just this goes, when nobody knew whose wish it was."""
        return any(
            key in each.leaving and each.hold.cause is HoldCause.ORPHANED
            for each in self._counting(target, now)
        )

    def _counting(self, target: TargetKey, now: float) -> Iterator[Approved]:
        """What was approved at a target, and still counts."""
        for each in self.approvals:
            if each.hold.subject == str(target) and each.at > now - 86_400:
                yield each
