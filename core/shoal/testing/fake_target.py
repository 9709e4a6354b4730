"""A target in memory, for tests of everything that stands on a target.

`FakeTarget` fulfils `TargetType` and passes `target_conformance` as the Kubernetes one does, in
microseconds. The other side, with its faults, is a `FakeCluster`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import orjson

from shoal.errors import (
    ClusterUnreachable,
    MissingNamespace,
)
from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.model.descents import Descent
from shoal.model.differences import difference
from shoal.model.digests import canonical, digest_value
from shoal.model.endpoints import Credential, Endpoint, Facts
from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.plans import (
    WRITES,
    Action,
    Change,
    Desired,
    Owned,
    OwnedState,
    Plan,
    Proof,
    Result,
    ResultStatus,
)
from shoal.model.sightings import Drift, DriftKind, Sighting
from shoal.model.sweeps import Swept
from shoal.testing.fake_cluster import FakeCluster, FakeObject, merged, projected, without
from shoal.testing.fake_leaving import deleted, let_go
from shoal.testing.fake_memory import FakeMemory
from shoal.testing.fake_sweeping import sweep
from shoal.testing.fake_trying import named, proven, refusal

HEALTHY = Health(HealthState.HEALTHY)
Clock = Callable[[], datetime]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class FakeTarget:
    """The target type `fake`: opens sessions to the clusters it was given."""

    name = "fake"

    def __init__(self, *clusters: FakeCluster, now: Clock = _wall_clock) -> None:
        self.clusters = {cluster.name: cluster for cluster in clusters}
        self.now = now
        self.opened: list[str] = []

    @asynccontextmanager
    async def open(
        self,
        cluster: str,
        endpoint: Endpoint,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        host: Host,
    ) -> AsyncIterator[FakeSession]:
        """Connect, which sends nothing; a cluster that was not given is unreachable."""
        self.opened.append(cluster)
        if cluster not in self.clusters:
            raise ClusterUnreachable(f"there is no fake cluster {cluster}")
        session = FakeSession(self.clusters[cluster], owned, judge, self.now)
        self.clusters[cluster].attach(session.see)
        try:
            for key in owned:
                session.see(key)
            yield session
        finally:
            self.clusters[cluster].detach(session.see)


class FakeSession:
    """One connection to one `FakeCluster`."""

    def __init__(
        self,
        cluster: FakeCluster,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        now: Clock = _wall_clock,
    ) -> None:
        self._now = now
        self._cluster = cluster
        self._judge = judge
        self._judged: dict[TargetKey, Sequence[HealthRule]] = {}
        self._memory = FakeMemory(cluster, owned)
        self._uid = ""
        self._health: dict[ObjectKey, Health] = {}
        self._waiting: dict[ObjectKey, Sighting] = {}
        self._filled = anyio.Event()

    async def probe(self) -> Facts:
        """Who the cluster is."""
        await self._cluster.reached()
        self._uid = self._uid or self._cluster.uid
        facts, unknown = self._cluster.facts(), self._memory.unknown_objects()
        return replace(facts, unknown_objects=facts.unknown_objects + unknown)

    async def api_versions(self) -> Sequence[str]:
        """The kinds that the fake serves, all in v1."""
        groups = {f"{kind.group}/v1".lstrip("/") for kind in self._cluster.served}
        kinds = {f"{kind.group}/v1/{kind.kind}".lstrip("/") for kind in self._cluster.served}
        return sorted(groups | kinds)

    async def plan(
        self,
        desired: Desired,
        *,
        only: frozenset[ObjectKey] | None = None,
        proof: Proof = Proof.EXPECTED,
        rerun: bool = False,
    ) -> Plan:
        """What would change, by rows and sightings; tried out, by what is live as well."""
        if proof is Proof.DRY_RUN:
            await self._cluster.reached()
        self._follow_rules(desired.target)
        plan, wanted = self._memory.plan(desired, only, rerun=rerun)
        return (
            plan
            if proof is Proof.EXPECTED
            else await proven(self._cluster, self._memory, plan, wanted, desired)
        )

    async def learn(
        self, wanted: Collection[Desired] | None, unknown: Collection[TargetKey] = ()
    ) -> None:
        """What all targets of the cluster want; None: nobody can say."""
        self._memory.learn(wanted, unknown)

    def sweep(self, swept: Collection[GroupKind] = ()) -> AsyncIterator[Swept]:
        """What targets of this fleet left behind, a kind after the other."""
        return sweep(self._cluster, swept)

    async def apply(
        self, plan: Plan, desired: Desired, *, granted: Callable[[], bool]
    ) -> AsyncIterator[Result]:
        """Namespaces first, then the rest by name; deletions last."""
        wanted, _ = self._memory.prepared(desired)
        is_whole = not plan.refused
        for change in sorted(plan.changes, key=_order):
            await self._cluster.reached()
            if self._cluster.uid != (self._uid or self._cluster.uid):
                raise ClusterUnreachable(f"another cluster answers for {self._cluster.name}")
            result = self._carry_out(change, wanted, desired, granted, is_whole=is_whole)
            is_whole = is_whole and (change.action not in WRITES or result.status in _SUCCEEDED)
            yield result

    async def differences(
        self, target: TargetKey, keys: frozenset[ObjectKey]
    ) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
        """The patches from what was written to what is live."""
        await self._cluster.reached()
        found: dict[ObjectKey, Sequence[Mapping[str, Any]]] = {}
        for key in keys:
            row, live = self._memory.row(key), self._cluster.objects.get(key)
            if row is None or live is None or row.target != target or not row.baseline:
                continue
            wanted = orjson.loads(row.baseline)
            after = projected(live.body, wanted)
            for path in live.additions(wanted):
                after = merged(after, _at(live.body, path))
            found[key] = difference(key, wanted, after)
        return found

    async def pods(self, target: TargetKey) -> Descent:
        """Those that the fake cluster was given."""
        await self._cluster.reached()
        return self._cluster.descent

    async def sightings(self) -> AsyncIterator[Sighting]:
        """The newest sighting of each object; never ends."""
        while True:
            while self._waiting:
                yield self._waiting.pop(next(iter(self._waiting)))
            self._filled = anyio.Event()
            await self._filled.wait()

    def see(self, key: ObjectKey) -> None:
        """The object may look different now."""
        row = self._memory.row(key)
        if row is None or not row.uid:
            return
        before = self._memory.drifted.pop(key, None)
        drift = self._drift_of(row)
        if not row.baseline:  # it was only found
            if drift is not None:
                self._tell(row, None, drift)
            return
        if drift is not None:
            self._memory.drifted[key] = drift
        health = self._health_of(row.target, key)
        is_changed = self._health.get(key) != health
        self._health[key] = health
        if drift != before or is_changed or key in self._cluster.neighbours:
            self._tell(row, health if is_changed else None, drift)

    # -- one change ------------------------------------------------------------------------------

    def _carry_out(
        self,
        change: Change,
        wanted: Mapping[ObjectKey, dict[str, Any]],
        desired: Desired,
        granted: Callable[[], bool],
        *,
        is_whole: bool,
    ) -> Result:
        key = change.key
        if not granted():
            return Result(key, change.action, ResultStatus.REVOKED)
        if change.action in WRITES:
            return self._write(change, wanted[key], desired)
        if change.action is Action.HAND_OVER:
            return self._hand_over(change, desired.target)
        if change.action is Action.LET_GO:
            return self._leave(change, desired.target)
        if not is_whole:
            note = "kept, because not every object of this revision was applied"
            return Result(key, change.action, ResultStatus.WAITING, note=note)
        return self._leave(change, desired.target)

    def _write(self, change: Change, body: dict[str, Any], desired: Desired) -> Result:
        key, target, action = change.key, desired.target, change.action
        error = refusal(self._cluster, self._memory, key, body, desired)
        if isinstance(error, str):
            return Result(key, action, ResultStatus.WAITING, note=error)
        if error is not None:
            is_waiting = isinstance(error, MissingNamespace)
            status = ResultStatus.WAITING if is_waiting else ResultStatus.FAILED
            return Result(key, action, status, error=error)
        live = self._cluster.objects.get(key)
        note = ""
        if live is not None and live.owner != target:
            action, note = Action.ADOPT, f"taken over from {named(live)}"
        if live is not None and action is Action.RECREATE:
            self._cluster.writes.append(("delete", key))
            live = None
        self._cluster.writes.append(("apply", key))
        if live is None:
            uid = f"uid-{self._cluster.tick()}"
            live = FakeObject({}, uid, 0, target)
            self._cluster.objects[key] = live
        after = self._after(change, live, body)
        is_same = live.version > 0 and after == live.body and not note
        live.owner = target
        if not is_same:
            live.body, live.version = after, self._cluster.tick()
        status = ResultStatus.UNCHANGED if is_same else ResultStatus.APPLIED
        row = self._confirm(target, key, body, live)
        return Result(key, action, status, owned=row, note=note)

    def _after(self, change: Change, live: FakeObject, body: dict[str, Any]) -> dict[str, Any]:
        """The object as it is once this was written."""
        drift = self._memory.drifted.get(change.key)
        after: dict[str, Any] = merged(live.body, body)
        if change.action is Action.CORRECT and drift and drift.kind is DriftKind.ADDED:
            for path in live.additions(body):
                after = without(after, path)
        return after

    def _confirm(
        self, target: TargetKey, key: ObjectKey, body: dict[str, Any], live: FakeObject
    ) -> Owned:
        row = _confirmed(target, key, body, live.uid)
        self._memory.keep(key, row)
        self._memory.drifted.pop(key, None)
        left = _added(live, row)
        if left is not None:
            self._memory.drifted[key] = left
        self._health[key] = self._health_of(target, key)
        self._tell(row, self._health[key], left)
        return row

    def _hand_over(self, change: Change, target: TargetKey) -> Result:
        row = self._memory.row(change.key)
        if row is not None and row.target == target:
            return Result(change.key, change.action, ResultStatus.WAITING, note=change.cause)
        return Result(change.key, change.action, ResultStatus.FORGOTTEN)

    def _leave(self, change: Change, target: TargetKey) -> Result:
        leave = let_go if change.action is Action.LET_GO else deleted
        result = leave(self._cluster, self._memory, change, target)
        if result.status in (ResultStatus.DELETED, ResultStatus.FORGOTTEN):
            self._health.pop(change.key, None)
        return result

    # -- what is seen ----------------------------------------------------------------------------

    def _drift_of(self, row: Owned) -> Drift | None:
        live = self._cluster.objects.get(row.key)
        if live is None:
            return Drift(DriftKind.MISSING, None)
        if not row.baseline:
            return None  # it was only found: there is nothing to compare it with
        wanted = orjson.loads(row.baseline)
        seen = projected(live.body, wanted)
        digest = digest_value(seen)
        if digest == row.owned_digest:
            return _added(live, row)
        patch = tuple(difference(row.key, seen, wanted))
        return Drift(DriftKind.EDITED, digest, manager="stranger", patch=patch)

    def _health_of(self, target: TargetKey, key: ObjectKey) -> Health:
        if key not in self._cluster.objects:
            return Health(HealthState.MISSING, "it is gone")
        self._judged.setdefault(target, self._judge.rules(target))
        judged = self._judge.assess(target, key, self._cluster.objects[key].body)
        return judged or self._cluster.health.get(key, HEALTHY)

    def _follow_rules(self, target: TargetKey) -> None:
        """What was judged by other rules than those that count now is judged again."""
        rules = self._judge.rules(target)
        if self._judged.setdefault(target, rules) != rules:
            self._judged[target] = rules
            for key in self._memory.rows_of(target):
                self._health.pop(key, None)
                self.see(key)

    def _tell(self, row: Owned, health: Health | None, drift: Drift | None) -> None:
        older = self._waiting.pop(row.key, None)
        if older is not None and health is None:
            health = older.health
        beside = self._cluster.neighbours.get(row.key, ())
        told = Sighting(row.target, row.key, self._now(), health, drift, beside=beside)
        self._waiting[row.key] = told
        self._filled.set()


def fake_endpoint() -> Endpoint:
    """An endpoint that leads nowhere, for a target that opens no connection."""

    async def credential() -> Credential:
        return Credential(token="fake")  # noqa: S106  # opens nothing

    return Endpoint(server="https://fake.invalid", credential=credential)


_SUCCEEDED = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})


def _order(change: Change) -> tuple[bool, bool, ObjectKey]:
    return change.action not in WRITES, change.key.kind != "Namespace", change.key


def _confirmed(target: TargetKey, key: ObjectKey, body: dict[str, Any], uid: str) -> Owned:
    return Owned(
        target=target,
        key=key,
        uid=uid,
        desired_digest=digest_value(body),
        owned_digest=digest_value(projected(body, body)),
        baseline=canonical(body),
        state=OwnedState.CONFIRMED,
    )


def _added(live: FakeObject, row: Owned) -> Drift | None:
    """The drift of what a stranger brought to an object whose other fields are right."""
    paths = live.additions(orjson.loads(row.baseline))
    if not paths:
        return None
    patch = tuple({"op": "remove", "path": "/" + "/".join(path)} for path in paths)
    return Drift(DriftKind.ADDED, digest_value([row.owned_digest, paths]), "stranger", patch=patch)


def _at(body: Any, path: tuple[str, ...]) -> Any:
    """The part of a body that a path leads to, with all that it stands in."""
    return {path[0]: _at(body[path[0]], path[1:])} if path else body
