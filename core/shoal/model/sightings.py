"""What a session sees happen to the objects it looks after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from shoal.model.digests import digest_parts
from shoal.model.health import Health
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Owned
from shoal.model.policies import AddedFieldsPolicy, DriftPolicy, SyncPolicy


class DriftKind(StrEnum):
    """In which way a live object differs from what we last wrote."""

    EDITED = "edited"
    MISSING = "missing"
    ADDED = "added"
    TAKEN = "taken"
    UNMARKED = "unmarked"


@dataclass(frozen=True, slots=True)
class Drift:
    """How a live object differs from what we last wrote.

    EDITED: fields of ours have other values, or are gone. MISSING: the object is gone. ADDED: our
    fields are as we wrote them, and somebody added others by hand. TAKEN: it says that it belongs
    to somebody else, who is then the `manager`. UNMARKED: all that differs are the marks by which
    we know it for ours.

    `manager` is the *client* that managedFields names as owner of the fields, never a person; empty
    when nobody can tell. `patch` leads from live back to desired, masked.
    """

    kind: DriftKind
    owned_digest: str | None
    manager: str = ""
    managed_at: datetime | None = None
    patch: Sequence[Mapping[str, Any]] | None = None

    @property
    def reason(self) -> str:
        """What is the same for a client that changes the same fields again, to whatever."""
        paths = (str(operation.get("path", "")) for operation in self.patch or ())
        return digest_parts((self.kind, self.manager, *paths))

    def is_corrected_by(self, policy: SyncPolicy) -> bool:
        """Whether an application with this policy wants it undone."""
        if self.kind is DriftKind.ADDED:
            return policy.when_fields_added is AddedFieldsPolicy.REMOVE
        return policy.when_drifted is DriftPolicy.CORRECT

    def is_told_by(self, policy: SyncPolicy) -> bool:
        """Whether it counts as drift at all."""
        keeps = policy.when_fields_added is AddedFieldsPolicy.KEEP
        return not (self.kind is DriftKind.ADDED and keeps)


class Neighbour(NamedTuple):
    """Another client that deploys an object of ours and leaves it as we wrote it.

    `since` is None where managedFields do not tell: an apply that changed no value has no time.
    """

    client: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object was seen. `drift` is None when it equals what we wrote.

    `owned` is a refreshed inventory row to be kept (a Job was seen finished, replicas were scaled);
    None when the row is still true. `health` is None when it did not change. `is_lost`: its fields
    are as we wrote them, and another client owns some: no drift, and to be applied again.
    `beside` are the other deployers of the object now; None when that was not looked at.
    """

    target: TargetKey
    key: ObjectKey
    at: datetime
    health: Health | None = None
    drift: Drift | None = None
    owned: Owned | None = None
    is_lost: bool = False
    beside: tuple[Neighbour, ...] | None = None
    is_served: bool = False
