"""Views of applications: at one cluster (a target), over all of them, and object by object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

BLOCKED = "Blocked"
"""The reason of the problem of an object that does not get on by itself."""


class TargetPhase(StrEnum):
    """Where one application stands on one cluster; from good to bad."""

    SYNCED = "Synced"
    SYNCING = "Syncing"
    PENDING = "Pending"
    DIFFERS = "Differs"
    DRIFTED = "Drifted"
    HELD = "Held"
    REMOVING = "Removing"
    UNKNOWN = "Unknown"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ObjectProblem:
    """One object that is not as it should be, and why; `reason` is one word."""

    object: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TargetWarning:
    """What is as it should be, and will likely not stay so; `about` is alike on many clusters."""

    reason: str
    about: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class TargetView:
    """One application at one cluster. `message` is one sentence; empty when all is well.

    `labels` are those of the cluster. `since` is when it began to fail, else when it was
    last found to be equal. `blocked` counts the objects that do not get on, for what is in their
    way was found and does not go away by itself; their problems have the reason `Blocked`.
    """

    namespace: str
    application: str
    cluster: str
    labels: Mapping[str, str]
    phase: TargetPhase
    health: str
    revision: str
    synced_at: datetime | None
    since: datetime | None
    objects: int
    drifted: int
    blocked: int
    message: str
    next_step: str
    problems: Sequence[ObjectProblem]
    warnings: Sequence[TargetWarning]
    plan_hash: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """One application over all its clusters; `phase` and `health` are the worst of its targets.

    `sync` is the policy that counts, as a document would say it: a preset's words and defaults too.
    `tried_revision` is the one that was tried last; it is not `revision` when that failed.
    `blocked` counts the clusters on which something is in the way.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    source: str
    path: str
    revision: str
    tried_revision: str
    phase: TargetPhase
    health: str
    clusters: int
    synced: int
    objects: int
    blocked: int
    message: str
    next_step: str
    suspended: bool
    holds: Sequence[str]
    document: str
    sync: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnwellObject:
    """An object on one cluster that is not as it should be, or not seen; `message` says why."""

    cluster: str
    phase: TargetPhase
    health: str
    message: str


@dataclass(frozen=True, slots=True)
class TreePod:
    """A Pod of a workload on one cluster; `through` names the ReplicaSet that made it, if any."""

    cluster: str
    name: str
    through: str
    health: str
    message: str


@dataclass(frozen=True, slots=True)
class TreeObject:
    """One object of an application, wherever it is there or is to be there.

    `kind` is its kind with its group, `object` its name with its namespace. `phase` and `health`
    are the worst of it anywhere; `phases` and `healths` count the clusters. `unwell` are the worst
    of those that are not well, `images` those that Git wants it to run anywhere. `pods` are those
    of a workload, the worst first, when they were asked for.
    """

    kind: str
    object: str
    phase: TargetPhase
    health: str
    clusters: int
    phases: Mapping[str, int]
    healths: Mapping[str, int]
    images: Sequence[str]
    unwell: Sequence[UnwellObject]
    pods: Sequence[TreePod] = ()


@dataclass(frozen=True, slots=True)
class TreeView:
    """What an application has on its clusters, the worst first; `silent` clusters do not answer.

    `gaps` are sentences: where Pods were asked for and could not be looked at.
    """

    namespace: str
    application: str
    phase: TargetPhase
    health: str
    clusters: int
    silent: Sequence[str]
    objects: Sequence[TreeObject]
    gaps: Sequence[str] = ()
