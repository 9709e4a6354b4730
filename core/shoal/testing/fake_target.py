"""A target in memory, for tests of everything that stands on a target.

`FakeTarget` fulfils `TargetType` and passes `target_conformance` as the Kubernetes one does, in
microseconds. The other side, with its faults, is a `FakeCluster`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import orjson

from shoal.errors import (
    ClusterUnreachable,
    MissingApi,
    MissingNamespace,
    OwnershipConflict,
    ShoalError,
)
from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.model.differences import difference
from shoal.model.digests import canonical, digest_value
from shoal.model.endpoints import Credential, Endpoint, Facts
from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import (
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
from shoal.model.policies import PrunePolicy
from shoal.model.sightings import Drift, DriftKind, Sighting
from shoal.testing.fake_cluster import FakeCluster, FakeObject, key_of, merged, without

HEALTHY = Health(HealthState.HEALTHY)


class FakeTarget:
    """The target type `fake`: opens sessions to the clusters it was given."""

    name = "fake"

    def __init__(self, *clusters: FakeCluster) -> None:
        self.clusters = {cluster.name: cluster for cluster in clusters}
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
        session = FakeSession(self.clusters[cluster], owned, judge)
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
        self, cluster: FakeCluster, owned: Mapping[ObjectKey, Owned], judge: Judge
    ) -> None:
        self._cluster = cluster
        self._owned = owned
        self._judge = judge
        self._judged: dict[TargetKey, Sequence[HealthRule]] = {}
        self._newer: dict[ObjectKey, tuple[Owned | None, Owned | None]] = {}
        self._drifted: dict[ObjectKey, Drift] = {}
        self._health: dict[ObjectKey, Health] = {}
        self._waiting: dict[ObjectKey, Sighting] = {}
        self._filled = anyio.Event()

    async def probe(self) -> Facts:
        """Who the cluster is."""
        await self._cluster.reached()
        return Facts(self._cluster.uid, self._cluster.version, self._cluster.limits)

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
        """What would change, by rows and sightings; a dry run needs an answer of the cluster."""
        if proof is Proof.DRY_RUN:
            await self._cluster.reached()
        self._follow_rules(desired.target)
        wanted, refused = self._prepared(desired)
        rows = self._rows_of(desired.target)
        changes = [self._change(key, wanted[key], rows.get(key), desired) for key in wanted]
        if desired.policy.prune is not PrunePolicy.NEVER:
            changes += [
                Change(key, Action.DELETE, row.desired_digest or None, None, "removed from Git")
                for key, row in rows.items()
                if key not in wanted and key not in refused
            ]
        kept = sorted(
            (one for one in changes if one and (only is None or one.key in only)),
            key=lambda change: change.key,
        )
        meant = {key: why for key, why in refused.items() if only is None or key in only}
        return Plan(desired.target, tuple(kept), refused=meant)

    async def apply(
        self, plan: Plan, desired: Desired, *, granted: Callable[[], bool]
    ) -> AsyncIterator[Result]:
        """Namespaces first, then the rest by name; deletions last."""
        wanted, _ = self._prepared(desired)
        is_whole = not plan.refused
        for change in sorted(plan.changes, key=_order):
            await self._cluster.reached()
            result = self._carry_out(change, wanted, desired, granted, is_whole=is_whole)
            is_whole = is_whole and (change.action is Action.DELETE or result.status in _SUCCEEDED)
            yield result

    async def differences(
        self, target: TargetKey, keys: frozenset[ObjectKey]
    ) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
        """The patches from what was written to what is live."""
        await self._cluster.reached()
        found: dict[ObjectKey, Sequence[Mapping[str, Any]]] = {}
        for key in keys:
            row, live = self._row(key), self._cluster.objects.get(key)
            if row is None or live is None or row.target != target or not row.baseline:
                continue
            wanted = orjson.loads(row.baseline)
            after = _projected(live.body, wanted)
            for path in live.additions(wanted):
                after = merged(after, _at(live.body, path))
            found[key] = difference(key, wanted, after)
        return found

    async def sightings(self) -> AsyncIterator[Sighting]:
        """The newest sighting of each object; never ends."""
        while True:
            while self._waiting:
                yield self._waiting.pop(next(iter(self._waiting)))
            self._filled = anyio.Event()
            await self._filled.wait()

    def see(self, key: ObjectKey) -> None:
        """The object may look different now."""
        row = self._row(key)
        if row is None or not row.uid:
            return
        before = self._drifted.pop(key, None)
        drift = self._drift_of(row)
        if drift is not None:
            self._drifted[key] = drift
        health = self._health_of(row.target, key)
        is_changed = self._health.get(key) != health
        self._health[key] = health
        if drift != before or is_changed:
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
        if change.action is not Action.DELETE:
            return self._write(change, wanted[key], desired.target)
        if not is_whole:
            note = "kept, because not every object of this revision was applied"
            return Result(key, change.action, ResultStatus.WAITING, note=note)
        return self._delete(change, desired.target)

    def _write(self, change: Change, body: dict[str, Any], target: TargetKey) -> Result:
        key = change.key
        error = self._refusal(key, target)
        if error is not None:
            is_waiting = isinstance(error, MissingNamespace)
            status = ResultStatus.WAITING if is_waiting else ResultStatus.FAILED
            return Result(key, change.action, status, error=error)
        live = self._cluster.objects.get(key)
        self._cluster.writes.append(("apply", key))
        if live is None:
            uid = f"uid-{self._cluster.tick()}"
            live = FakeObject({}, uid, 0, target)
            self._cluster.objects[key] = live
        drift = self._drifted.get(key)
        after = merged(live.body, body)
        if change.action is Action.CORRECT and drift and drift.kind is DriftKind.ADDED:
            for path in live.additions(body):
                after = without(after, path)
        is_same = live.version > 0 and after == live.body
        if not is_same:
            live.body, live.version = after, self._cluster.tick()
        row = _confirmed(target, key, body, live.uid)
        self._keep(key, row)
        self._drifted.pop(key, None)
        left = _added(live, row)
        if left is not None:
            self._drifted[key] = left
        self._health[key] = self._health_of(target, key)
        self._tell(row, self._health[key], left)
        status = ResultStatus.UNCHANGED if is_same else ResultStatus.APPLIED
        return Result(key, change.action, status, owned=row)

    def _refusal(self, key: ObjectKey, target: TargetKey) -> ShoalError | None:
        if key in self._cluster.refusals:
            return self._cluster.refusals[key]
        if not self._cluster.has_namespace(key.namespace):
            return MissingNamespace(f"namespace {key.namespace} does not exist")
        live = self._cluster.objects.get(key)
        if live is None or live.owner == target:
            return None
        owner = f"application {live.owner.application}" if live.owner else "somebody else"
        return OwnershipConflict(f"{key} is there already and belongs to {owner}")

    def _delete(self, change: Change, target: TargetKey) -> Result:
        key = change.key
        live = self._cluster.objects.get(key)
        status = ResultStatus.DELETED
        if live is not None and live.owner != target:
            status = ResultStatus.FORGOTTEN
        elif live is not None:
            self._cluster.writes.append(("delete", key))
            del self._cluster.objects[key]
        self._keep(key, None)
        self._drifted.pop(key, None)
        self._health.pop(key, None)
        return Result(key, change.action, status)

    # -- what is known ---------------------------------------------------------------------------

    def _row(self, key: ObjectKey) -> Owned | None:
        stored = self._owned.get(key)
        base, newer = self._newer.get(key, (stored, stored))
        return newer if base == stored else stored

    def _keep(self, key: ObjectKey, row: Owned | None) -> None:
        self._newer[key] = (self._owned.get(key), row)

    def _rows_of(self, target: TargetKey) -> dict[ObjectKey, Owned]:
        rows = {key: self._row(key) for key in (*self._owned, *self._newer)}
        return {key: row for key, row in rows.items() if row and row.target == target}

    def _prepared(
        self, desired: Desired
    ) -> tuple[dict[ObjectKey, dict[str, Any]], dict[ObjectKey, ShoalError]]:
        wanted: dict[ObjectKey, dict[str, Any]] = {}
        refused: dict[ObjectKey, ShoalError] = {}
        for manifest in desired.content.manifests:
            key = key_of(manifest.body)
            row = self._row(key)
            if row is not None and row.target != desired.target:
                owner = row.target.application
                refused[key] = OwnershipConflict(f"{key} belongs to application {owner}")
            elif key.group_kind in self._cluster.served:
                wanted[key] = dict(manifest.body)
            else:
                refused[key] = MissingApi(f"{key} ({manifest.origin}): its kind is not served")
        return wanted, refused

    def _change(
        self, key: ObjectKey, body: dict[str, Any], row: Owned | None, desired: Desired
    ) -> Change | None:
        after = digest_value(body)
        if row is None or not row.uid:
            return Change(key, Action.CREATE, None, after, "not there yet")
        if row.desired_digest != after:
            return Change(key, Action.UPDATE, row.desired_digest, after, "changed in Git")
        drift = self._drifted.get(key)
        if drift is not None:
            if not drift.is_corrected_by(desired.policy):
                return None
            return Change(
                key, Action.CORRECT, drift.owned_digest, row.owned_digest, "changed in the cluster"
            )
        if row.state is OwnedState.INTENDED:
            return Change(key, Action.UPDATE, row.desired_digest, after, "not known to be applied")
        return None

    def _drift_of(self, row: Owned) -> Drift | None:
        live = self._cluster.objects.get(row.key)
        if live is None:
            return Drift(DriftKind.MISSING, None)
        projected = _projected(live.body, orjson.loads(row.baseline))
        digest = digest_value(projected)
        if digest == row.owned_digest:
            return _added(live, row)
        return Drift(DriftKind.EDITED, digest, manager="stranger")

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
            for key in self._rows_of(target):
                self._health.pop(key, None)
                self.see(key)

    def _tell(self, row: Owned, health: Health | None, drift: Drift | None) -> None:
        older = self._waiting.pop(row.key, None)
        if older is not None and health is None:
            health = older.health
        self._waiting[row.key] = Sighting(row.target, row.key, datetime.now(UTC), health, drift)
        self._filled.set()


def fake_endpoint() -> Endpoint:
    """An endpoint that leads nowhere, for a target that opens no connection."""

    async def credential() -> Credential:
        return Credential(token="fake")  # noqa: S106  # opens nothing

    return Endpoint(server="https://fake.invalid", credential=credential)


_SUCCEEDED = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})


def _order(change: Change) -> tuple[bool, bool, ObjectKey]:
    return change.action is Action.DELETE, change.key.kind != "Namespace", change.key


def _confirmed(target: TargetKey, key: ObjectKey, body: dict[str, Any], uid: str) -> Owned:
    return Owned(
        target=target,
        key=key,
        uid=uid,
        desired_digest=digest_value(body),
        owned_digest=digest_value(_projected(body, body)),
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


def _projected(live: Any, wanted: Any) -> Any:
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return live
    return {name: _projected(live[name], part) for name, part in wanted.items() if name in live}
