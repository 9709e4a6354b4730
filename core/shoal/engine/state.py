"""What the engine knows, in memory: one mutable record per source, application, target, cluster.

What it knows of a target is in `target_state`, of the fleet itself in `fleet_state`. Loops write
their own record and read the others'. What must survive a restart goes to the store through
`recording`, in the same breath; everything else here is found out again by looking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import anyio

from shoal.documents import Catalog, Identity
from shoal.engine.contents import ContentKey, KeptContent
from shoal.engine.fleet_state import FleetState
from shoal.engine.inventory import Inventory
from shoal.engine.measuring import SILENT, Measuring
from shoal.engine.queueing import Clock, KeyedQueue, Request
from shoal.engine.recovery import Recovery, Sweep
from shoal.engine.stepping import Stall
from shoal.engine.target_state import TargetState
from shoal.errors import ClusterNotConnected, ShoalError, StoreUnavailable
from shoal.hooks.targets import Session
from shoal.model.alerts import Stream, StreamKey
from shoal.model.artifacts import Artifact, Provenance
from shoal.model.documents import Cluster
from shoal.model.endpoints import Credential, Facts
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.model.overrides import Override
from shoal.model.plans import Desired, Grant
from shoal.planning.budgeting import RevisionPrunes
from shoal.planning.circuits import Circuit
from shoal.planning.flapping import Turns

MOST_STALLS = 10


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """Nothing can be written since then: why, how many records wait, and how many were lost."""

    since: datetime
    error: StoreUnavailable
    owed: int = 0
    lost: int = 0


@dataclass(slots=True)
class SourceState:
    """One source: what it was last seen to hold, or why it could not be seen.

    `detected_at`, `fetch_times` and `traceparent` are those of the artifact's arrival; `fetching`
    is held by whoever fetches, for a source is fetched once at a time. `recorded` is the revision
    and digest that the ledger told last, also before a restart.
    """

    artifact: Artifact | None = None
    recorded: tuple[str, str] | None = None
    error: ShoalError | None = None
    failures: int = 0
    fetched_at: datetime | None = None
    detected_at: datetime | None = None
    fetch_times: tuple[datetime, datetime] | None = None
    traceparent: str = ""
    fetching: anyio.Lock = field(default_factory=anyio.Lock)


@dataclass(slots=True)
class ApplicationState:
    """One application: what it rendered to, or why it did not.

    `contents` holds the overridden content of its clusters, made with `overrides`;
    `asks_clusters` when it depends on what only a cluster can tell. `revision` is the one that was
    decided without any failure, `tried_revision` the one that was tried last, whatever came of it.
    """

    error: ShoalError | None = None
    failures: int = 0
    revision: str = ""
    tried_revision: str = ""
    is_rendered: bool = False
    asks_clusters: bool = False
    overrides: tuple[Override, ...] = ()
    contents: dict[ContentKey, KeptContent] = field(default_factory=dict)
    placed: tuple[str, ...] = ()
    trace_id: str = ""


@dataclass(slots=True)
class ClusterState:
    """One cluster: its document, its queue of targets, and how the connection stands.

    The queue outlives connections: what is added while the cluster is away waits in it. `alarm`
    wakes its supervisor; `told` is the trouble that was recorded last. `facts` and `api_versions`
    are what it said last, also while it is away; `session` is there while it is connected.
    `credential` is what the one that was read last says of itself, without what is secret in it.
    `recovery` is there while it is swept for what is ours, `doubted` is set when that begins;
    `is_suspicious`: its last probe told of objects of ours without a row, more than the sweep
    before had `explained`, and of so many `rewinds`.
    """

    document: Cluster
    queue: KeyedQueue[TargetKey]
    circuit: Circuit
    inventory: Inventory
    is_connected: bool = False
    facts: Facts | None = None
    stale_since: datetime | None = None
    credential: Credential | None = None
    turns: Turns = field(default_factory=Turns)
    session: Session | None = None
    api_versions: Sequence[str] | None = None
    error: ShoalError | None = None
    told: str = ""
    since: datetime | None = None
    last_contact: datetime | None = None
    alarm: anyio.Event = field(default_factory=anyio.Event)
    recovery: Recovery | None = None
    doubted: anyio.Event = field(default_factory=anyio.Event)
    is_suspicious: bool = False
    explained: int = 0
    rewinds: int = 0

    @property
    def name(self) -> str:
        """Its document's name."""
        return self.document.metadata.name

    @property
    def is_sweeping(self) -> bool:
        """Whether it is still being found out what is ours there, so that nothing may go."""
        return self.recovery is not None and not self.recovery.is_round_over

    @property
    def is_answering(self) -> bool:
        """Connected, and the last probe was answered too."""
        return self.is_connected and self.error is None


class EngineState:
    """Everything, by identity."""

    def __init__(self, now: Clock, measuring: Measuring = SILENT) -> None:
        self.now = now
        self.measuring = measuring
        self.fleet = FleetState()
        self.store_trouble: StoreTrouble | None = None
        self.catalog: Catalog | None = None
        self.sources: dict[Ref, SourceState] = {}
        self.stalls: deque[Stall] = deque(maxlen=MOST_STALLS)
        self.applications: dict[Ref, ApplicationState] = {}
        self.targets: dict[TargetKey, TargetState] = {}
        self._by_application: dict[Ref, dict[str, TargetState]] = {}
        self.clusters: dict[str, ClusterState] = {}
        self.inventories: dict[str, Inventory] = {}
        self.grants: dict[TargetKey, Grant] = {}
        self.holds: dict[str, Hold] = {}
        self.approvals: dict[str, Approval] = {}
        self.prunes: dict[str, RevisionPrunes] = {}
        self.identities: dict[str, str] = {}
        # By cluster, its last whole sweep; and when the state was put back to an older one.
        self.swept: dict[str, Sweep] = {}
        self.restored_at: datetime | None = None
        # By cluster: the targets that wait until other applications are decided.
        self.awaiting_decisions: dict[str, set[TargetKey]] = {}
        # By Alert and destination, how far it has come.
        self.streams: dict[StreamKey, Stream] = {}
        self.alert_queue: KeyedQueue[StreamKey] = self._queue("alerts")
        self.fleet_queue: KeyedQueue[str] = self._queue("fleet")
        self.source_queue: KeyedQueue[Ref] = self._queue("sources")
        self.application_queue: KeyedQueue[Ref] = self._queue("applications")
        self.cluster_queue: KeyedQueue[str] = self._queue("clusters")

    def _queue(self, name: str) -> KeyedQueue[Any]:
        return KeyedQueue(self.now, partial(self.measuring.waited, name))

    def target(self, key: TargetKey) -> TargetState:
        """The record of a target, made when it is new."""
        found = self.targets.get(key)
        if found is None:
            found = self.targets[key] = TargetState(key, since=self.now())
            self._by_application.setdefault(key.application, {})[key.cluster] = found
        return found

    def forget_target(self, key: TargetKey) -> None:
        """The target holds nothing any more, and nobody wants it to."""
        self.targets.pop(key, None)
        for prunes in self.prunes.values():
            prunes.expect(key, 0)
        siblings = self._by_application.get(key.application, {})
        siblings.pop(key.cluster, None)
        if not siblings:
            self._by_application.pop(key.application, None)

    def targets_of(self, application: Ref) -> list[TargetState]:
        """All records of one application, placed or not, by cluster."""
        siblings = self._by_application.get(application, {})
        return [siblings[cluster] for cluster in sorted(siblings)]

    def places(self) -> dict[Ref, list[str]]:
        """The clusters of each application that has a record anywhere, both in order."""
        known = self._by_application
        return {application: sorted(known[application]) for application in sorted(known)}

    def targets_on(self, cluster: str) -> list[TargetState]:
        """All records of one cluster, by application."""
        known = self._by_application
        return [known[each][cluster] for each in sorted(known) if cluster in known[each]]

    def is_answering(self, cluster: str) -> bool:
        """Whether what is known of a cluster is what it says now."""
        known = self.clusters.get(cluster)
        return known is not None and known.is_answering

    def cluster(self, document: Cluster) -> ClusterState:
        """The record of a cluster, made when it is new."""
        name = document.metadata.name
        found = self.clusters.get(name)
        if found is None:
            found = self.clusters[name] = ClusterState(
                document, self._queue("targets"), Circuit.new(self.now()), self.inventory(name)
            )
        return found

    def wake(self, key: TargetKey, request: Request) -> None:
        """Have a target looked at when its turn comes; a cluster without a document has none."""
        cluster = self.clusters.get(key.cluster)
        if cluster is not None:
            cluster.queue.add(key, request)

    def session(self, cluster: str) -> Session:
        """The open session to a cluster; raises ClusterNotConnected, with why, without one."""
        known = self.clusters.get(cluster)
        if known is not None and known.is_answering and known.session is not None:
            return known.session
        if known is not None and known.error is not None:
            raise ClusterNotConnected(known.error.message, next_step=known.error.next_step)
        raise ClusterNotConnected(
            f"cluster {cluster} is not connected", next_step="see shoal get clusters"
        )

    def inventory(self, cluster: str) -> Inventory:
        """The inventory of a cluster; it outlives the cluster's document."""
        return self.inventories.setdefault(cluster, Inventory())

    def granted_revisions(self) -> frozenset[str] | None:
        """The revisions that targets may have; None before grants and documents were read."""
        if self.catalog is None:
            return None
        return frozenset(grant.revision for grant in self.grants.values())

    def removal(self, key: TargetKey) -> str:
        """What tells one removal of a target from the next: since when it had what it has."""
        grant = self.grants.get(key)
        return grant.since.isoformat() if grant else ""

    def is_fleet_read(self) -> bool:
        """Whether what is known of the documents is all that is written, as far as was looked."""
        fleet, catalog = self.fleet, self.catalog
        is_whole = fleet.error is None and not fleet.unreadable
        return is_whole and catalog is not None and not catalog.is_kept

    def unreadable(self, key: TargetKey) -> tuple[str, str] | None:
        """The application or cluster of a target whose document cannot be read, and its file.

        Only after a restart: before one, the last valid version is at hand.
        """
        unknown = self.catalog.unknown if self.catalog else {}
        for what, identity in (
            (f"application {key.application}", Identity("Application", *key.application)),
            (f"cluster {key.cluster}", Identity("Cluster", "", key.cluster)),
        ):
            if identity in unknown:
                return what, unknown[identity]
        return None

    def provenance(self, desired: Desired) -> Provenance | None:
        """Who made the revision that a target was granted; None when its source has moved on."""
        document = None
        if self.catalog is not None:
            document = self.catalog.applications.get(desired.target.application)
        source = self.sources.get(document.source_ref) if document else None
        artifact = source.artifact if source else None
        if artifact is None or artifact.revision != desired.grant.revision:
            return None
        return artifact.provenance

    def suspensions(self, application: Ref) -> list[Hold]:
        """The suspensions of one application that have not expired."""
        return [hold for hold in self._suspensions(application) if not self._is_over(hold)]

    def has_expired_suspension(self, application: Ref) -> bool:
        """Whether a suspension has run out that nobody has lifted yet."""
        return any(self._is_over(hold) for hold in self._suspensions(application))

    def _suspensions(self, application: Ref) -> Iterator[Hold]:
        subject = str(application)
        for hold in self.holds.values():
            if hold.cause is HoldCause.SUSPENDED and hold.subject == subject:
                yield hold

    def _is_over(self, hold: Hold) -> bool:
        return hold.until is not None and hold.until <= self.now()
