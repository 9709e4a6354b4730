"""From grant to result: what a target may have, what it should hold, what would change, what did.

A `Plan` is content: its hash covers which objects change from which digest to which, and nothing
else (no revision, time or resourceVersion), so that a diff, an approval, a pull-request comment and
an audit record can all speak of the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from msgspec import Struct

from shoal.errors import ShoalError
from shoal.model.digests import digest_parts
from shoal.model.health_rules import HealthRule
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.policies import SyncPolicy


@dataclass(frozen=True, slots=True)
class Grant:
    """Which revision a target may have, who says so, and the trace it belongs to."""

    target: TargetKey
    revision: str
    by: str
    since: datetime
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """Rendered and overridden objects, shared by every target whose content is equal.

    `digest` is equal when, and only when, the manifests are equal; order does not count.
    """

    digest: str
    manifests: Sequence[Manifest] = field(repr=False)

    def of(self, key: ObjectKey) -> Manifest | None:
        """The manifest of an object, which may leave out the namespace that it is in."""
        keys = (key, key._replace(namespace=""))
        return next((each for each in self.manifests if each.key in keys), None)


EMPTY = Content("", ())


@dataclass(frozen=True, slots=True)
class Desired:
    """What one target should hold under its grant. `digest` covers content, policy and health.

    With `lets_go`, what it has and does not want is not deleted: it stays, as nobody's.
    """

    target: TargetKey
    grant: Grant
    digest: str
    content: Content
    policy: SyncPolicy
    health: tuple[HealthRule, ...] = ()
    lets_go: bool = False


class OwnedState(StrEnum):
    """How sure we are of an inventory row: written before the first write, confirmed after.

    DOUBTED: the object is ours by its marks, and what was written to it last is not known, because
    the state was lost or is older than the cluster. It is applied again where Git wants it, and
    never deleted without approval.
    """

    INTENDED = "intended"
    CONFIRMED = "confirmed"
    DOUBTED = "doubted"


class Owned(Struct, frozen=True, gc=False):
    """One inventory row: an object of a cluster that is, or is about to be, ours.

    There is one per object and cluster, so the garbage collector does not follow it: text, bytes
    and names cannot lead in a circle. Another one like it is made by `msgspec.structs.replace`.

    `desired_digest` is of the manifest last applied, `owned_digest` of the response projected on
    the fields we own. `baseline` belongs to the target type; the core stores it and never reads it.
    An intended row has neither uid nor digests nor baseline unless it was confirmed before; a
    doubted one has a uid.
    """

    target: TargetKey
    key: ObjectKey
    uid: str
    desired_digest: str
    owned_digest: str
    baseline: bytes
    state: OwnedState


def intended(target: TargetKey, key: ObjectKey) -> Owned:
    """The row of an object that is about to be a target's."""
    return Owned(target, key, "", "", "", b"", OwnedState.INTENDED)


def found(target: TargetKey, key: ObjectKey, uid: str) -> Owned:
    """The row of an object that carries a target's marks, and of which nothing else is known."""
    return Owned(target, key, uid, "", "", b"", OwnedState.DOUBTED)


class Action(StrEnum):
    """What a change does to an object.

    ADOPT takes over what is there and was not ours; RECREATE deletes and creates again; HAND_OVER
    forgets an object that another application of the fleet takes over, and LET_GO leaves one where
    it is, as nobody's; both delete nothing.
    """

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    CORRECT = "correct"
    RECREATE = "recreate"
    DELETE = "delete"
    HAND_OVER = "hand over"
    LET_GO = "let go"


WRITES = frozenset({Action.CREATE, Action.ADOPT, Action.UPDATE, Action.CORRECT, Action.RECREATE})
"""The actions after which an object is there as Git has it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One object that would change. Digests are of owned fields; None is: not there.

    `patch` is the masked RFC 6902 difference where it is known at planning time (drift: live →
    desired); it is not part of the plan's hash.
    """

    key: ObjectKey
    action: Action
    before_digest: str | None
    after_digest: str | None
    cause: str = ""
    patch: Sequence[Mapping[str, Any]] | None = None


class Proof(StrEnum):
    """How much a plan is worth: EXPECTED by what is known, or tried out by a DRY_RUN."""

    EXPECTED = "expected"
    DRY_RUN = "dry run"


@dataclass(frozen=True)
class Plan:
    """All changes of one target, sorted by key.

    `refused` objects could not even be planned. `unverified` ones are in a plan that was tried out,
    and could not be tried: what they stand on is in the same set, or a webhook allows no dry run.
    """

    target: TargetKey
    changes: tuple[Change, ...]
    proven: Proof = Proof.EXPECTED
    refused: Mapping[ObjectKey, ShoalError] = field(default_factory=dict)
    unverified: frozenset[ObjectKey] = frozenset()

    @cached_property
    def hash(self) -> str:
        """Over (target, key, action, before_digest, after_digest) of each change, in order."""
        return digest_parts(
            part
            for change in self.changes
            for part in (
                str(self.target),
                change.key.text,
                change.action.value,
                change.before_digest or "",
                change.after_digest or "",
            )
        )

    @cached_property
    def group_hash(self) -> str:
        """Over (key, action, after_digest): equal for the same change on many clusters."""
        return digest_parts(
            part
            for change in self.changes
            for part in (change.key.text, change.action.value, change.after_digest or "")
        )

    def only(self, actions: frozenset[Action]) -> Plan:
        """The part of this plan with these actions; refused objects stay with it."""
        return self.where(lambda change: change.action in actions)

    def including(self, other: Plan) -> Plan:
        """This plan with the changes of another one of the same target."""
        if not other.changes:
            return self
        both = sorted((*self.changes, *other.changes), key=lambda change: change.key)
        return replace(self, changes=tuple(both))

    def where(self, is_meant: Callable[[Change], bool]) -> Plan:
        """The part of this plan with these changes; refused objects stay with it."""
        return replace(self, changes=tuple(filter(is_meant, self.changes)))


class ResultStatus(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    FORGOTTEN = "forgotten"
    WAITING = "waiting"
    FAILED = "failed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Result:
    """How one change ended, and the inventory row that is true from now on.

    `owned` is the new row; None together with DELETED or FORGOTTEN removes the row, None with any
    other status leaves the row as it is. WAITING: a fact it stands on is not there yet, or the
    object is still going away; `next_step` says what a person can do about that. REVOKED: the grant
    no longer stood when its turn came.
    """

    key: ObjectKey
    action: Action
    status: ResultStatus
    owned: Owned | None = None
    error: ShoalError | None = None
    note: str = ""
    next_step: str = ""
