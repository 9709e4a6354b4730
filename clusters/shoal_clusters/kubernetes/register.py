"""What one session knows of its objects beyond the inventory: newer rows, versions, drift, health.

The inventory belongs to the engine and lags behind a response by the time it takes to store it. In
between, the row of a result stands here, and gives way as soon as the engine's row changes. Nothing
here does I/O; `observing` and `applying` write it, `session` plans by it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterable, Iterator, Mapping
from typing import NamedTuple

import anyio
import anyio.lowlevel

from shoal.model.health import Health
from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned
from shoal.model.sightings import Drift, Neighbour, Sighting
from shoal_clusters.kubernetes.adding import Addition, Path
from shoal_clusters.kubernetes.baselines import decode_packed

_AT_ONCE = 1000
"""Rows looked at without giving way, about a microsecond each."""


class Kind(NamedTuple):
    """A kind of the inventory in the version it was applied in; no version: not known."""

    group: str
    kind: str
    version: str


class Unclaimed(NamedTuple):
    """An object that carries our marks, has our apply entry, and is in no inventory.

    `is_kept`: its live annotation forbids pruning, so that it may have been let go of.
    """

    uid: str
    version: str
    application: Ref
    is_scaled: bool
    is_kept: bool = False


class Register:
    """The memory of one session. All methods are plain look-ups; nothing waits.

    `drifted` holds what differs now and was not corrected, `lost` what is equal although somebody
    took fields over, `strangers` the owner that an object of ours names now, `kept` the objects
    whose live annotation forbids pruning, `unclaimed` what is marked as ours and has no row.
    `rewinds` counts what showed that the cluster went back to an earlier time.
    `added` are the fields behind a drift of that kind, in the version seen last, and `put_back`
    those that were there again when they had been removed: the server's defaults. `hanging` are
    those whose deletion was waited for in vain, `beside` holds who else deploys an object.
    """

    def __init__(self, owned: Mapping[ObjectKey, Owned]) -> None:
        self._owned = owned
        self._newer: dict[ObjectKey, tuple[Owned | None, Owned | None]] = {}
        self._versions: dict[ObjectKey, str] = {}
        self.drifted: dict[ObjectKey, Drift] = {}
        self.lost: set[ObjectKey] = set()
        self.strangers: dict[ObjectKey, str] = {}
        self.kept: set[ObjectKey] = set()
        self.hanging: set[ObjectKey] = set()
        self.beside: dict[ObjectKey, tuple[Neighbour, ...]] = {}
        self.unclaimed: dict[ObjectKey, Unclaimed] = {}
        self.rewinds = 0
        self.added: dict[ObjectKey, tuple[Addition, ...]] = {}
        self.put_back: dict[ObjectKey, frozenset[Path]] = {}
        # What each target may have, and the health of what was seen: a dict of its own for that
        # would take 70 bytes more per object.
        self._seen: dict[TargetKey, dict[ObjectKey, Health | None]] = {}
        for row in owned.values():
            self._seen.setdefault(row.target, {})[row.key] = None

    def row(self, key: ObjectKey) -> Owned | None:
        """The newest row of an object; None when it is not ours."""
        stored = self._owned.get(key)
        newer = self._newer.get(key)
        if newer is None:
            return stored
        base, row = newer
        if stored is not base and stored != base:
            # The engine stored this result, or intends something newer: its word counts again.
            del self._newer[key]
            return stored
        return row

    def rows(self, group_kind: GroupKind) -> Iterator[Owned]:
        """The rows of one kind."""
        keys = {key for key in (*self._owned, *self._newer) if key[:2] == group_kind}
        return (row for key in keys if (row := self.row(key)) is not None)

    async def kinds(self) -> set[Kind]:
        """Every kind that the inventory holds, in each version that it was applied in."""
        found: set[Kind] = set()
        for count, row in enumerate(tuple(self._owned.values()), 1):
            baseline = decode_packed(row.baseline)
            found.add(Kind(row.key.group, row.key.kind, baseline.version if baseline else ""))
            if count % _AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        known = {kind[:2] for kind in found if kind.version}
        return {kind for kind in found if kind.version or kind[:2] not in known}

    def unknown(self) -> Iterator[tuple[ObjectKey, Unclaimed]]:
        """What is marked as ours, was not let go of, and has no row at all: a hole."""
        for key, seen in self.unclaimed.items():
            if not seen.is_kept and self.row(key) is None:
                yield key, seen

    def namespaces(self) -> set[str]:
        """Where there is something of ours, or something that looks like it."""
        keys = (*self._owned, *self._newer, *self.unclaimed)
        return {key.namespace for key in keys if key.namespace}

    def expect(self, target: TargetKey, keys: Iterable[ObjectKey]) -> None:
        """A plan is carried out: from now on the engine may have rows of these objects.

        Also of those that never come to be: when the target no longer wants them, they are still to
        be looked at.
        """
        seen = self._seen.setdefault(target, {})
        for key in keys:
            seen.setdefault(key)

    def rows_of(self, target: TargetKey, wanted: Iterable[ObjectKey]) -> dict[ObjectKey, Owned]:
        """The rows of one target. `wanted`: keys that the engine may have intended meanwhile.

        Rows of other targets are never looked at: a plan must not cost more in a larger fleet.
        """
        found: dict[ObjectKey, Owned] = {}
        for key in {*self._seen.get(target, ()), *wanted}:
            row = self.row(key)
            if row is not None and row.target == target:
                found[key] = row
        return found

    def others(self, target: TargetKey, wanted: Iterable[ObjectKey]) -> dict[ObjectKey, TargetKey]:
        """Of the objects that a target wants: those that another target has, and which."""
        rows = ((key, self.row(key)) for key in wanted)
        return {key: row.target for key, row in rows if row is not None and row.target != target}

    def keep_unclaimed(
        self, group_kind: GroupKind, names: Container[tuple[str, str]], namespace: str
    ) -> None:
        """A whole list was read, over all namespaces or in one: what it does not hold is gone."""
        for key in [one for one in self.unclaimed if one[:2] == group_kind]:
            is_meant = namespace in ("", key.namespace)
            if is_meant and (key.namespace, key.name) not in names:
                del self.unclaimed[key]

    def keep(self, row: Owned) -> None:
        """A write or a sighting made this the true row; its object may have changed hands."""
        before = self.row(row.key)
        if before is not None and before.target != row.target:
            self._seen.get(before.target, {}).pop(row.key, None)
        self._seen.setdefault(row.target, {}).setdefault(row.key)
        self.unclaimed.pop(row.key, None)
        self._newer[row.key] = (self._owned.get(row.key), row)

    def taken(self, key: ObjectKey) -> None:
        """The engine was told of a result: what it stored need not be kept here as well.

        The next look would let go of it too, but most objects are not looked at for days.
        """
        self.row(key)

    @property
    def ahead(self) -> int:
        """How many rows the engine has not stored yet, as far as was looked."""
        return len(self._newer)

    def forget(self, key: ObjectKey) -> None:
        """The object is not ours any more: deleted, or somebody else's."""
        row = self.row(key)
        if row is not None:
            self._seen.get(row.target, {}).pop(key, None)
        self._newer[key] = (self._owned.get(key), None)
        self.strangers.pop(key, None)
        self._versions.pop(key, None)
        self.drifted.pop(key, None)
        self.added.pop(key, None)
        self.put_back.pop(key, None)
        self.lost.discard(key)
        self.kept.discard(key)
        self.hanging.discard(key)
        self.beside.pop(key, None)
        self.unclaimed.pop(key, None)

    def version(self, key: ObjectKey) -> str:
        """The resourceVersion of the object when it was last ours; empty when it never was."""
        return self._versions.get(key) or self._written(key)

    def saw(self, key: ObjectKey, version: str) -> None:
        """The object was seen, as ours, in this version."""
        if version == self._written(key):
            self._versions.pop(key, None)
        else:
            self._versions[key] = version

    def is_known(self, key: ObjectKey, version: str) -> bool:
        """Whether this version was seen and judged already, and nothing has happened since."""
        row = self.row(key)
        if row is None or self._seen.get(row.target, {}).get(key) is None:
            return False
        is_settled = key not in self.drifted and key not in self.strangers
        return is_settled and self.version(key) == version

    def _written(self, key: ObjectKey) -> str:
        row = self.row(key)
        baseline = decode_packed(row.baseline) if row else None
        return baseline.resource_version if baseline else ""

    def health_changed(self, row: Owned, health: Health) -> bool:
        """Note the health of an object; whether it differs from what was noted."""
        seen = self._seen.setdefault(row.target, {})
        if seen.get(row.key) == health:
            return False
        seen[row.key] = health
        return True

    def neighbours_changed(self, key: ObjectKey, beside: tuple[Neighbour, ...]) -> bool:
        """Note who else deploys an object; whether others were noted before."""
        before = self.beside.pop(key, ())
        if beside:
            self.beside[key] = beside
        return before != beside

    def doubt(self, row: Owned) -> None:
        """The health that was noted of an object says nothing any more."""
        self._seen.setdefault(row.target, {})[row.key] = None


class Outbox:
    """Sightings on their way to the engine: the newest of each object, so never more than objects.

    What a newer sighting does not speak of (health, a refreshed row) is kept from the older one.
    """

    def __init__(self) -> None:
        self._waiting: dict[ObjectKey, Sighting] = {}
        self._filled = anyio.Event()

    def put(self, sighting: Sighting) -> None:
        """Hand over; never waits."""
        older = self._waiting.pop(sighting.key, None)
        if older is not None:
            sighting = Sighting(
                sighting.target,
                sighting.key,
                sighting.at,
                sighting.health or older.health,
                sighting.drift,
                sighting.owned or older.owned,
                sighting.is_lost or older.is_lost,
                older.beside if sighting.beside is None else sighting.beside,
                sighting.is_served or older.is_served,
            )
        self._waiting[sighting.key] = sighting
        self._filled.set()

    async def stream(self) -> AsyncIterator[Sighting]:
        """All sightings, in the order in which their objects were first seen; never ends."""
        while True:
            while self._waiting:
                yield self._waiting.pop(next(iter(self._waiting)))
            self._filled = anyio.Event()
            await self._filled.wait()
