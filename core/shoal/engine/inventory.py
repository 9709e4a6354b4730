"""The engine's memory of what is ours on one cluster, indexed by target.

Sessions are handed it as a live, read-only mapping; only `recording` writes it, after the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Owned, OwnedState

DOUBTED = OwnedState.DOUBTED


class Inventory(Mapping[ObjectKey, Owned]):
    """Rows by object, and the objects of each target."""

    def __init__(self, rows: Iterable[Owned] = ()) -> None:
        self._rows: dict[ObjectKey, Owned] = {}
        # Sets as dicts, which take half of the room when they are small.
        self._by_target: dict[TargetKey, dict[ObjectKey, None]] = {}
        self.put(rows)

    def __getitem__(self, key: ObjectKey) -> Owned:
        return self._rows[key]

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, target: TargetKey) -> Mapping[ObjectKey, Owned]:
        """The rows of one target, but for those that are doubted."""
        return {key: row for key, row in self._all_of(target) if row.state is not DOUBTED}

    def doubted(self, target: TargetKey) -> Mapping[ObjectKey, Owned]:
        """The rows of one target of which it is not known what was written last."""
        return {key: row for key, row in self._all_of(target) if row.state is DOUBTED}

    def targets(self) -> frozenset[TargetKey]:
        """Everybody who has a row here."""
        return frozenset(self._by_target)

    def is_any_of(self, target: TargetKey) -> bool:
        """Whether there is any row of this target, however sure it is."""
        return target in self._by_target

    def is_of(self, key: ObjectKey, target: TargetKey) -> bool:
        """Whether there is a row of this object, and it is this target's."""
        row = self._rows.get(key)
        return row is not None and row.target == target

    def count(self, target: TargetKey) -> int:
        """How many objects are known to be this target's: confirmed ones."""
        return len(self.confirmed(target))

    def confirmed(self, target: TargetKey) -> list[ObjectKey]:
        """The objects that are known to be this target's."""
        keys = self._by_target.get(target, ())
        return [key for key in keys if self._rows[key].state is OwnedState.CONFIRMED]

    def _all_of(self, target: TargetKey) -> Iterator[tuple[ObjectKey, Owned]]:
        return ((key, self._rows[key]) for key in self._by_target.get(target, ()))

    def put(self, rows: Iterable[Owned]) -> None:
        """Add rows, or replace those of the same objects."""
        for row in rows:
            self.drop((row.key,))
            self._rows[row.key] = row
            self._by_target.setdefault(row.target, {})[row.key] = None

    def drop(self, keys: Iterable[ObjectKey]) -> None:
        """Forget rows; those that are not there are not missed."""
        for key in keys:
            row = self._rows.pop(key, None)
            if row is None:
                continue
            siblings = self._by_target[row.target]
            siblings.pop(key, None)
            if not siblings:
                del self._by_target[row.target]
