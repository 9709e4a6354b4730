"""Unattended: custom resources that nobody has looked at, ten minutes after they were written.

A kind with a status subresource and without any condition is on its way at first: its controller
may just not have come to it. Later nobody can say: there may be no controller at all, or one that
writes no conditions. So it is `Unknown` from then on, and says why. The time counts from our last
change by the server's clock, so that it goes on counting over a new connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned
from shoal.model.sightings import Sighting
from shoal_clusters.kubernetes.marks import applied_at
from shoal_clusters.kubernetes.register import Outbox, Register

PATIENCE = timedelta(minutes=10)
NOBODY_LOOKED = Health(
    HealthState.UNKNOWN,
    "it has no conditions ten minutes after it was written; perhaps no controller looks after it, "
    "or its health needs a rule of the application",
)


class Unattended:
    """Those that wait for their first condition; `run` tells of what has waited too long."""

    def __init__(
        self,
        register: Register,
        outbox: Outbox,
        *,
        patience: timedelta = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._register = register
        self._outbox = outbox
        self._patience = patience
        self._now = now
        self._until: dict[ObjectKey, datetime] = {}
        self._changed = anyio.Event()

    def worded(self, row: Owned, live: Mapping[str, Any], health: Health) -> Health:
        """The health of one that has no conditions: as it is, or Unknown when it is too late."""
        until = self._written(live) + self._patience
        if until <= self._now():
            return NOBODY_LOOKED
        self._until[row.key] = until
        self._changed.set()
        return health

    def forget(self, key: ObjectKey) -> None:
        """It has conditions now, or is gone."""
        self._until.pop(key, None)

    async def run(self) -> None:
        """Tell of each when its time has come; never ends by itself."""
        while True:
            self._changed = anyio.Event()
            now = self._now()
            for key in [key for key, until in self._until.items() if until <= now]:
                del self._until[key]
                self._tell(key, now)
            soonest = min(self._until.values(), default=None)
            seconds = float("inf") if soonest is None else (soonest - now).total_seconds()
            with anyio.move_on_after(seconds):
                await self._changed.wait()

    def _tell(self, key: ObjectKey, now: datetime) -> None:
        row = self._register.row(key)
        if row is not None and self._register.health_changed(row, NOBODY_LOOKED):
            drift = self._register.drifted.get(key)
            self._outbox.put(Sighting(row.target, key, now, NOBODY_LOOKED, drift))

    def _written(self, live: Mapping[str, Any]) -> datetime:
        text = applied_at(live.get("metadata") or {})
        return datetime.fromisoformat(text) if text else self._now()
