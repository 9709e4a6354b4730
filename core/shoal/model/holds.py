"""Hold: the only way of saying "not now", with why, by whom and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shoal.model.digests import digest_parts


class HoldCause(StrEnum):
    """Why something waits for a person."""

    SUSPENDED = "Suspended"
    EMPTY_RENDER = "EmptyRender"
    SHRUNK_RENDER = "ShrunkRender"
    PRUNE_BUDGET = "PruneBudget"
    GATE = "Gate"
    CONFLICT = "Conflict"
    DEPENDENCY = "Dependency"
    REMOVING = "Removing"
    REMOVAL_BUDGET = "RemovalBudget"
    ORPHANED = "Orphaned"
    IDENTITY_CHANGED = "IdentityChanged"


RELEASED_BY: Mapping[HoldCause, str] = {
    HoldCause.SUSPENDED: "shoal resume {subject}",
    HoldCause.EMPTY_RENDER: "shoal approve {id} --reason …",
    HoldCause.SHRUNK_RENDER: "shoal approve {id} --reason …",
    HoldCause.PRUNE_BUDGET: "shoal approve {id} --reason …",
    HoldCause.GATE: "shoal approve {id} --reason …",
    HoldCause.CONFLICT: "shoal approve {id} --reason …",
    HoldCause.DEPENDENCY: "shoal approve {id} --reason …",
    HoldCause.REMOVING: "shoal approve {id} --reason …",
    HoldCause.REMOVAL_BUDGET: "shoal approve {id} --reason …",
    HoldCause.ORPHANED: "shoal approve {id} --reason …",
    HoldCause.IDENTITY_CHANGED: "shoal approve {id} --reason …",
}


def group_of(plan_group_hash: str) -> str:
    """The id of a group of holds, from `Plan.group_hash` of what each of them holds."""
    return "group-" + plan_group_hash[:10]


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that waits. `subject` is an application, a target, a cluster or the fleet, as text.

    `content` is what is held: a plan's hash, or whatever the release speaks of; a hold whose
    content changed is another hold. `group` is the same for the same change on any cluster, so that
    one approval lets all of them go. `until` None: until a person releases it.
    """

    subject: str
    cause: HoldCause
    reason: str
    by: str
    since: datetime
    content: str = ""
    until: datetime | None = None
    group: str = ""

    @property
    def id(self) -> str:
        """Short, stable for the same subject, cause and content: `hold-` and ten hex digits."""
        return "hold-" + digest_parts((self.subject, self.cause, self.content))[:10]

    @property
    def release(self) -> str:
        """The command that ends this hold."""
        return RELEASED_BY[self.cause].format(id=self.id, subject=self.subject)


@dataclass(frozen=True, slots=True)
class Approval:
    """A person released a hold, or all of a group: who, why, and until when that counts.

    `hold` is the id of the one or of the other; that of a group has neither subject nor content.
    """

    hold: str
    subject: str
    content: str
    by: str
    reason: str
    at: datetime
    until: datetime
