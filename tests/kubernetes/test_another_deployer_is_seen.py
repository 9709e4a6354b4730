"""Another deployer that leaves our fields as they are, on a real API server: it is named."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.policies import ByHand
from shoal.model.sightings import Sighting
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


async def apply(world: PlaneWorld, key: ObjectKey, body: Any, manager: str) -> None:
    """Server-side apply, as a CI job sends it."""
    async with world.plane.client() as client:
        await client.apply(path_of(key), body, manager=manager)


async def change(world: PlaneWorld, key: ObjectKey, patch: Any, manager: str) -> None:
    async with world.plane.client() as client:
        await client.patch(path_of(key), patch, fieldManager=manager)


async def until_beside(it: Bench, *clients: str) -> Sighting:
    def holds(one: Sighting) -> bool:
        return one.beside is not None and tuple(each.client for each in one.beside) == clients

    return await it.until(holds)


@pytest.mark.parametrize("manager", ["kubectl", "helm", "kustomize-controller"])
async def test_an_apply_of_the_same_content_is_seen_and_is_no_drift(
    subject: Subject, world: PlaneWorld, plane: ControlPlane, manager: str
) -> None:
    async with bench(subject) as it:
        body, key = it.config_map("shared", a="1"), it.key("shared")
        await it.sync(body)
        start = await audit_position(plane.audit_log)
        await apply(world, key, body, manager)
        sighting = await until_beside(it, manager)
        plan = await it.plan(body)
        entries = await read_audit_log(plane.audit_log, since=start)

        assert sighting.drift is None
        assert not plan.changes
        assert [one.verb for one in entries if one.user == "shoal" and one.verb != "watch"] == []


async def test_a_deployer_that_adds_marks_of_its_own_is_seen_until_they_are_gone(
    subject: Subject, world: PlaneWorld
) -> None:
    name = "argocd.argoproj.io/tracking-id"
    async with bench(subject) as it:
        body, key = it.config_map("tracked", a="1"), it.key("tracked")
        await it.sync(body)
        await change(world, key, {"metadata": {"annotations": {name: "a"}}}, "argocd-controller")
        marked = await until_beside(it, "argocd-controller")
        it.seen.clear()
        await change(world, key, {"metadata": {"annotations": {name: None}}}, "argocd-controller")
        await until_beside(it)

        assert marked.beside is not None
        assert marked.beside[0].since is not None


async def test_it_is_seen_after_a_restart_too(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        body, key = it.config_map("shared", a="1"), it.key("shared")
        await it.sync(body)
    await apply(world, key, body, "helm")
    async with bench(subject, it.inventory) as again:
        await again.plan(body)
        await until_beside(again, "helm")


async def test_controllers_people_and_who_is_meant_to_are_no_deployers(
    subject: Subject, world: PlaneWorld
) -> None:
    said = ByHand(never=("hel?",))
    async with bench(subject) as it:
        body, key = it.config_map("alone", a="1"), it.key("alone")
        await it.sync(body, by_hand=said)
        await change(world, key, {"data": {"b": "1"}}, "acme-controller")
        await change(world, key, {"metadata": {"annotations": {"c": "1"}}}, "kubectl-edit")
        await apply(world, key, body, "helm")
        # Of the same object, and later: what came before was seen.
        await apply(world, key, body, "Terraform")
        await until_beside(it, "Terraform")


async def test_who_owns_nothing_but_what_is_ignored_is_no_deployer(
    subject: Subject, world: PlaneWorld
) -> None:
    rule = {"target": {"kind": "ConfigMap", "name": "alone"}, "path": "/data/theirs"}
    async with bench(subject) as it:
        body, key = it.config_map("alone", a="1"), it.key("alone")
        await it.sync(body, ignore=[rule])
        await change(world, key, {"data": {"theirs": "1"}}, "helm")
        await apply(world, key, body, "Terraform")
        await until_beside(it, "Terraform")
