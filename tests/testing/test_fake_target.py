"""The target in memory keeps the promises of a real one, and breaks as it is told."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from shoal.errors import AccessDenied, ClusterUnreachable, InvalidObject
from shoal.hooks.host import Host
from shoal.testing.fake_cluster import FakeCluster
from shoal.testing.fake_target import FakeTarget, fake_endpoint
from shoal.testing.target_bench import Subject, bench, name, statuses
from shoal.testing.target_conformance import TargetConformance


@pytest.fixture
def world() -> FakeCluster:
    return FakeCluster("dev")


class TestFakeTarget(TargetConformance):
    @pytest.fixture
    def subject(self, world: FakeCluster, shoal_host: Callable[..., Host]) -> Subject:
        return Subject(FakeTarget(world), "dev", fake_endpoint(), shoal_host(), world)

    async def test_an_unreachable_cluster_says_so_at_every_call(
        self, subject: Subject, world: FakeCluster
    ) -> None:
        async with bench(subject) as it:
            world.unreachable = True

            with pytest.raises(ClusterUnreachable):
                await it.session.probe()
            with pytest.raises(ClusterUnreachable):
                await it.sync(it.config_map(name(), a="1"))

    async def test_a_refused_credential_is_denied(
        self, subject: Subject, world: FakeCluster
    ) -> None:
        async with bench(subject) as it:
            world.denied = True

            with pytest.raises(AccessDenied):
                await it.session.probe()

    async def test_a_slow_cluster_answers_when_the_test_says(
        self, subject: Subject, world: FakeCluster
    ) -> None:
        async with bench(subject) as it:
            gate = world.gate = anyio.Event()
            waiting: object = "nobody looked"
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(it.sync, it.config_map("slow", a="1"))
                await anyio.wait_all_tasks_blocked()
                waiting = await world.read(it.key("slow"))
                gate.set()

            assert waiting is None
            assert await world.read(it.key("slow")) is not None

    async def test_a_refused_object_fails_alone(self, subject: Subject, world: FakeCluster) -> None:
        async with bench(subject) as it:
            bad, good = name(), name()
            world.refusals[it.key(bad)] = InvalidObject("spec.port: must be a number")
            results = await it.sync(it.config_map(bad, a="1"), it.config_map(good, a="1"))

            assert {one: status.value for one, status in statuses(results).items()} == {
                bad: "failed",
                good: "applied",
            }
