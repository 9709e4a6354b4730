"""A lost inventory, on a real API server: what is marked as ours is claimed, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.errors import OwnershipConflict
from shoal.hooks.host import Host
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import DriftPolicy
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry, audit_position, read_audit_log

pytestmark = pytest.mark.real


@pytest.fixture
def fleet(namespace: str) -> str:
    """A fleet of the test's own, for a survey sees all that carries the fleet's label."""
    return f"fleet-{namespace}"


@pytest.fixture
async def alone(subject: Subject, fleet: str, shoal_host: Callable[..., Host]) -> Subject:
    return replace(subject, host=replace(subject.host, fleet=fleet))


def many(it: Bench, world: PlaneWorld) -> list[Any]:
    """Objects of two kinds, more than a page of one of them."""
    bodies = [it.config_map(f"object-{at:03}", a="1") for at in range(520)]
    return [*bodies, *(deployment(world.namespace, f"object-{at}") for at in range(10))]


async def versions(world: PlaneWorld) -> Mapping[str, str]:
    """The resourceVersion of everything in the namespace, by path."""
    found: dict[str, str] = {}
    async with world.plane.client() as client:
        for root in ("/api/v1", "/apis/apps/v1"):
            kind = "configmaps" if root == "/api/v1" else "deployments"
            path = f"{root}/namespaces/{world.namespace}/{kind}"
            for item in (await client.get(path))["items"]:
                found[f"{path}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
    return found


@asynccontextmanager
async def requests(plane: ControlPlane) -> AsyncIterator[list[Entry]]:
    """What Shoal asks of the API server inside the block; filled when it ends."""
    found: list[Entry] = []
    start = await audit_position(plane.audit_log)
    yield found
    entries = await read_audit_log(plane.audit_log, since=start)
    found += [entry for entry in entries if entry.user == "shoal"]


async def test_a_lost_inventory_costs_pages_and_one_apply_per_object_and_changes_nothing(
    alone: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(alone) as it:
        bodies = many(it, world)
        await it.sync(*bodies)
    before = await versions(world)
    async with requests(plane) as sent, bench(alone, {}) as again:
        results = await again.sync(*bodies)

    proofs = [entry for entry in sent if entry.name == "kube-system"]
    verbs = Counter(entry.verb for entry in sent if entry not in proofs)
    assert {one.status for one in results.values()} == {ResultStatus.UNCHANGED}
    assert await versions(world) == before
    assert 1 <= len(proofs) <= 4  # who answers, once for all connections that are made together
    assert verbs["patch"] == len(bodies)
    # Two pages of ConfigMaps and one of Deployments; discovery; no object is read by itself.
    read = [entry.path for entry in sent if entry.verb == "get" and entry.name != "kube-system"]
    assert (verbs["list"], sorted(read)) == (3, ["/api", "/apis"])
    assert {entry.code for entry in sent if entry.verb == "patch"} == {200}
    assert again.inventory == it.inventory


async def test_what_was_edited_meanwhile_is_put_right_by_the_same_apply(
    alone: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(alone) as it:
        body = it.config_map("edited", a="1")
        await it.sync(body, it.config_map("same", a="1"))
    await world.change(it.key("edited"), {"data": {"a": "2"}})
    async with requests(plane) as sent, bench(alone, {}) as again:
        results = await again.sync(body, again.config_map("same", a="1"))

        assert statuses(results) == {
            "edited": ResultStatus.APPLIED,
            "same": ResultStatus.UNCHANGED,
        }
    assert (await world.read(it.key("edited")) or {})["data"] == {"a": "1"}
    assert sum(entry.verb == "patch" for entry in sent) == 2


async def test_what_somebody_edited_is_told_and_left_when_drift_is_only_reported(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        body = it.config_map("edited", a="1")
        await it.sync(body, when_drifted=DriftPolicy.REPORT)
    await world.change(it.key("edited"), {"data": {"a": "2"}})
    async with bench(alone, {}) as again:
        results = await again.sync(body, when_drifted=DriftPolicy.REPORT)
        sighting = await again.until_drifted("edited", missing=False)
        reported = await again.plan(body, when_drifted=DriftPolicy.REPORT)
        corrected = await again.plan(body)

        assert statuses(results) == {"edited": ResultStatus.UNCHANGED}
        assert (await world.read(it.key("edited")) or {})["data"] == {"a": "2"}
        assert sighting.drift is not None
        assert sighting.drift.manager == "kubectl-edit"
        assert reported.changes == ()
        assert [change.action for change in corrected.changes] == [Action.CORRECT]
    async with bench(alone, again.inventory) as last:
        await last.until_drifted("edited", missing=False)
        await last.sync(body)

        assert (await world.read(it.key("edited")) or {})["data"] == {"a": "1"}


async def test_what_changed_in_git_meanwhile_is_applied_also_when_drift_is_only_reported(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        await it.sync(it.config_map("moved-on", a="1"), when_drifted=DriftPolicy.REPORT)
    async with bench(alone, {}) as again:
        body = again.config_map("moved-on", a="2")
        results = await again.sync(body, when_drifted=DriftPolicy.REPORT)

        assert statuses(results) == {"moved-on": ResultStatus.APPLIED}
        assert (await again.plan(body, when_drifted=DriftPolicy.REPORT)).changes == ()


async def test_a_job_that_changed_in_git_meanwhile_runs_again(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        await it.sync(it.job("once", "tool:1"), it.job("same", "tool:1"))
        for name in ("once", "same"):
            await world.finish(it.job_key(name))
    uids = {key.name: row.uid for key, row in it.inventory.items()}
    async with bench(alone, {}) as again:
        results = await again.sync(again.job("once", "tool:2"), again.job("same", "tool:1"))

        assert (results["once"].action, results["once"].error) == (Action.RECREATE, None)
        assert results["same"].status is ResultStatus.UNCHANGED
        assert again.inventory[again.job_key("once")].uid != uids["once"]
        assert again.inventory[again.job_key("same")].uid == uids["same"]


async def test_replicas_that_somebody_scales_are_not_taken_back(
    alone: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web", replicas=2)
    async with bench(alone) as it:
        await it.sync(body)
    async with world.plane.client() as client:
        await client.patch(f"{path_of(key)}/scale", {"spec": {"replicas": 5}})
    async with bench(alone, {}) as again:
        results = await again.sync(body)

        assert results["web"].status is ResultStatus.UNCHANGED
        assert (await world.read(key) or {})["spec"]["replicas"] == 5
        assert (await again.plan(body)).changes == ()


async def test_an_object_of_another_application_is_refused_and_left(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        await it.sync(it.config_map("shared", a="1"))
    before = await world.read(it.key("shared"))
    async with bench(alone, {}) as again:
        await again.want("web", again.config_map("shared", a="1"))
        again.application = "other"
        results = await again.sync(again.config_map("shared", a="2"))

        assert isinstance(results["shared"].error, OwnershipConflict)
        assert "default/web" in str(results["shared"].error)
    assert await world.read(it.key("shared")) == before


async def test_marks_that_were_copied_to_an_object_claim_nothing(
    alone: Subject, world: PlaneWorld, fleet: str
) -> None:
    async with bench(alone) as it:
        for name, owner in (("copied", "another"), ("unapplied", "unapplied")):
            body = it.config_map(name, theirs="yes")
            body["metadata"]["labels"] = {"shoal.dev/fleet": fleet}
            mark = f"{fleet}/default/web:/ConfigMap:{world.namespace}/{owner}"
            body["metadata"]["annotations"] = {"shoal.dev/owner": mark}
            await world.create(body)
        results = await it.sync(it.config_map("copied", a="1"), it.config_map("unapplied", a="1"))

        assert all(isinstance(one.error, OwnershipConflict) for one in results.values())
        assert (await world.read(it.key("copied")) or {})["data"] == {"theirs": "yes"}
        assert (await world.read(it.key("unapplied")) or {})["data"] == {"theirs": "yes"}


async def test_an_edit_between_two_first_writes_of_a_kind_is_seen(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        bodies = [it.config_map(f"object-{at}", a="1") for at in range(40)]
        desired = it.desired(*bodies)
        plan = await it.session.plan(desired)
        async for result in it.session.apply(plan, desired, granted=lambda: True):
            if result.key.name == "object-0":
                await world.change(result.key, {"data": {"a": "2"}})
            it.store(result)
        sighting = await it.until_drifted("object-0", missing=False)

        assert sighting.drift is not None
