"""Views of changes: what would change, what is held, and what was changed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shoal.engine.views.clusters import SilentCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one object would change, and on which clusters in just this way.

    `action` is one of a plan, or `refuse` when the object cannot be applied: `reason` and
    `next_step` are of its error then. `patch` is masked (RFC 6902), from live to desired.
    """

    object: str
    action: str
    clusters: Sequence[str] = ()
    cause: str = ""
    patch: Sequence[Mapping[str, Any]] = ()
    unverified: bool = False
    reason: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """No diff yet: the renderer looks for these paths, and they were not sent."""

    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class DiffView:
    """What would change on the clusters of an application; equal objects are not in it.

    `unanswered` clusters did not answer; for `failed` ones no answer could be made.
    """

    namespace: str
    application: str
    revision: str
    clusters: int
    answered: int
    differences: Sequence[Difference]
    unanswered: Sequence[SilentCluster]
    failed: Sequence[SilentCluster]


@dataclass(frozen=True, slots=True)
class HeldChanges:
    """What a hold holds: the first of so many changes; `is_proven`: they were tried out."""

    hold: str
    is_proven: bool
    count: int
    first: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class HoldView:
    """One thing that waits for a person, and the command that releases it.

    `group` names all holds of the same change, on whatever cluster; empty: there is no other.
    `changes` are what its release would do, the first of `change_count`, where it holds a plan;
    `proven`: they were tried out on the cluster.
    """

    id: str
    subject: str
    cause: str
    reason: str
    by: str
    since: datetime
    until: datetime | None
    release: str
    group: str
    proven: bool
    change_count: int
    changes: Sequence[Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """One drift, on however many clusters and objects it is the same.

    `kind` says in which way they differ, `clients` are those that managedFields name, `policy` what
    is done about it: Correct, Report, or Held while it is fought over. `patch` leads
    from live back to desired, masked; `ignore` are the rules of `sync.ignore` that would make it no
    drift, empty when none can say so.
    """

    id: str
    namespace: str
    application: str
    kind: str
    objects: Sequence[str]
    clusters: Sequence[str]
    clients: Sequence[str]
    since: datetime | None
    policy: str
    patch: Sequence[Mapping[str, Any]]
    ignore: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AdoptionView:
    """What would make a drift none: `override` is an entry of `spec.overrides`.

    `everywhere`: all clusters of the application have it, so that the manifest itself, at `origin`
    in the source, may as well be changed. `patch` leads from desired to live, masked; empty for an
    object that is gone. `refused` says why there is no `override`.
    """

    object: str
    clusters: Sequence[str]
    everywhere: bool
    origin: str
    patch: Sequence[Mapping[str, Any]]
    override: Mapping[str, Any]
    refused: str


@dataclass(frozen=True, slots=True)
class AdoptionsView:
    """What to commit for the drifts of an application; `unanswered` clusters could not be asked."""

    namespace: str
    application: str
    adoptions: Sequence[AdoptionView]
    unanswered: Sequence[SilentCluster]
