"""Objects that carry our marks and of which no row says more: noted, until a target claims them.

There are two sorts. Those without any row show that the inventory has holes, and are counted; those
that a sweep found have a row that names them and says nothing else. Both are claimed by one apply
to exactly the object that was seen. What a sweep found and has gone, or is somebody else's now, is
told to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Drift, DriftKind, Sighting
from shoal_clusters.kubernetes.claiming import unclaimed
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.register import Outbox, Register, Unclaimed


def is_only_found(row: Owned | None) -> bool:
    """Whether a row says no more than that a sweep found the object."""
    return row is not None and row.state is OwnedState.DOUBTED and not row.baseline


def is_described(row: Owned | None) -> bool:
    """Whether a row says what was written, so that the object can be judged by it."""
    return row is not None and bool(row.uid) and not is_only_found(row)


class Claims(NamedTuple):
    """What is known of them in one session."""

    register: Register
    outbox: Outbox
    fleet: str

    def swept(
        self, key: ObjectKey, live: Mapping[str, Any], *, is_written: bool
    ) -> Unclaimed | None:
        """A sweep saw this; None when its marks are not ours. `is_written`: just now, by us."""
        if is_written or is_described(self.register.row(key)):
            return unclaimed(live, key, self.fleet)
        return self._note(key, live)

    def appeared(self, key: ObjectKey, raw: bytes) -> None:
        """A watch shows an object that no row describes."""
        if self._note(key, orjson.loads(raw)) is None:
            self._ended(key, DriftKind.TAKEN)

    def vanished(self, key: ObjectKey) -> None:
        """A watch shows it no more."""
        self.register.unclaimed.pop(key, None)
        self._ended(key, DriftKind.MISSING)

    def listed(self, resource: Resource, names: frozenset[tuple[str, str]], namespace: str) -> None:
        """A whole list was read, over all namespaces or in one: what it does not hold is gone."""
        self.register.keep_unclaimed(resource.group_kind, names, namespace)
        for row in list(self.register.rows(resource.group_kind)):
            is_meant = namespace in ("", row.key.namespace)
            if is_meant and (row.key.namespace, row.key.name) not in names:
                self._ended(row.key, DriftKind.MISSING)

    def _note(self, key: ObjectKey, live: Mapping[str, Any]) -> Unclaimed | None:
        found = unclaimed(live, key, self.fleet)
        if found is None:
            self.register.unclaimed.pop(key, None)
        else:
            self.register.unclaimed[key] = found
        return found

    def _ended(self, key: ObjectKey, how: DriftKind) -> None:
        row = self.register.row(key)
        if row is not None and is_only_found(row):
            self.outbox.put(Sighting(row.target, key, datetime.now(UTC), drift=Drift(how, None)))
