"""A restart with the inventory as it was, on a real API server: it is read, and nothing is sent."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry, audit_position, read_audit_log
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.kubernetes.baselines import decode

pytestmark = pytest.mark.real


def autoscaler(namespace: str) -> Any:
    """In version v1, while every server prefers v2, in which its fields have other names."""
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 80,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }


async def until_seen(it: Bench) -> None:
    """Wait until the lists of the inventory's kinds have told of every object."""
    for key in it.inventory:
        await it.until(lambda one, key=key: one.key == key and one.health is not None)  # type: ignore[misc]


async def sent_by_shoal(plane: ControlPlane, since: int) -> list[Entry]:
    entries = await read_audit_log(plane.audit_log, since=since)
    return [entry for entry in entries if entry.user == "shoal"]


async def until_watches_ended(plane: ControlPlane, since: int, count: int) -> None:
    """A watch has its line in the log when it ends, a moment after its session."""

    async def have_ended() -> bool:
        sent = await sent_by_shoal(plane, since)
        return sum(entry.verb == "watch" for entry in sent) >= count

    assert await wait_until(have_ended, seconds=10)


async def test_a_restart_sends_pages_a_watch_per_kind_and_a_probe(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    before = await audit_position(plane.audit_log)
    async with bench(subject) as it:
        bodies = [it.config_map(f"object-{at}", a="1") for at in range(20)]
        bodies += [deployment(world.namespace, "web"), autoscaler(world.namespace)]
        await it.sync(*bodies)
    await until_watches_ended(plane, before, 3)
    start = await audit_position(plane.audit_log)
    async with bench(subject, it.inventory) as again:
        await again.session.probe()
        await until_seen(again)
        plan = await again.plan(*bodies)

    verbs = Counter(entry.verb for entry in await sent_by_shoal(plane, start))
    assert plan.changes == ()
    assert verbs.keys() <= {"list", "watch", "get"}
    assert (verbs["list"], verbs["get"]) == (3, 4)  # a page per kind; discovery, namespace, version
    assert verbs["watch"] <= 3


async def test_an_object_is_watched_and_judged_in_the_version_it_was_applied_in(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    body = autoscaler(world.namespace)
    async with bench(subject) as it:
        await it.sync(body)
    (row,) = it.inventory.values()
    start = await audit_position(plane.audit_log)
    async with bench(subject, it.inventory) as again:
        await until_seen(again)
        quiet = await again.plan(body)
        async with world.plane.client() as client:
            change = {"spec": {"targetCPUUtilizationPercentage": 10}}
            await client.patch(path_of(row.key), change, fieldManager="kubectl-edit")
        sighting = await again.until_drifted("web", missing=False)
        await again.sync(body)
        settled = await again.plan(body)
    lists = [one.path for one in await sent_by_shoal(plane, start) if one.verb == "list"]

    baseline = decode(row.baseline)
    assert baseline is not None
    assert baseline.version == "v1"
    assert quiet.changes == ()
    assert settled.changes == ()
    assert sighting.drift is not None
    assert sighting.drift.manager == "kubectl-edit"
    assert [path.partition("?")[0] for path in lists] == [
        "/apis/autoscaling/v1/horizontalpodautoscalers"
    ]


async def test_one_kind_in_two_versions_is_watched_in_both(
    subject: Subject, world: PlaneWorld
) -> None:
    old, new = autoscaler(world.namespace), autoscaler(world.namespace)
    new["apiVersion"], new["metadata"]["name"] = "autoscaling/v2", "api"
    del new["spec"]["targetCPUUtilizationPercentage"]
    async with bench(subject) as it:
        await it.sync(old, new)
        for name in ("web", "api"):
            key = ObjectKey("autoscaling", "HorizontalPodAutoscaler", world.namespace, name)
            async with world.plane.client() as client:
                change = {"spec": {"maxReplicas": 9}}
                await client.patch(path_of(key), change, fieldManager="kubectl-edit")
            await it.until_drifted(name, missing=False)
        await it.sync(old, new)
    async with bench(subject, it.inventory) as again:
        await until_seen(again)

        assert (await again.plan(old, new)).changes == ()
        assert all(sighting.drift is None for sighting in again.seen)
