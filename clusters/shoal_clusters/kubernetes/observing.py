"""Observing: what watches see, judged against what we wrote, and told to the engine.

Every object that arrives is compared with its row, noted (`noting`) and dropped. While a write of
an object is in flight its events wait, the newest only, because they can be judged only by the row
of the response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import orjson

from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.masking import is_secret
from shoal.model.plans import Owned
from shoal.model.sightings import Drift, DriftKind, Neighbour
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.assessing import Assessor
from shoal_clusters.kubernetes.awaiting import Awaiting
from shoal_clusters.kubernetes.baselines import decode_packed, is_before, is_newer
from shoal_clusters.kubernetes.briefing import Briefing
from shoal_clusters.kubernetes.comparing import Comparer
from shoal_clusters.kubernetes.discovering import Discovery, Resource
from shoal_clusters.kubernetes.doubting import doubt
from shoal_clusters.kubernetes.fetching import Fetcher
from shoal_clusters.kubernetes.glancing import Glance, read_seen
from shoal_clusters.kubernetes.noting import Noting
from shoal_clusters.kubernetes.register import Outbox, Register, Unclaimed
from shoal_clusters.kubernetes.scaling import Scaling
from shoal_clusters.kubernetes.spotting import Spotter
from shoal_clusters.kubernetes.unclaimed import Claims, is_described
from shoal_clusters.transport import Transport

Body = Mapping[str, Any]


@dataclass(slots=True)
class _Write:
    """A write in flight: the version it is sent in (empty: any), and the newest event meanwhile."""

    version: str
    raw: bytes | None = None
    is_gone: bool = False
    seen_in: Resource | None = None


class Observer:
    """The `Sink` of every watch of a session, and the judge of every response."""

    def __init__(
        self,
        transport: Transport,
        register: Register,
        outbox: Outbox,
        comparer: Comparer,
        briefing: Briefing,
        assessor: Assessor,
        discovery: Discovery,
    ) -> None:
        self._transport = transport
        self._register = register
        self._noting = Noting(register, outbox)
        self._comparer = comparer
        self._claims = Claims(register, outbox, comparer.fleet)
        self._briefing = briefing
        self.spotter = Spotter(register, briefing)
        self._fetcher = Fetcher(transport, self._fetched)
        self._assessor = assessor
        self.scaling = Scaling(transport, discovery, self._found_scaled)
        self.list_all_again: Callable[[], None] = lambda: None
        self._writing: dict[ObjectKey, _Write] = {}
        self._written_while_listing: dict[tuple[Resource, str], set[ObjectKey]] = {}
        self.seen = Awaiting()
        self._ended = Awaiting()
        self._hidden: dict[ObjectKey, Resource] = {}

    # -- told by watches ---------------------------------------------------------------------

    def list_began(self, resource: Resource, namespace: str) -> None:
        """What is written from now on may be missing, or older, in the list that follows."""
        self._written_while_listing[resource, namespace] = set()

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object exists and looks like this."""
        self._noting.arrived()
        key = ObjectKey(resource.group, resource.kind, glance.namespace, glance.name)
        self.seen.tell(key)
        write = self._writing.get(key)
        if write is not None:
            if write.version in ("", resource.version):
                write.raw, write.is_gone, write.seen_in = raw, False, resource
            return
        row = self._register.row(key)
        if row is None or not is_described(row):
            self._claims.appeared(key, raw)
            return
        if self._register.is_known(key, glance.resourceVersion):
            return  # the echo of our own write, or a list in which nothing changed
        if not _is_applied_in(row, resource):
            return  # the watch of the version it was applied in judges it
        lists = [
            self._written_while_listing.get((resource, scope)) for scope in ("", key.namespace)
        ]
        is_event = not any(written is not None and key not in written for written in lists)
        if not is_event and is_before(glance.resourceVersion, row):
            self._register.rewinds += 1
        self._fetcher.found(key)
        self._hidden.pop(key, None)
        self._judge(key, row, orjson.loads(raw), is_event=is_event, seen_in=resource)

    def went_back(self, resource: Resource) -> None:
        """A watch found the server at an earlier version: etcd came from a backup."""
        self._register.rewinds += 1
        self.list_all_again()  # others may not find it: the server counts on

    def vanished(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object was deleted, or no longer carries our label; `raw` is its last state."""
        self._noting.arrived()
        key = ObjectKey(resource.group, resource.kind, glance.namespace, glance.name)
        write = self._writing.get(key)
        if write is not None:
            write.raw, write.is_gone, write.seen_in = raw, True, resource
            self._ended.tell(key)
            return
        self._claims.vanished(key)
        self._look_for(resource, key, glance.resourceVersion)

    async def listed(
        self, resource: Resource, names: frozenset[tuple[str, str]], namespace: str
    ) -> None:
        """A whole list was read: rows that are not in it are gone, unless the list is doubtful."""
        written = self._written_while_listing.pop((resource, namespace), set())
        self._claims.listed(resource, names, namespace)
        rows = [
            row
            for row in self._register.rows(resource.group_kind)
            if row.baseline and namespace in ("", row.key.namespace)
        ]
        missing = [
            row.key
            for row in rows
            if (row.key.namespace, row.key.name) not in names
            and row.key not in written
            and row.key not in self._writing
        ]
        if len(missing) > 1 and len(missing) * 2 > len(rows):
            await doubt(self._transport, resource, missing, self._comparer.fleet)
        for key in missing:
            if key not in self._writing:
                self._look_for(resource, key)

    async def run(self) -> None:
        """Read what must be read to be judged, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._fetcher.run)
            tasks.start_soon(self.scaling.run)

    def ask(self, resource: Resource, key: ObjectKey) -> None:
        """Read this object and judge it: nothing watches it."""
        self._fetcher.ask(resource, key)

    def _look_for(self, resource: Resource, key: ObjectKey, version: str = "") -> None:
        """A watch does not show it any more: was it deleted, or was its label taken off?"""
        row = self._register.row(key)
        if row is not None and row.baseline and self._is_news(row, version):
            self._fetcher.seek(resource, key)

    def look_again(self, keys: Iterable[ObjectKey]) -> None:
        """Look for those of these objects that belong to somebody else, and that no watch shows."""
        for key in [key for key in keys if key in self._hidden]:
            self._fetcher.seek(self._hidden.pop(key), key)

    def _fetched(self, key: ObjectKey, live: Body | None, sought: Resource | None) -> None:
        """An object was read because a watch did not tell; a write in flight tells more."""
        row = self._register.row(key)
        if row is None or not row.uid or key in self._writing:
            return
        if live is None:
            self._judge_end(row)
        elif sought is None or _is_applied_in(row, sought):
            self._judge(key, row, live, is_event=False, seen_in=sought)
            if sought is not None and key in self._register.strangers:
                self._hidden[key] = sought

    def _found_scaled(self, row: Owned, live: Body, is_scaled: bool) -> None:
        """It is known now whether an autoscaler names an object whose replicas differ."""
        if row.key in self._writing or self._register.row(row.key) != row:
            return
        if is_scaled:
            row = comparing.targeted(row, is_targeted=True)
            self._register.keep(row)
            self._noting.tell(row, refreshed=row)
        self._judge(row.key, row, live, is_event=False, is_asked=True)

    # -- told by writes ----------------------------------------------------------------------

    def write_began(self, key: ObjectKey, version: str = "") -> None:
        """From now until `write_ended`, events of this object wait; others than of `version` go."""
        self._writing[key] = _Write(version)

    def write_ended(self, key: ObjectKey) -> None:
        """Judge the newest event that waited, by the row that is true now."""
        write = self._writing.pop(key, None)
        row = self._register.row(key)
        if write is None or write.raw is None:
            return
        if row is None or not is_described(row):
            if not write.is_gone:
                self._claims.appeared(key, write.raw)
            return
        version = read_seen(write.raw).metadata.resourceVersion
        if write.is_gone and write.seen_in is not None:
            self._look_for(write.seen_in, key, version)
        elif not self._register.is_known(key, version):
            self._judge(key, row, orjson.loads(write.raw), is_event=True, seen_in=write.seen_in)

    def written(self, row: Owned, live: Body) -> None:
        """A write succeeded and this is its response: the row is true, our fields are right."""
        self._register.keep(row)
        self._fetcher.overtaken(row.key)
        self.scaling.drop(row.key)
        for written in self._written_while_listing.values():
            written.add(row.key)
        self._noting.corrected(row.key)
        self._noting.live(row.key, live)
        health = self._assessor.health(row, live, is_written=True)
        self._noting.written(row, health, *self.spotter.spot(row, live))

    def looked_at(self, key: ObjectKey, live: Body) -> None:
        """A write met another version than it was meant for, and this is what is there."""
        row = self._register.row(key)
        if row is not None:
            self._judge(key, row, live, is_event=False)

    async def until_gone(self, key: ObjectKey, seconds: float) -> bool:
        """Wait until the watch tells of the end of an object that is being deleted by us."""
        write = self._writing.get(key)
        if write is not None and write.is_gone:
            return True
        return await self._ended.until_told(key, seconds)

    def deleted(self, row: Owned) -> None:
        """Our own deletion came to its end, or the object is somebody else's now."""
        self._register.forget(row.key)
        self._assessor.gone(row.key)
        self._noting.forget(row.key)

    def seconds_since_drift(self, key: ObjectKey) -> float | None:
        """How long ago the event arrived that showed a drift; once per drift, for the trace."""
        return self._noting.seconds_since_drift(key)

    def swept(self, key: ObjectKey, live: Body) -> Unclaimed | None:
        """A sweep saw this; None when its marks are not ours."""
        return self._claims.swept(key, live, is_written=key in self._writing)

    def briefed(self, target: TargetKey) -> None:
        """The policy of a target is known now: judge what waited for it."""
        for row, live in self.spotter.briefed(target):
            if row.key not in self._writing:
                self._judge(row.key, row, live, is_event=True)

    # -- judging -----------------------------------------------------------------------------

    def _judge(
        self,
        key: ObjectKey,
        row: Owned,
        live: Body,
        *,
        is_event: bool,
        seen_in: Resource | None = None,
        is_asked: bool = False,
    ) -> None:
        """Compare and note. `seen_in` is the watch that told of it, of Secrets the metadata.

        `is_asked`: it is known that no autoscaler names the object.
        """
        self.scaling.drop(key)
        verdict = self._comparer.compare(
            live,
            row,
            desired=lambda: self._briefing.body(row),
            is_event=is_event,
            is_whole=seen_in is None or not is_secret(key),
        )
        drift: Drift | None = None
        refreshed: Owned | None = None
        beside: tuple[Neighbour, ...] | None = None
        match verdict:
            case comparing.Stale() | comparing.Unsure():
                return
            case comparing.Unread():
                if seen_in is not None:
                    self._fetcher.ask(seen_in, key)
                return
            case comparing.NotOurs(owner=owner):
                self._noting.taken(key, owner)
                drift = Drift(DriftKind.TAKEN, None, manager=owner)
            case comparing.OwnershipLost():
                self._noting.live(key, live)
                self._noting.lost(row)
            case comparing.Drifted(is_rescaled=True) if not is_asked:
                self.scaling.ask(row, live)
                return
            case comparing.Drifted(drift=drift, owned=refreshed):
                self._noting.live(key, live)
            case comparing.Equal(owned=refreshed):
                self._noting.live(key, live)
                drift, beside = self.spotter.spot(row, live)
        if refreshed is not None:
            self._register.keep(refreshed)
        health = self._assessor.health(refreshed or row, live)
        self._noting.judged(refreshed or row, health, drift, beside, refreshed)

    def _judge_end(self, row: Owned) -> None:
        verdict = self._comparer.compare(None, row)
        if isinstance(verdict, comparing.Drifted):
            self._assessor.gone(row.key)
            # Whose it was says nothing of what may be there now: the correction looks.
            self._register.strangers.pop(row.key, None)
            self._noting.judged(row, Health(HealthState.MISSING, "it is gone"), verdict.drift)

    def _is_news(self, row: Owned, version: str) -> bool:
        """Whether an end is newer than our last write: a watch tells of older ones late."""
        baseline = decode_packed(row.baseline)
        if baseline is None or not version:
            return True
        return is_newer(version, baseline.resource_version)


def _is_applied_in(row: Owned, resource: Resource) -> bool:
    """Whether we wrote the object in this version of its kind, as far as is known."""
    baseline = decode_packed(row.baseline)
    return baseline is None or baseline.version in ("", resource.version)
