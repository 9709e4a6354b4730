"""What the database says, as far as invariants ask for it; copied with a backup, and lost with it.

Follows each change that is committed, and asks nobody in the engine.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.hearing import Heard

from shoal.model.holds import Hold
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import OwnedState
from shoal.store import changes
from shoal.store.changes import Change
from shoal.testing.memory_store import MemoryDisk

Place = tuple[str, ObjectKey]


@dataclass
class Memory:
    """Rows by cluster and object, the confirmed ones, who clusters are, and holds by their id."""

    rows: dict[Place, TargetKey] = field(default_factory=dict)
    confirmed: set[Place] = field(default_factory=set)
    identities: dict[str, str] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    def follow(self, change: Change) -> None:
        """One more change was committed."""
        match change:
            case changes.PutOwned(rows):
                for row in rows:
                    place = (row.target.cluster, row.key)
                    self.rows[place] = row.target
                    if row.state is OwnedState.CONFIRMED:
                        self.confirmed.add(place)
                    else:
                        self.confirmed.discard(place)
            case changes.DropOwned(cluster, keys):
                for key in keys:
                    self.rows.pop((cluster, key), None)
                    self.confirmed.discard((cluster, key))
            case changes.PutIdentity(cluster, uid):
                self.identities[cluster] = uid
            case changes.PutHold(hold):
                self.holds[hold.id] = hold
            case changes.DropHold(name):
                self.holds.pop(name, None)

    def confirmed_of(self, target: TargetKey) -> int:
        """How many confirmed rows a target has."""
        return sum(self.rows[each] == target for each in self.confirmed)


@dataclass(frozen=True)
class Backup:
    """A disk as it was, and what was true of it."""

    disk: MemoryDisk
    memory: Memory
    suspended: dict[str, datetime]
    heard: dict[str, Heard]

    def copy(self) -> Backup:
        """Another one, that changes apart."""
        return Backup(
            self.disk.copy(),
            copy.deepcopy(self.memory),
            dict(self.suspended),
            {place: heard.copy() for place, heard in self.heard.items()},
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """The database was lost, or an older one is in its place: when, in which life, what is left.

    An older database that nobody marked as such `is_believed`, also when it has no rows at all;
    `known` is what its rows say.
    """

    at: float
    life: int
    is_believed: bool
    known: frozenset[Place] = frozenset()
