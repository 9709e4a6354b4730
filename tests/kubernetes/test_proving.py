"""Plans that are tried out, on a real API server: what would change, what is refused, no write."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from tests.kubernetes.bodies import crd, deployment, job, widget
from tests.kubernetes.planes import PlaneWorld, path_of
from tests.kubernetes.shapes import by_helm

from shoal.errors import ForbiddenByCluster, InvalidObject, MissingNamespace, OwnershipConflict
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, Plan, Proof
from shoal.model.policies import ExistingPolicy
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes import proving
from shoal_clusters.transport import Answer

pytestmark = pytest.mark.real


def actions(plan: Plan) -> dict[str, Action]:
    return {change.key.name: change.action for change in plan.changes}


def patch_of(plan: Plan, name: str) -> list[Any]:
    (found,) = (change for change in plan.changes if change.key.name == name)
    return list(found.patch or ())


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def test_a_tried_plan_says_what_would_change_and_changes_nothing(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("edited", a="1"), it.config_map("gone", a="1"))
        before = await world.read(it.key("edited"))
        plan = await it.prove(it.config_map("edited", a="2"), it.config_map("new", a="1"))

        assert plan.proven is Proof.DRY_RUN
        assert actions(plan) == {
            "edited": Action.UPDATE,
            "gone": Action.DELETE,
            "new": Action.CREATE,
        }
        assert patch_of(plan, "edited") == [
            {"op": "test", "path": "/data/a", "value": "1"},
            {"op": "replace", "path": "/data/a", "value": "2"},
        ]
        assert patch_of(plan, "new")[0]["value"]["data"] == {"a": "1"}
        assert not plan.refused
        assert await world.read(it.key("edited")) == before
        assert await world.read(it.key("new")) is None
        assert await world.read(it.key("gone")) is not None


async def test_every_request_of_a_tried_plan_is_a_dry_run_or_a_look(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("edited", a="1"), it.config_map("gone", a="1"))
        start = await audit_position(plane.audit_log)
        await it.prove(it.config_map("edited", a="2"), it.config_map("new", a="1"))
        entries = await read_audit_log(plane.audit_log, since=start)
        ours = [one for one in entries if one.user == "shoal"]

        writes = [one for one in ours if one.verb not in ("get", "list", "watch")]
        assert Counter(one.verb for one in writes) == {"patch": 2, "delete": 1}
        assert all("dryRun=All" in one.path for one in writes)


async def test_what_is_equal_is_left_out_though_its_text_is_not(
    subject: Subject, world: PlaneWorld
) -> None:
    body = deployment(world.namespace, "web")
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    async with bench(subject) as it:
        await it.sync(body)
        container["resources"] = {"limits": {"cpu": "1"}}
        expected, proven = await it.plan(body), await it.prove(body)

        assert actions(expected) == {"web": Action.UPDATE}
        assert proven.changes == ()


async def test_all_refusals_are_told_at_once(subject: Subject, world: PlaneWorld) -> None:
    wrong = deployment(world.namespace, "wrong")
    wrong["spec"]["replicas"] = "many"
    async with bench(subject) as it:
        await world.create(it.config_map("taken", theirs="yes"))
        typo = it.config_map("typo", a="1")
        typo["dta"] = {}
        lost = it.config_map("lost", a="1")
        lost["metadata"]["namespace"] = "no-such-namespace"
        well = it.config_map("well", a="1")
        plan = await it.prove(wrong, typo, lost, it.config_map("taken", a="1"), well)

        refused = {key.name: type(error) for key, error in plan.refused.items()}
        assert refused == {
            "wrong": InvalidObject,
            "typo": InvalidObject,
            "lost": MissingNamespace,
            "taken": OwnershipConflict,
        }
        assert actions(plan) == {"well": Action.CREATE}


async def test_a_quota_refuses_in_a_tried_plan_too(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": world.namespace},
            "spec": {"hard": {"count/configmaps": "0"}},
        }
        async with world.plane.client() as client:
            path = f"/api/v1/namespaces/{world.namespace}/resourcequotas"
            await client.create(path, quota)
            status = {"hard": {"count/configmaps": "0"}, "used": {"count/configmaps": "0"}}
            await client.patch(f"{path}/none/status", {"status": status})
        plan = await it.prove(it.config_map("new", a="1"))

        (error,) = plan.refused.values()
        assert isinstance(error, ForbiddenByCluster)


async def test_what_stands_on_a_namespace_of_the_set_is_checked_by_its_schema(
    subject: Subject, world: PlaneWorld
) -> None:
    name = f"{world.namespace}-new"
    async with bench(subject) as it:
        well, typo = it.config_map("well", a="1"), it.config_map("typo", a="1")
        typo["dta"] = {}
        for body in (well, typo):
            body["metadata"]["namespace"] = name
        plan = await it.prove(namespace(name), well, typo)

        assert {key.name for key in plan.unverified} == {"well"}
        assert {key.name for key in plan.refused} == {"typo"}
        assert actions(plan) == {name: Action.CREATE, "well": Action.CREATE}


async def test_what_stands_on_a_definition_of_the_set_is_unverified(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"unborn.{world.namespace}.test"
    async with bench(subject) as it:
        plan = await it.prove(crd(group), widget(group, world.namespace, size=1))

        assert {key.name for key in plan.unverified} == {"one"}
        assert not plan.refused


async def test_a_definition_that_changes_in_the_set_makes_a_refusal_unverified(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"growing.{world.namespace}.test"
    grown = crd(group)
    schema = grown["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["colour"] = {"type": "string"}
    async with bench(subject) as it:
        await it.sync(crd(group), widget(group, world.namespace, size=1))
        plan = await it.prove(grown, widget(group, world.namespace, size=1, colour="red"))
        alone = await it.prove(crd(group), widget(group, world.namespace, size=1, colour="red"))

        assert {key.name for key in plan.unverified} == {"one"}
        assert not plan.refused
        assert {key.name for key in alone.refused} == {"one"}


async def test_an_adoption_shows_as_one(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        body = it.config_map("shop", a="1")
        async with world.plane.client() as client:
            await by_helm(client, body)
        before = await world.read(it.key("shop"))
        refused = await it.prove(body)
        plan = await it.prove(body, when_already_exists=ExistingPolicy.ADOPT)
        paths = {one["path"] for one in patch_of(plan, "shop")}

        assert {type(error) for error in refused.refused.values()} == {OwnershipConflict}
        assert actions(plan) == {"shop": Action.ADOPT}
        assert plan.changes[0].cause == "taken over from Helm release default/shop"
        assert paths
        assert all(path.startswith("/metadata/") for path in paths)
        assert await world.read(it.key("shop")) == before


async def test_a_secret_is_masked_in_a_tried_plan(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:

        def secret(value: str) -> dict[str, Any]:
            body = it.config_map("login", password=value)
            return {**body, "kind": "Secret"}

        created = await it.prove(secret("c2VjcmV0MQ=="))
        await it.sync(secret("c2VjcmV0MQ=="))
        changed = await it.prove(secret("c2VjcmV0Mg=="))
        told = f"{created.changes} {changed.changes}"

        assert {one["path"] for one in patch_of(changed, "login")} == {"/data/password"}
        assert "c2VjcmV0" not in told


async def test_a_tried_plan_is_not_what_the_session_remembers(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("kept", a="1"))
        await it.prove(it.config_map("kept", a="2"), it.config_map("other", a="1"))
        await world.change(it.key("kept"), {"data": {"a": "3"}})
        sighting = await it.until(lambda one: one.drift is not None)

        assert sighting.drift is not None
        assert list(sighting.drift.patch or ()) == [
            {"op": "test", "path": "/data/a", "value": "3"},
            {"op": "replace", "path": "/data/a", "value": "1"},
        ]
        assert actions(await it.plan(it.config_map("kept", a="1"))) == {"kept": Action.CORRECT}


async def test_a_webhook_without_dry_run_makes_a_change_unverified(
    subject: Subject, world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    # kube-apiserver answers so for webhooks that were stored before admissionregistration.k8s.io/v1
    # refused those with side effects (k8s.io/apiserver: plugin/webhook/errors).
    told = 'admission webhook "old.example.test" does not support dry run'
    status = {"kind": "Status", "apiVersion": "v1", "message": told, "reason": "BadRequest"}

    async def answered(*_: Any, **__: Any) -> Answer:
        return Answer(400, {}, orjson.dumps({**status, "code": 400}))

    monkeypatch.setattr(proving.requesting, "apply_created", answered)
    async with bench(subject) as it:
        plan = await it.prove(it.config_map("new", a="1"))

        assert {key.name for key in plan.unverified} == {"new"}
        assert actions(plan) == {"new": Action.CREATE}
        assert not plan.refused


async def test_what_was_added_by_hand_is_in_a_tried_plan_as_what_would_be_removed(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("ours", a="1")
        await it.sync(body)
        await world.change(it.key("ours"), {"data": {"b": "theirs"}})
        await it.until(lambda one: one.drift is not None)
        plan = await it.prove(body)

        assert actions(plan) == {"ours": Action.CORRECT}
        assert patch_of(plan, "ours") == [{"op": "remove", "path": "/data/b"}]


async def test_a_new_run_is_tried_under_another_name(subject: Subject, world: PlaneWorld) -> None:
    wrong = job(world.namespace, "once")
    wrong["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        plan = await it.prove(job(world.namespace, "once", image="app:2"))
        refused = await it.prove(wrong)
        paths = {one["path"] for one in patch_of(plan, "once")}

        assert actions(plan) == {"once": Action.RECREATE}
        assert "/spec/template/spec/containers/0/image" in paths
        assert "/metadata/name" not in paths
        assert {type(error) for error in refused.refused.values()} == {InvalidObject}
        jobs = path_of(ObjectKey("batch", "Job", world.namespace, "x")).rpartition("/")[0]
        async with world.plane.client() as client:
            assert len((await client.get(jobs))["items"]) == 1
