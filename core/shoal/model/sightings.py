"""What a session sees happen to the objects it looks after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shoal.model.health import Health
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Owned


@dataclass(frozen=True, slots=True)
class Drift:
    """How a live object differs from what we last wrote; `missing` when it is gone.

    `manager` is the *client* that managedFields names as owner of the changed fields, never a
    person; empty when nobody can tell. `patch` leads from live back to desired, masked.
    """

    missing: bool
    owned_digest: str | None
    manager: str = ""
    managed_at: datetime | None = None
    patch: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object was seen. `drift` is None when it equals what we wrote.

    `owned` is a refreshed inventory row to be kept (a Job was seen finished, replicas were scaled);
    None when the row is still true. `health` is None when it did not change.
    """

    target: TargetKey
    key: ObjectKey
    at: datetime
    health: Health | None = None
    drift: Drift | None = None
    owned: Owned | None = None
