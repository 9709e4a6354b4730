"""Replicas of what an autoscaler names, on a real API server: not fought, and asked for once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


def web(world: PlaneWorld) -> ObjectKey:
    return ObjectKey("apps", "Deployment", world.namespace, "web")


def hpas(world: PlaneWorld) -> str:
    return f"/apis/autoscaling/v2/namespaces/{world.namespace}/horizontalpodautoscalers"


async def scaled_by_hpa(world: PlaneWorld, name: str = "web") -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    body = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": world.namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9},
    }
    async with world.plane.client() as admin:
        await admin.create(hpas(world), body)


async def rescaled(world: PlaneWorld, count: int, **more: Any) -> None:
    async with world.plane.client() as admin:
        edit = {"spec": {"replicas": count, **more}}
        await admin.patch(path_of(web(world)), edit, fieldManager="kubectl-edit")


async def replicas_of(world: PlaneWorld) -> int:
    return int((await world.read(web(world)) or {})["spec"]["replicas"])


async def asked_since(plane: ControlPlane, start: int) -> list[tuple[str, str]]:
    entries = await read_audit_log(plane.audit_log, since=start)
    return [(one.verb, one.resource) for one in entries if one.user == "shoal"]


async def until_learnt(it: Bench, world: PlaneWorld) -> None:
    await it.until(lambda one: one.key == web(world) and one.owned is not None)


async def test_replicas_that_an_autoscaler_decides_are_not_fought(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    body = deployment(world.namespace, "web", replicas=2)
    await scaled_by_hpa(world)
    async with bench(subject) as it:
        await it.sync(body)
        start = await audit_position(plane.audit_log)
        await rescaled(world, 4)
        await until_learnt(it, world)
        plan = await it.plan(body)
        asked = await asked_since(plane, start)
        await it.sync(deployment(world.namespace, "web", image="app:2", replicas=2))

        assert plan.changes == ()
        assert asked == [("list", "horizontalpodautoscalers")]
        assert await replicas_of(world) == 4
    async with bench(subject, it.inventory) as again:
        await again.until(lambda one: one.key == web(world) and one.health is not None)
        after = await again.plan(deployment(world.namespace, "web", image="app:2", replicas=2))

        assert after.changes == ()


async def test_what_else_was_edited_is_undone(subject: Subject, world: PlaneWorld) -> None:
    body = deployment(world.namespace, "web", replicas=2)
    body["spec"]["minReadySeconds"] = 1
    await scaled_by_hpa(world)
    async with bench(subject) as it:
        await it.sync(body)
        await rescaled(world, 4, minReadySeconds=7)
        await it.until_drifted("web", missing=False)
        await it.sync(body)

        live = await world.read(web(world)) or {}
        assert (live["spec"]["minReadySeconds"], live["spec"]["replicas"]) == (1, 4)


async def test_replicas_that_nothing_decides_are_put_back(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    body = deployment(world.namespace, "web", replicas=2)
    await scaled_by_hpa(world, "another")
    async with bench(subject) as it:
        await it.sync(body)
        start = await audit_position(plane.audit_log)
        await rescaled(world, 4)
        await it.until_drifted("web", missing=False)
        await it.sync(body)

        assert await replicas_of(world) == 2
        asked = await asked_since(plane, start)
        assert asked == [("list", "horizontalpodautoscalers"), ("patch", "deployments")]


async def test_git_decides_again_when_the_autoscaler_is_gone(
    subject: Subject, world: PlaneWorld
) -> None:
    await scaled_by_hpa(world)
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web", replicas=2))
        await rescaled(world, 4)
        await until_learnt(it, world)
        async with world.plane.client() as admin:
            await admin.delete(f"{hpas(world)}/web")
        await it.sync(deployment(world.namespace, "web", image="app:2", replicas=3))

        assert await replicas_of(world) == 3
