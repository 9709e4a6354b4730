"""A kind that comes later is noticed by a watch, and what a cluster does not say is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import orjson
import pytest
from tests.engine.virtual_time import in_virtual_time
from tests.kubernetes.bodies import crd, widget
from tests.kubernetes.planes import PlaneWorld
from tests.kubernetes.test_pruning import unanswered_api

from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.model.plans import ResultStatus
from shoal.model.sightings import Sighting
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError
from shoal_clusters.kubernetes import appearing
from shoal_clusters.kubernetes.appearing import Appearing
from shoal_clusters.kubernetes.discovering import Discovery
from shoal_clusters.kubernetes.register import Outbox
from shoal_clusters.transport import Answer

pytestmark = pytest.mark.real
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


class Server:
    """Says what it serves, and lets its watches stand open."""

    cluster = "dev"

    def __init__(self) -> None:
        self.asked = 0
        self.watched = 0
        self.kinds: tuple[str, ...] = ()
        self.events = anyio.Event()

    async def request(self, method: str, path: str, *, accept: str) -> Answer:
        self.asked += 1
        resources = [
            {
                "resource": f"{kind.lower()}s",
                "responseKind": {"group": "late.test", "version": "v1", "kind": kind},
                "scope": "Namespaced",
                "verbs": ["get", "list", "watch", "patch"],
            }
            for kind in self.kinds
        ]
        versions = [{"version": "v1", "resources": resources}]
        items = [{"metadata": {"name": "late.test"}, "versions": versions}]
        body = {"kind": "APIGroupDiscoveryList", "items": items if path == "/apis" else []}
        return Answer(200, {}, orjson.dumps(body))

    @asynccontextmanager
    async def stream(
        self, path: str, **_: Any
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        self.watched += 1

        async def lines() -> AsyncIterator[bytes]:
            yield b"all that is there"
            await self.events.wait()
            yield b"a definition"
            await anyio.sleep_forever()

        yield Answer(200, {}, b""), lines()


class NoWatches:
    """Notes which kinds are to be listed again."""

    def __init__(self) -> None:
        self.listed: list[GroupKind] = []

    def list_again(self, kinds: Iterable[GroupKind]) -> None:
        self.listed += kinds


async def until_served(it: Bench) -> Sighting:
    with anyio.fail_after(30):
        while True:
            for sighting in it.seen:
                if sighting.is_served:
                    return sighting
            await anyio.sleep(0.05)


async def test_an_object_is_told_when_its_definition_comes(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    group = f"later.{world.namespace}.test"
    body = widget(group, world.namespace, size=1)
    async with bench(subject) as it, plane.client() as client:
        plan = await it.plan(body)
        await client.create(DEFINITIONS, crd(group))
        told = await until_served(it)
        results = await it.sync(body)

        assert [error.reason for error in plan.refused.values()] == ["MissingApi"]
        assert told.key.group == group
        assert statuses(results) == {"one": ResultStatus.APPLIED}


@in_virtual_time
async def test_nobody_polls_for_a_kind_and_nothing_is_sent_when_none_is_missing() -> None:
    target = TargetKey(Ref("default", "web"), "dev")
    key = ObjectKey("late.test", "Widget", "sea", "one")
    server = Server()
    discovery = Discovery(server, {}, anyio.current_time)  # type: ignore[arg-type]
    outbox = Outbox()
    watches = NoWatches()
    waiting = Appearing(server, discovery, watches, outbox)  # type: ignore[arg-type]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waiting.run)
        await anyio.sleep(3600)

        assert (server.asked, server.watched) == (0, 0)
        await discovery.current()
        waiting.misses(target, [key])
        await anyio.sleep(3600)

        assert server.asked <= 2 * (1 + 5)  # the first look, and the looks after it
        assert server.watched == 2
        server.kinds = ("Widget",)
        server.events.set()
        told = await anext(aiter(outbox.stream()))
        asked = server.asked
        await anyio.sleep(3600)

        assert (told.target, told.key, told.is_served) == (target, key, True)
        assert watches.listed == [key.group_kind]
        assert server.asked == asked
        tasks.cancel_scope.cancel()


async def test_what_a_cluster_does_not_say_is_told_until_it_says_it(
    subject: Subject, world: PlaneWorld, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearing, "STALE_SECONDS", 0.2)
    group = f"mute.{world.namespace}"
    async with plane.client() as client:
        await client.create(SERVICES, unanswered_api(group))
        try:
            async with bench(subject) as it:
                await it.sync(it.config_map("kept", a="1"))
                mute = (await it.session.probe()).stale
                await client.delete(f"{SERVICES}/v1.{group}")
                with anyio.fail_after(30):
                    while any(group in each for each in (await it.session.probe()).stale):
                        await anyio.sleep(0.05)
        finally:
            with suppress(AnsweredError):
                await client.delete(f"{SERVICES}/v1.{group}")

    assert [each for each in mute if "does not say what it serves in" in each and group in each]
