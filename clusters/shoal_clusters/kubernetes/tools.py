"""Tools: what everything that writes shares, and an errand: one object, where it goes and for whom.

One set of tools per session. How a write ends is said here too, so that every way of writing tells
it alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from shoal.errors import (
    InvalidObject,
    MissingApi,
    MissingNamespace,
    OwnershipConflict,
    ServerBusy,
    ShoalError,
)
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.manifests import APPLY_ANNOTATION
from shoal.model.plans import Action, Change, Owned, Result, ResultStatus, intended
from shoal.model.policies import SyncPolicy
from shoal_clusters.kubernetes.aggregating import Aggregation
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.kubernetes.claiming import is_targeted
from shoal_clusters.kubernetes.comparing import Comparer
from shoal_clusters.kubernetes.discovering import Discovery, Resource
from shoal_clusters.kubernetes.immutable import immutable_fields
from shoal_clusters.kubernetes.marks import MARK_FIELDS
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.preparing import PreparedObject
from shoal_clusters.kubernetes.projecting import Fields, document_fields
from shoal_clusters.kubernetes.register import Register
from shoal_clusters.kubernetes.surveying import Watches
from shoal_clusters.kubernetes.wanting import Wants
from shoal_clusters.transport import Answer, Transport

TRIES = 4
"""Times one change asks again because somebody wrote in between; then it is the next sync's."""

Granted = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Tools:
    """One of each per session."""

    transport: Transport
    discovery: Discovery
    register: Register
    observer: Observer
    comparer: Comparer
    watches: Watches
    wants: Wants
    aggregation: Aggregation

    def refusal(self, answer: Answer, key: ObjectKey, verb: str) -> ShoalError:
        """The error that an answer stands for."""
        return meaning(
            answer.status,
            answer.body,
            key=key,
            cluster=self.transport.cluster,
            verb=verb,
            retry_after=answer.after_seconds,
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One plan that is carried out: for whom, by which policy, and as long as `granted` says so.

    `patience_seconds`: how long it may wait for one fact, or for the end of one object.
    """

    target: TargetKey
    policy: SyncPolicy
    granted: Granted
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class Errand:
    """One object to be written, and everything that is needed for it."""

    tools: Tools
    task: Task
    resource: Resource
    change: Change
    prepared: PreparedObject

    @property
    def key(self) -> ObjectKey:
        """Which object."""
        return self.change.key

    @property
    def row(self) -> Owned:
        """Our row, or one that says that the object is about to be ours."""
        row, target = self.tools.register.row(self.key), self.task.target
        if row is not None and row.target == target:
            return row
        return intended(target, self.key)

    def conflict(self, owner: str, why: str = "", next_step: str = "") -> OwnershipConflict:
        """The object is there and is somebody else's; both are named."""
        return OwnershipConflict(
            f"{self.tools.transport.cluster}: {self.key} is there already and belongs to {owner}, "
            f"not to application {self.task.target.application}; it was left untouched{why}",
            next_step=next_step
            or "delete it, remove it from the application's manifests, or let "
            "sync.whenAlreadyExists adopt it",
        )

    def refused(self, answer: Answer) -> ShoalError:
        """What the server's no to a write of an object that is there means, with the way out."""
        error = self.tools.refusal(answer, self.key, "patch")
        fields = immutable_fields(self.key.group_kind, answer.body)
        is_asked_for = self.prepared.mode is Mode.RECREATE
        if fields and isinstance(error, InvalidObject) and not is_asked_for:
            error.next_step = (
                f"{', '.join(fields)} cannot be changed in place: undo the change, or annotate "
                f"the manifest with {APPLY_ANNOTATION}: Recreate to have the object deleted and "
                "created again"
            )
        return error

    def busy(self) -> Result:
        """Whenever we looked, somebody had written in between."""
        told = f"{self.tools.transport.cluster}: {self.key} is written by somebody else again"
        return ended(self.change, ServerBusy(f"{told} and again"))


@dataclass(frozen=True, slots=True)
class Applied:
    """A write that succeeded: its result, and the live object of the response."""

    result: Result
    live: Mapping[str, Any]


def ended(change: Change, error: ShoalError) -> Result:
    """The result of a change that met an error: waiting for a fact, or failed."""
    is_waiting = isinstance(error, (MissingNamespace, MissingApi))
    status = ResultStatus.WAITING if is_waiting else ResultStatus.FAILED
    return Result(change.key, change.action, status, error=error)


def revoked(change: Change) -> Result:
    """The result of a change whose grant no longer stands."""
    return Result(change.key, change.action, ResultStatus.REVOKED)


def confirm(
    errand: Errand,
    answer: Answer,
    *,
    known_versions: tuple[str, ...] = (),
    taken_from: str = "",
    fields: Fields | None = None,
) -> Applied:
    """A write succeeded: its row is true from now on. An answer in a known version changed nothing.

    `taken_from`: whose the object was until now. `fields` as in `keep`.
    """
    live = orjson.loads(answer.body)
    is_same = answer.status == 200 and live["metadata"]["resourceVersion"] in known_versions
    status = ResultStatus.UNCHANGED if is_same else ResultStatus.APPLIED
    result = keep(errand, live, status, fields)
    if taken_from:
        result = replace(also(result, f"taken over from {taken_from}"), action=Action.ADOPT)
    return Applied(result, live)


def also(result: Result, note: str) -> Result:
    """The result with one more note, before those that it has."""
    return replace(result, note="; ".join(filter(None, (note, result.note))))


def keep(
    errand: Errand,
    live: Mapping[str, Any],
    status: ResultStatus,
    fields: Fields | None = None,
) -> Result:
    """Take a live object for what it should be, and look after it from now on.

    `fields` are looked after where managedFields do not name them as ours.
    """
    prepared, tools = errand.prepared, errand.tools
    row = tools.comparer.confirmed(
        errand.task.target,
        errand.key,
        live,
        desired=lambda: prepared.body,
        desired_digest=prepared.digest,
        is_targeted=is_targeted(tools.register.row(errand.key)),
        fields=_fields(prepared) if fields is None else fields,
    )
    tools.observer.written(row, live)
    note = "; ".join(prepared.notes)
    return Result(errand.key, errand.change.action, status, owned=row, note=note)


def _fields(prepared: PreparedObject) -> Fields | None:
    """What is looked after, where it is not what managedFields names as ours."""
    if prepared.mode is Mode.IF_NOT_PRESENT:
        return MARK_FIELDS
    return document_fields(prepared.body) if prepared.mode is Mode.REPLACE else None
