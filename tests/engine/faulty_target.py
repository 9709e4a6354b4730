"""A target type whose sessions break in the ways that no seam allows: it is somebody's bug."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

import anyio

from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.hooks.targets import Session
from shoal.model.endpoints import Endpoint
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Desired, Owned, Plan, Proof
from shoal.model.sightings import Sighting
from shoal.testing.fake_cluster import FakeCluster
from shoal.testing.fake_target import FakeSession, FakeTarget


class Bug(StrEnum):
    """What is wrong with the sessions of one cluster."""

    OPENING_RAISES = "opening raises"
    OPENING_HANGS = "opening hangs"
    A_TASK_RAISES = "a task beside the session raises"
    SIGHTINGS_RAISE = "sightings raise"
    SIGHTINGS_END = "sightings end"


class FaultyTarget(FakeTarget):
    """A `FakeTarget` that reads the credential, with bugs by cluster; `opened_at` are times.

    `planned` counts: the proofs that were asked for, by target.
    """

    def __init__(self, *clusters: FakeCluster) -> None:
        super().__init__(*clusters)
        self.bugs: dict[str, Bug] = {}
        self.opened_at: dict[str, list[float]] = {}
        self.planned: dict[TargetKey, list[Proof]] = {}

    @asynccontextmanager
    async def open(  # pyright: ignore[reportIncompatibleMethodOverride]  # yields any Session
        self,
        cluster: str,
        endpoint: Endpoint,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        host: Host,
    ) -> AsyncIterator[Session]:
        self.opened_at.setdefault(cluster, []).append(anyio.current_time())
        bug = self.bugs.get(cluster)
        if bug is Bug.OPENING_RAISES:
            raise ZeroDivisionError
        if bug is Bug.OPENING_HANGS:
            await anyio.sleep_forever()
        await endpoint.credential()
        async with super().open(cluster, endpoint, owned, judge, host) as session:
            if bug is Bug.A_TASK_RAISES:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_raise_later)
                    yield session
            elif bug is Bug.SIGHTINGS_RAISE or bug is Bug.SIGHTINGS_END:
                yield _Blind(session, bug)
            else:
                yield _Counting(session, self.planned)


class _Counting:
    """A session whose plans are counted."""

    def __init__(self, session: FakeSession, planned: dict[TargetKey, list[Proof]]) -> None:
        self.probe = session.probe
        self.apply = session.apply
        self.api_versions = session.api_versions
        self.sightings = session.sightings
        self.learn = session.learn
        self.differences = session.differences
        self.sweep = session.sweep
        self.pods = session.pods
        self._session = session
        self._planned = planned

    async def plan(
        self,
        desired: Desired,
        *,
        only: frozenset[ObjectKey] | None = None,
        proof: Proof = Proof.EXPECTED,
        rerun: bool = False,
    ) -> Plan:
        self._planned.setdefault(desired.target, []).append(proof)
        return await self._session.plan(desired, only=only, proof=proof, rerun=rerun)


class _Blind:
    """A session that sees nothing."""

    def __init__(self, session: FakeSession, bug: Bug) -> None:
        self.probe = session.probe
        self.plan = session.plan
        self.apply = session.apply
        self.learn = session.learn
        self.differences = session.differences
        self.sweep = session.sweep
        self.pods = session.pods
        self.api_versions = session.api_versions
        self._bug = bug

    async def sightings(self) -> AsyncIterator[Sighting]:
        if self._bug is Bug.SIGHTINGS_RAISE:
            raise ZeroDivisionError
        return
        yield


async def _raise_later() -> None:
    await anyio.sleep(3)
    raise ZeroDivisionError
