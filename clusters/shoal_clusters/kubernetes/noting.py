"""Noting: what was judged of an object goes into the register, and what is news to the engine.

`observing` compares and judges; here it is kept what came of it, and told as a sighting when it
differs from what was told before. It also keeps when the event arrived that showed a drift.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shoal.model.health import Health
from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned
from shoal.model.sightings import Drift, Neighbour, Sighting
from shoal_clusters.kubernetes.marks import PRUNE_ANNOTATION
from shoal_clusters.kubernetes.register import Outbox, Register

Body = Mapping[str, Any]


class Noting:
    """Writes the register of a session and fills its outbox."""

    def __init__(self, register: Register, outbox: Outbox) -> None:
        self._register = register
        self._outbox = outbox
        self._arrived_at = 0.0
        self._drifted_at: dict[ObjectKey, float] = {}

    def arrived(self) -> None:
        """An event came in now: a drift that it shows is counted from here."""
        self._arrived_at = time.monotonic()

    def live(self, key: ObjectKey, live: Body) -> None:
        """This is what is there, it is ours, and from this version on it is known."""
        metadata = live.get("metadata") or {}
        self._register.saw(key, str(metadata.get("resourceVersion", "")))
        self._register.strangers.pop(key, None)
        if (metadata.get("annotations") or {}).get(PRUNE_ANNOTATION) == "Never":
            self._register.kept.add(key)
        else:
            self._register.kept.discard(key)

    def taken(self, key: ObjectKey, owner: str) -> None:
        """The object is somebody else's now.

        Its resourceVersion is not noted, so that a prune meets a conflict and looks.
        """
        self._register.strangers[key] = owner

    def lost(self, row: Owned) -> None:
        """Its values are ours, and the ownership of some is not; said once."""
        if row.key not in self._register.lost:
            self._register.lost.add(row.key)
            self.tell(row, is_lost=True)

    def corrected(self, key: ObjectKey) -> None:
        """Our fields are right: what drifted is over, before anything else is said of it."""
        self._register.drifted.pop(key, None)
        self.forget(key)
        self._register.lost.discard(key)

    def written(
        self,
        row: Owned,
        health: Health,
        drift: Drift | None,
        beside: tuple[Neighbour, ...] | None,
    ) -> None:
        """Our write succeeded, and this is how it is now: what drifts is beside our fields."""
        self._register.health_changed(row, health)
        if drift is not None:
            self._register.drifted[row.key] = drift
        self._register.neighbours_changed(row.key, beside or ())
        self.tell(row, health, drift, beside=beside)

    def judged(
        self,
        row: Owned,
        health: Health,
        drift: Drift | None,
        beside: tuple[Neighbour, ...] | None = None,
        refreshed: Owned | None = None,
    ) -> None:
        """An object was compared with its row, and this is how it is; told when it is news."""
        before = self._register.drifted.get(row.key)
        if drift is None:
            self._register.drifted.pop(row.key, None)
            self.forget(row.key)
        else:
            self._register.drifted[row.key] = drift
            self._drifted_at.setdefault(row.key, self._arrived_at)
        is_health_news = self._register.health_changed(row, health)
        is_news = _is_news(before, drift) or is_health_news or refreshed is not None
        if (beside is not None and self._register.neighbours_changed(row.key, beside)) or is_news:
            self.tell(row, health if is_health_news else None, drift, refreshed, beside=beside)

    def tell(
        self,
        row: Owned,
        health: Health | None = None,
        drift: Drift | None = None,
        refreshed: Owned | None = None,
        *,
        is_lost: bool = False,
        beside: tuple[Neighbour, ...] | None = None,
    ) -> None:
        """Put a sighting into the outbox, whether it is news or not."""
        told = (health, drift, refreshed, is_lost, beside)
        self._outbox.put(Sighting(row.target, row.key, datetime.now(UTC), *told))

    def forget(self, key: ObjectKey) -> None:
        """The object drifts no more, or there is none."""
        self._drifted_at.pop(key, None)

    def seconds_since_drift(self, key: ObjectKey) -> float | None:
        """How long ago the event arrived that showed a drift; once per drift."""
        at = self._drifted_at.pop(key, None)
        return None if at is None else time.monotonic() - at


def _is_news(before: Drift | None, drift: Drift | None) -> bool:
    """Whether this is another drift than the one before, or the first, or the end of one."""
    if before is None or drift is None:
        return before is not drift
    return (drift.kind, drift.owned_digest) != (before.kind, before.owned_digest)
