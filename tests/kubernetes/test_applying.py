"""Applying, on a real API server: what is created, what is refused, and what is never touched."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import pytest
from tests.kubernetes.bodies import crd, deployment, widget
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.errors import InvalidObject, MissingApi, OwnershipConflict
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, count_requests, read_audit_log
from shoal_clusters.kubernetes import applying
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.transport import Answer, Transport

pytestmark = pytest.mark.real


async def test_an_unlabelled_object_of_the_same_name_survives_byte_for_byte(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await world.create(it.config_map("taken", theirs="yes"))
        before = await world.read(it.key("taken"))
        await it.sync(it.config_map("taken", ours="yes"))
        results = await it.sync(it.config_map("taken", ours="yes"))
        after = await world.read(it.key("taken"))

        assert after == before
        error = results["taken"].error
        assert isinstance(error, OwnershipConflict)
        assert "belongs to the client" in error.message
        assert "application default/web" in error.message
        assert error.next_step


async def test_an_object_that_a_stranger_put_in_our_place_is_not_overwritten(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("ours", a="1"))
        stored = dict(it.inventory)
    await world.remove(it.key("ours"))
    await world.create(it.config_map("ours", theirs="yes"))
    before = await world.read(it.key("ours"))
    async with bench(subject, stored) as again:
        results = await again.sync(again.config_map("ours", a="2"))

        assert isinstance(results["ours"].error, OwnershipConflict)
        assert await world.read(it.key("ours")) == before


async def test_an_object_that_a_stranger_made_while_ours_was_gone_is_not_overwritten(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("ours", a="1"))
        await world.remove(it.key("ours"))
        await it.until_drifted("ours", missing=True)
        await world.create(it.config_map("ours", theirs="yes"))
        before = await world.read(it.key("ours"))
        results = await it.sync(it.config_map("ours", a="1"))

        assert isinstance(results["ours"].error, OwnershipConflict)
        assert await world.read(it.key("ours")) == before


async def test_what_is_there_already_costs_one_write_that_is_refused_and_one_look(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        await world.create(it.config_map("taken", theirs="yes"))
        start = await audit_position(plane.audit_log)
        await it.sync(it.config_map("taken", ours="yes"))

        entries = await read_audit_log(plane.audit_log, since=start)
        sent = [one for one in entries if one.user == "shoal" and one.name == "taken"]
        assert [one.verb for one in sent] == ["patch", "get"]


async def test_a_200_where_a_201_was_expected_is_an_ownership_conflict(
    subject: Subject, world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores the precondition, as one that is not kube-apiserver might."""

    async def answered_with_theirs(
        transport: Transport, resource: Resource, key: ObjectKey, opened: bytes
    ) -> Answer:
        return await read(transport, resource, key)

    async with bench(subject) as it:
        await world.create(it.config_map("taken", theirs="yes"))
        monkeypatch.setattr(applying, "apply_created", answered_with_theirs)
        results = await it.sync(it.config_map("taken", ours="yes"))

        assert isinstance(results["taken"].error, OwnershipConflict)
        assert it.inventory[it.key("taken")].uid == ""


async def test_an_object_of_another_fleet_is_named_and_left(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("theirs", a="1")
        namespace = world.namespace
        body["metadata"]["labels"] = {"shoal.dev/fleet": "other"}
        body["metadata"]["annotations"] = {
            "shoal.dev/owner": f"other/default/shop:/ConfigMap:{namespace}/theirs"
        }
        await world.create(body)
        results = await it.sync(it.config_map("theirs", a="2"))

        assert "fleet other" in str(results["theirs"].error)
        assert (await world.read(it.key("theirs")) or {})["data"] == {"a": "1"}


async def test_an_invalid_object_fails_alone_with_the_path_of_the_fault(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        wrong = deployment(world.namespace, "wrong")
        wrong["spec"]["replicas"] = "many"
        typo = it.config_map("typo", a="1")
        typo["dta"] = {}
        results = await it.sync(wrong, typo, it.config_map("right", a="1"))

        assert statuses(results) == {
            "wrong": ResultStatus.FAILED,
            "typo": ResultStatus.FAILED,
            "right": ResultStatus.APPLIED,
        }
        assert isinstance(results["wrong"].error, InvalidObject)
        assert isinstance(results["typo"].error, InvalidObject)
        assert "dta" in str(results["typo"].error)


async def test_a_namespace_and_what_is_in_it_are_applied_in_one_sync(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        name = f"{world.namespace}-own"
        inside = it.config_map("inside", a="1")
        inside["metadata"]["namespace"] = name
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        results = await it.sync(inside, namespace)

        assert set(statuses(results).values()) == {ResultStatus.APPLIED}


async def test_what_stands_on_a_failed_object_waits_and_the_rest_is_tried(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        name = f"{world.namespace}-bad"
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"not a label": "x"}},
        }
        inside = it.config_map("inside", a="1")
        inside["metadata"]["namespace"] = name
        results = await it.sync(namespace, inside, it.config_map("beside", a="1"))

        assert statuses(results) == {
            name: ResultStatus.FAILED,
            "inside": ResultStatus.WAITING,
            "beside": ResultStatus.APPLIED,
        }
        assert results["inside"].note == f"waits until Namespace {name} is applied"


async def test_a_custom_resource_and_its_definition_are_applied_in_one_sync(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"{world.namespace}.test"
    async with bench(subject) as it:
        results = await it.sync(widget(group, world.namespace, size=1), crd(group))

        assert set(statuses(results).values()) == {ResultStatus.APPLIED}
        assert (await it.plan(widget(group, world.namespace, size=1), crd(group))).changes == ()


async def test_a_custom_resource_is_refused_until_its_definition_appears(
    subject: Subject, world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal_clusters.kubernetes.discovering.REFRESH_SECONDS", 0.0)
    group = f"late.{world.namespace}.test"
    async with bench(subject) as it:
        body = widget(group, world.namespace, size=1)
        before = await it.plan(body)
        async with world.plane.client() as client:
            definition = crd(group)
            key = ObjectKey("apiextensions.k8s.io", definition["kind"], "", "x")
            await client.create(path_of(key).rpartition("/")[0], definition)
        result = await _until_applied(it, body)

        (error,) = before.refused.values()
        assert isinstance(error, MissingApi)
        assert result is ResultStatus.APPLIED


async def _until_applied(it: Bench, body: Any) -> ResultStatus:
    with anyio.fail_after(20):
        while True:
            results = await it.sync(body)
            if results and all(one.error is None for one in results.values()):
                return next(iter(results.values())).status


async def test_an_unknown_field_of_a_custom_resource_is_refused(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"strict.{world.namespace}.test"
    async with bench(subject) as it:
        results = await it.sync(crd(group), widget(group, world.namespace, sise=1))

        assert isinstance(results["one"].error, InvalidObject)
        assert "sise" in str(results["one"].error)


async def test_nothing_is_written_after_the_grant_went_in_mid_sync(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        answers = iter([True, True])
        results = await it.sync(
            it.config_map("first", a="1"),
            deployment(world.namespace, "second"),
            granted=lambda: next(answers, False),
        )

        assert statuses(results) == {
            "first": ResultStatus.APPLIED,
            "second": ResultStatus.REVOKED,
        }
        assert await world.read(ObjectKey("apps", "Deployment", world.namespace, "second")) is None


async def test_a_first_sync_sends_one_write_per_object_and_a_second_one_nothing(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        bodies = [it.config_map(f"object-{at}", a="1") for at in range(20)]
        bodies += [deployment(world.namespace, f"object-{at}") for at in range(20, 25)]
        start = await audit_position(plane.audit_log)
        await it.sync(*bodies)
        middle = await audit_position(plane.audit_log)
        await it.sync(*bodies)
        await it.session.probe()

        cold = await _of_shoal(plane, start)
        assert cold["patch"] == len(bodies)
        assert cold["create"] == cold["update"] == cold["delete"] == 0
        # Two for discovery, a watch per kind (noted when it begins), a probe and its version.
        assert sum(cold.values()) - cold["patch"] <= 3 * 2 + 6
        assert (await _of_shoal(plane, middle))["patch"] == 0


async def _of_shoal(plane: ControlPlane, since: int) -> Counter[str]:
    found: Counter[str] = Counter()
    entries = await read_audit_log(plane.audit_log, since=since)
    for (user, verb), count in count_requests(entries).items():
        if user == "shoal":
            found[verb] += count
    return found


async def test_an_apply_that_changes_nothing_is_unchanged(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("same", a="1")
        await it.sync(body)
        row = it.inventory[it.key("same")]
        before = await world.read(it.key("same"))
    async with bench(subject, {}) as again:
        results = await again.sync(body)

        assert results["same"].action is Action.CREATE
        assert results["same"].error is None
        assert again.inventory[row.key].uid == row.uid
        assert await world.read(row.key) == before


async def test_an_abandoned_sync_leaves_the_session_in_order(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        bodies = [it.config_map(f"object-{at}", a="1") for at in range(30)]
        desired = it.desired(*bodies)
        plan = await it.session.plan(desired)
        results = it.session.apply(plan, desired, granted=lambda: True)
        it.store(await anext(results))
        await results.aclose()  # type: ignore[attr-defined]  # an async generator behind the seam

        again = await it.sync(*bodies)
        assert all(one.error is None for one in again.values())
        assert (await it.plan(*bodies)).changes == ()
