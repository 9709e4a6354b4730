"""What readers are shown: the state of the fleet as plain values, made from the engine's state.

The API and the command line know these and nothing else of the engine. Field names are the JSON
names in snake case; times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shoal.engine.stepping import Stall


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
    """One object that is not as it should be, and why."""

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

    `labels` are those of the cluster.
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
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    source: str
    path: str
    revision: str
    phase: TargetPhase
    health: str
    clusters: int
    synced: int
    objects: int
    message: str
    next_step: str
    suspended: bool
    holds: Sequence[str]
    document: str
    sync: Mapping[str, Any]


class WarningReason(StrEnum):
    """What a warning about a cluster is about."""

    CREDENTIAL_EXPIRES = "CredentialExpires"
    STALE = "Stale"
    FLAPPING = "Flapping"
    RECOVERING = "Recovering"
    SLOW = "Slow"
    LIMITED = "Limited"


@dataclass(frozen=True, slots=True)
class ClusterWarning:
    """What will not work for long, or not as it should. `next_step` may be empty."""

    reason: WarningReason
    message: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster: conditions are `True`, `False` or `Unknown`.

    `credential_expiry_time` is what the credential says of itself. `latency_seconds` is what all
    but one in a hundred of the last minute's requests took at most, `requests_in_flight` how many
    are sent at a time; `slow` says that this is too long. `stale_since`: something there is not
    seen, and is taken to be as it was. `transitions` counts how often it turned from answering to
    silent and back since the controller started.
    """

    name: str
    labels: dict[str, str]
    reachable: str
    authorized: str
    version: str
    circuit: str
    slow: str
    since: datetime | None
    last_contact: datetime | None
    stale_since: datetime | None
    credential_expiry_time: datetime | None
    latency_seconds: float | None
    requests_in_flight: int | None
    transitions: int
    targets: int
    objects: int
    queued: int
    reason: str
    message: str
    next_step: str
    warnings: Sequence[ClusterWarning]
    document: str


@dataclass(frozen=True, slots=True)
class UnwellObject:
    """An object on one cluster that is not as it should be, or not seen; `message` says why."""

    cluster: str
    phase: TargetPhase
    health: str
    message: str


@dataclass(frozen=True, slots=True)
class TreeObject:
    """One object of an application, wherever it is there or is to be there.

    `kind` is its kind with its group, `object` its name with its namespace. `phase` and `health`
    are the worst of it anywhere; `phases` and `healths` count the clusters. `unwell` are the worst
    of those that are not well, `images` those that Git wants it to run anywhere.
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


@dataclass(frozen=True, slots=True)
class TreeView:
    """What an application has on its clusters, the worst first; `silent` clusters do not answer."""

    namespace: str
    application: str
    phase: TargetPhase
    health: str
    clusters: int
    silent: Sequence[str]
    objects: Sequence[TreeObject]


class Presence(StrEnum):
    """Whether a target has what is looked for; from good to bad.

    UNCHANGED: it was decided at that revision, which changes nothing for it. SUPERSEDED: it had it,
    or went past it, and has a later one now. LEAVING: it has an image that Git wants no more.
    """

    HERE = "Here"
    UNCHANGED = "Unchanged"
    SUPERSEDED = "Superseded"
    LEAVING = "Leaving"
    NOT_YET = "NotYet"


@dataclass(frozen=True, slots=True)
class Whereabout:
    """Whether one target has what is looked for, since when, and if not, why.

    `seconds` is how long that took since the commit, where both are known.
    """

    namespace: str
    application: str
    cluster: str
    presence: Presence
    phase: TargetPhase
    health: str
    revision: str
    images: Sequence[str]
    arrived_at: datetime | None
    seconds: float | None
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Seconds from the commit until targets had it: the first, half, 95 of 100, and the last.

    A share that is not reached yet is None.
    """

    first: float | None = None
    p50: float | None = None
    p95: float | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True)
class WhereView:
    """Where a revision or an image is. `sort` is `revision` or `image`; `name` is it in full.

    `untouched` applications read the source and render alike with and without the revision: they
    are not in `targets`. `here` counts the targets that have it, or have gone past it.
    """

    sort: str
    name: str
    author: str
    subject: str
    source: str
    committed_at: datetime | None
    detected_at: datetime | None
    here: int
    untouched: Sequence[str]
    silent: Sequence[str]
    times: LeadTimes
    targets: Sequence[Whereabout]


@dataclass(frozen=True, slots=True)
class PluginView:
    """One thing that a plugin registered, or a plugin that is not used: `message` says why."""

    plugin: str
    distribution: str
    version: str
    state: str
    seam: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source and the revision it was last seen at."""

    namespace: str
    name: str
    type: str
    revision: str
    version: str
    fetched_at: datetime | None
    author: str
    subject: str
    signer: str
    ready: str
    message: str
    next_step: str
    document: str


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


@dataclass(frozen=True, slots=True)
class SilentCluster:
    """A cluster of which nothing can be told, and why."""

    cluster: str
    reason: str
    message: str
    next_step: str


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
class MissingFiles:
    """No diff yet: the renderer looks for these paths, and they were not sent."""

    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One thing wrong in the fleet's documents."""

    file: str
    line: int
    field: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet on one screen. `warnings` are doubts about documents that are used as they are.

    `stale_since` is when something could not be read that counts all the same. `state_message` says
    since when and why the state cannot be written; empty when it can. `stalls`: when the event loop
    stood still, in the last hour.
    """

    name: str
    location: str
    revision: str
    loaded_at: datetime | None
    looked_at: datetime | None
    stale_since: datetime | None
    ready: str
    message: str
    problems: Sequence[DocumentProblem]
    warnings: Sequence[DocumentProblem]
    clusters: int
    clusters_reachable: int
    applications: int
    targets: int
    phases: dict[str, int]
    health: dict[str, int]
    holds: int
    state_message: str
    state_next_step: str
    version: str
    started_at: datetime
    stalls: Sequence[Stall] = ()
