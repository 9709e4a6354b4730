"""A cluster in memory: objects that a stranger may change, and faults that a test switches on.

The other side of `fake_target`. Time never passes by itself: a slow cluster waits for an event that
the test sets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson

from shoal.errors import AccessDenied, ClusterUnreachable, ShoalError
from shoal.model.descents import Descent
from shoal.model.digests import canonical
from shoal.model.endpoints import Facts
from shoal.model.health import Health
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.sightings import Neighbour

CLUSTER_SCOPED = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "StorageClass"})
SERVED = frozenset(
    {
        *(GroupKind("", kind) for kind in ("Namespace", "ConfigMap", "Secret", "Service", "Pod")),
        *(GroupKind("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
        *(GroupKind("batch", kind) for kind in ("Job", "CronJob")),
        *(
            GroupKind("rbac.authorization.k8s.io", kind)
            for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
        ),
    }
)


JOB = GroupKind("batch", "Job")

Watcher = Callable[[ObjectKey], None]


@dataclass
class FakeObject:
    """One live object. `owner` is the target that its marks name, None for a stranger's.

    `added` holds the members that a stranger brought, as a merge patch would name them.
    """

    body: dict[str, Any]
    uid: str
    version: int
    owner: TargetKey | None
    added: dict[str, Any] = field(default_factory=dict)

    def additions(self, wanted: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """The paths that a stranger added, as far as they are there and not wanted."""
        return [path for path in _paths(self.added) if _has(self.body, path) > _has(wanted, path)]


@dataclass
class FakeCluster:
    """One cluster in memory, with its faults.

    `unreachable` and `denied` concern every call; `limits`, `stale`, `latency`, `unknown_objects`
    and `rewinds` are what a probe tells, and each call takes the latency. `gate`, when set, holds
    every call until the test sets the event: a hanging cluster; `listing` holds a sweep before its
    last kind, and `unlistable` are kinds that it cannot list, and why. `refusals` maps objects to
    the error that writing or deleting them meets. `writes` are the verbs and objects in the order
    in which they arrived, `dry_runs` the objects that were tried out, `listed` the kinds that were
    swept; `descent` is what is below its workloads.
    """

    name: str = "fake"
    uid: str = "fake-uid"
    version: str = "v1.37.0"
    namespace: str = "default"
    objects: dict[ObjectKey, FakeObject] = field(default_factory=dict)
    unreachable: bool = False
    denied: bool = False
    limits: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    latency: float = 0.0
    unlistable: dict[GroupKind, ShoalError] = field(default_factory=dict)
    listing: anyio.Event | None = None
    rewinds: int = 0
    unknown_objects: int = 0
    gate: anyio.Event | None = None
    refusals: dict[ObjectKey, ShoalError] = field(default_factory=dict)
    finalizers: dict[ObjectKey, str] = field(default_factory=dict)
    neighbours: dict[ObjectKey, tuple[Neighbour, ...]] = field(default_factory=dict)
    descent: Descent = field(default_factory=Descent)
    writes: list[tuple[str, ObjectKey]] = field(default_factory=list)
    dry_runs: list[ObjectKey] = field(default_factory=list)
    listed: list[GroupKind] = field(default_factory=list)
    health: dict[ObjectKey, Health] = field(default_factory=dict)
    served: set[GroupKind] = field(default_factory=lambda: set(SERVED))
    _watchers: list[Watcher] = field(default_factory=list)
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -- what a stranger does; also the `World` of the conformance suite ------------------------

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """The live body; None when it is not there."""
        found = self.objects.get(key)
        return orjson.loads(canonical(found.body)) if found else None

    async def create(self, body: Mapping[str, Any]) -> None:
        """Create an object that carries no marks."""
        key = key_of(body)
        self.objects[key] = FakeObject(dict(body), f"uid-{next(self._counter)}", self.tick(), None)
        self._tell(key)

    async def change(self, key: ObjectKey, patch: Mapping[str, Any]) -> None:
        """Merge a patch into a live object."""
        found = self.objects[key]
        found.added = merged(found.added, _new(found.body, patch))
        found.body = merged(found.body, patch)
        found.version = self.tick()
        self._tell(key)

    async def deploy_too(self, key: ObjectKey, *clients: Neighbour) -> None:
        """Let others deploy an object as well, and change nothing; without `clients`: no more."""
        self.neighbours[key] = clients
        self._tell(key)

    async def remove(self, key: ObjectKey) -> None:
        """Delete an object."""
        del self.objects[key]
        self._tell(key)

    async def finish(self, key: ObjectKey) -> None:
        """Let a Job run to its end."""
        found = self.objects[key]
        status = {"conditions": [{"type": "Complete", "status": "True"}]}
        found.body, found.version = merged(found.body, {"status": status}), self.tick()
        self._tell(key)

    def has_finished(self, key: ObjectKey) -> bool:
        """Whether a Job ran to its end."""
        live = self.objects.get(key)
        return live is not None and bool((live.body.get("status") or {}).get("conditions"))

    def set_health(self, key: ObjectKey, health: Health) -> None:
        """Let an object become healthy or ill."""
        self.health[key] = health
        self._tell(key)

    # -- what a session does --------------------------------------------------------------------

    async def reached(self) -> None:
        """Pass, or fail as the faults say."""
        if self.latency:
            await anyio.sleep(self.latency)
        if self.gate is not None:
            await self.gate.wait()
        if self.unreachable:
            raise ClusterUnreachable(f"cluster {self.name} gave no answer")
        if self.denied:
            raise AccessDenied(f"cluster {self.name} refused the credential")

    def facts(self) -> Facts:
        """What a probe tells."""
        latency = self.latency or None
        return Facts(
            self.uid,
            self.version,
            self.limits,
            self.stale,
            latency_seconds=latency,
            unknown_objects=self.unknown_objects,
            rewinds=self.rewinds,
        )

    def tick(self) -> int:
        """The next resourceVersion."""
        return next(self._counter)

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is there; the one of the tests always is."""
        return name in ("", self.namespace) or ObjectKey("", "Namespace", "", name) in self.objects

    def attach(self, watcher: Watcher) -> None:
        """Tell it of every object that changes."""
        self._watchers.append(watcher)

    def detach(self, watcher: Watcher) -> None:
        """Tell it no more."""
        self._watchers.remove(watcher)

    def _tell(self, key: ObjectKey) -> None:
        for watcher in self._watchers:
            watcher(key)


def key_of(body: Mapping[str, Any]) -> ObjectKey:
    """The identity of a body, in namespace `default` when it names none and needs one."""
    metadata = body["metadata"]
    group, slash, _ = str(body["apiVersion"]).rpartition("/")
    kind = str(body["kind"])
    namespace = "" if kind in CLUSTER_SCOPED else str(metadata.get("namespace") or "default")
    return ObjectKey(group if slash else "", kind, namespace, str(metadata["name"]))


def without(body: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """A copy without what stands at a path."""
    rest = {name: value for name, value in body.items() if name != path[0]}
    return {**rest, path[0]: without(body[path[0]], path[1:])} if path[1:] else rest


def _new(live: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """What a merge patch brings that was not there."""
    found: dict[str, Any] = {}
    for name, value in patch.items():
        if not isinstance(live, Mapping) or name not in live:
            found |= {} if value is None else {name: True}
        elif isinstance(value, Mapping) and (below := _new(live[name], value)):
            found[name] = below
    return found


def _paths(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, below in tree.items():
        if isinstance(below, Mapping):
            yield from _paths(below, (*path, name))
        else:
            yield (*path, name)


def _has(body: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(body, Mapping) or name not in body:
            return False
        body = body[name]
    return True


def merged(live: Any, patch: Any) -> Any:
    """RFC 7386: null removes, mappings merge, everything else replaces."""
    if not isinstance(live, dict) or not isinstance(patch, Mapping):
        return patch
    out = dict(live)
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(live.get(name), value)
    return out


def projected(live: Any, wanted: Any) -> Any:
    """The part of a body that another one speaks of."""
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return live
    return {name: projected(live[name], part) for name, part in wanted.items() if name in live}
