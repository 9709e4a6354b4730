"""A bench for targets: an open session, the inventory an engine would keep, and a stranger.

What `target_conformance` is written with; tests of one target alone use it too.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio

from shoal.hooks.host import Host
from shoal.hooks.targets import Session, TargetType
from shoal.model.digests import digest_value
from shoal.model.endpoints import Endpoint
from shoal.model.health import HealthState
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import (
    Action,
    Content,
    Desired,
    Grant,
    Owned,
    Plan,
    Proof,
    Result,
    ResultStatus,
    intended,
)
from shoal.model.policies import SyncPolicy
from shoal.model.sightings import DriftKind, Sighting
from shoal.testing.judges import GivenJudge

WAIT_SECONDS = 10.0
"""How long a sighting may take before the test fails; it normally takes milliseconds."""
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_names = itertools.count(1)


class World(Protocol):
    """The cluster behind a target, for a stranger."""

    @property
    def namespace(self) -> str:
        """A namespace that is there and belongs to nobody."""
        ...

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """The live object; None when it is not there."""
        ...

    async def create(self, body: Mapping[str, Any]) -> None:
        """Create an object without any mark of ours."""
        ...

    async def change(self, key: ObjectKey, patch: Mapping[str, Any]) -> None:
        """Merge a patch into a live object."""
        ...

    async def remove(self, key: ObjectKey) -> None:
        """Delete an object."""
        ...

    async def finish(self, key: ObjectKey) -> None:
        """Let a Job run to its end."""
        ...


@dataclass(frozen=True)
class Subject:
    """A target type, and everything that a session needs to be opened."""

    target: TargetType
    cluster: str
    endpoint: Endpoint
    host: Host
    world: World


@dataclass
class Bench:
    """One open session and the inventory that an engine would keep for it."""

    session: Session
    world: World
    cluster: str
    inventory: dict[ObjectKey, Owned] = field(default_factory=dict)
    seen: list[Sighting] = field(default_factory=list)
    application: str = "web"
    wanted: dict[TargetKey, Desired] = field(default_factory=dict)
    changed: anyio.Event = field(default_factory=anyio.Event)
    judge: GivenJudge = field(default_factory=GivenJudge)

    def config_map(self, name: str, **data: str) -> dict[str, Any]:
        """A ConfigMap of the tests."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.world.namespace},
            "data": data,
        }

    def job(self, name: str, image: str) -> dict[str, Any]:
        """A Job of the tests."""
        pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": self.world.namespace},
            "spec": {"template": {"spec": pod}},
        }

    def job_key(self, name: str) -> ObjectKey:
        """The key of such a Job."""
        return ObjectKey("batch", "Job", self.world.namespace, name)

    def key(self, name: str) -> ObjectKey:
        """The key of such a ConfigMap."""
        return ObjectKey("", "ConfigMap", self.world.namespace, name)

    def desired(self, *bodies: Mapping[str, Any], revision: str = "r1", **policy: Any) -> Desired:
        """What the application should have."""
        return desired_of(
            TargetKey(Ref("default", self.application), self.cluster),
            bodies,
            revision=revision,
            policy=SyncPolicy(**policy),
        )

    async def plan(self, *bodies: Mapping[str, Any], **policy: Any) -> Plan:
        """Plan only."""
        return await self.session.plan(self.desired(*bodies, **policy))

    async def prove(self, *bodies: Mapping[str, Any], **policy: Any) -> Plan:
        """A plan that is tried out."""
        return await self.session.plan(self.desired(*bodies, **policy), proof=Proof.DRY_RUN)

    async def want(self, application: str, *bodies: Mapping[str, Any]) -> None:
        """Let the session learn what an application should hold; nothing: that it is no more."""
        target = TargetKey(Ref("default", application), self.cluster)
        self.wanted.pop(target, None)
        if bodies:
            self.wanted[target] = desired_of(target, bodies)
        await self.session.learn(tuple(self.wanted.values()))

    async def sync(
        self,
        *bodies: Mapping[str, Any],
        granted: Callable[[], bool] = lambda: True,
        rerun: bool = False,
        **policy: Any,
    ) -> dict[str, Result]:
        """Learn, plan, intend, apply, and store the rows; results by the name of the object."""
        desired = self.desired(*bodies, **policy)
        self.wanted[desired.target] = desired
        await self.session.learn(tuple(self.wanted.values()))
        plan = await self.session.plan(desired, rerun=rerun)
        self.intend(plan)
        results = {}
        async for result in self.session.apply(plan, desired, granted=granted):
            results[result.key.name] = result
            self.store(result)
        return results

    def intend(self, plan: Plan) -> None:
        """What the engine does before it lets anything be created."""
        for change in plan.changes:
            is_new = change.action in (Action.CREATE, Action.ADOPT)
            if is_new and change.key not in self.inventory:
                row = intended(plan.target, change.key)
                self.inventory[change.key] = row

    def store(self, result: Result) -> None:
        """What the engine does with a result."""
        if result.owned is not None:
            self.inventory[result.key] = result.owned
        elif result.status in (ResultStatus.DELETED, ResultStatus.FORGOTTEN):
            row = self.inventory.get(result.key)
            if row is not None and row.target.application.name == self.application:
                del self.inventory[result.key]

    async def until(self, holds: Callable[[Sighting], bool]) -> Sighting:
        """Wait for a sighting, counting those that came already."""
        with anyio.fail_after(WAIT_SECONDS):
            while True:
                for sighting in self.seen:
                    if holds(sighting):
                        return sighting
                self.changed = anyio.Event()
                await self.changed.wait()

    async def until_drifted(self, name: str, *, missing: bool) -> Sighting:
        """Wait until the drift of an object was sighted."""
        return await self.until(
            lambda one: (
                one.key.name == name
                and one.drift is not None
                and (one.drift.kind is DriftKind.MISSING) is missing
            )
        )

    async def until_health(self, name: str, state: HealthState) -> Sighting:
        """Wait until an object was told to be like this."""

        def holds(one: Sighting) -> bool:
            return one.key.name == name and one.health is not None and one.health.state is state

        return await self.until(holds)

    async def observe(self) -> None:
        """Consume sightings, as the engine does."""
        async for sighting in self.session.sightings():
            self.seen.append(sighting)
            if sighting.owned is not None:
                self.inventory[sighting.key] = sighting.owned
            self.changed.set()


def desired_of(
    target: TargetKey,
    bodies: Sequence[Mapping[str, Any]],
    *,
    revision: str = "r1",
    policy: SyncPolicy | None = None,
) -> Desired:
    """What a target should hold, made of bodies."""
    manifests = [Manifest(body, f"manifest-{at}.yaml") for at, body in enumerate(bodies)]
    content = Content(digest_value(sorted(map(digest_value, bodies))), manifests)
    grant = Grant(target, revision, "head", _AT)
    policy = policy or SyncPolicy()
    return Desired(target, grant, digest_value([content.digest, str(policy)]), content, policy)


@asynccontextmanager
async def bench(
    subject: Subject, inventory: dict[ObjectKey, Owned] | None = None
) -> AsyncIterator[Bench]:
    """An open session whose sightings are consumed."""
    rows: dict[ObjectKey, Owned] = {} if inventory is None else inventory
    judge = GivenJudge()
    opened = subject.target.open(subject.cluster, subject.endpoint, rows, judge, subject.host)
    async with opened as session, anyio.create_task_group() as tasks:
        made = Bench(session, subject.world, subject.cluster, rows, judge=judge)
        tasks.start_soon(made.observe)
        yield made
        tasks.cancel_scope.cancel()


def name() -> str:
    """A name that no other test uses."""
    return f"object-{next(_names)}"


def statuses(results: Mapping[str, Result]) -> dict[str, ResultStatus]:
    """How each change ended, by name."""
    return {name: result.status for name, result in results.items()}
