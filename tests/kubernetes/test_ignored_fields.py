"""Fields that are somebody else's business, on a real API server: not sent, not fought, let go."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.plans import Action
from shoal.model.policies import IgnoreRule
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


def rule(path: str, kind: str = "Deployment") -> IgnoreRule:
    return IgnoreRule.model_validate({"target": {"kind": kind}, "path": path})


def web(world: PlaneWorld) -> ObjectKey:
    return ObjectKey("apps", "Deployment", world.namespace, "web")


def with_resources(body: Any, cpu: str) -> Any:
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    return body


async def edited(world: PlaneWorld, key: ObjectKey, patch: Any) -> None:
    async with world.plane.client() as admin:
        await admin.request(
            "PATCH",
            path_of(key),
            patch,
            parameters={"fieldManager": "kubectl-edit"},
            content_type="application/strategic-merge-patch+json",
        )


def _cpu(live: Any) -> str:
    return str(live["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])


RESOURCES = rule("/spec/template/spec/containers/name=app/resources")


async def test_an_ignored_field_is_not_sent_and_what_is_there_stays(
    subject: Subject, world: PlaneWorld
) -> None:
    body = with_resources(deployment(world.namespace, "web"), "1")
    app = {"name": "app", "resources": {"requests": {"cpu": "3"}}}
    async with bench(subject) as it:
        await it.sync(body, ignore=(RESOURCES,))
        created = await world.read(web(world)) or {}
        await edited(world, web(world), {"spec": {"template": {"spec": {"containers": [app]}}}})
        # A drift that comes later shows that the edit was seen, and was none.
        await edited(world, web(world), {"spec": {"replicas": 7}})
        await it.until_drifted("web", missing=False)
        results = await it.sync(body, ignore=(RESOURCES,))

        live = await world.read(web(world)) or {}
        assert created["spec"]["template"]["spec"]["containers"][0]["resources"] == {}
        assert results["web"].action is Action.CORRECT
        assert live["spec"]["replicas"] == 2
        assert _cpu(live) == "3"
        assert (await it.plan(body, ignore=(RESOURCES,))).changes == ()


async def test_a_path_that_is_newly_ignored_keeps_its_live_value(
    subject: Subject, world: PlaneWorld
) -> None:
    body = with_resources(deployment(world.namespace, "web"), "1")
    async with bench(subject) as it:
        await it.sync(body)
        plan = await it.plan(body, ignore=(RESOURCES,))
        await it.sync(body, ignore=(RESOURCES,))

        live = await world.read(web(world)) or {}
        ours = next(one for one in live["metadata"]["managedFields"] if one["manager"] == "shoal")
        assert [one.cause for one in plan.changes] == [
            "changed in Git; "
            'spec.template.spec.containers.[{"name":"app"}].resources.requests.cpu '
            "keeps its live value"
        ]
        assert _cpu(live) == "1"
        assert "f:resources" not in str(ours)
        assert (await it.plan(body, ignore=(RESOURCES,))).changes == ()


async def test_replicas_that_leave_git_keep_their_live_value(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    body = deployment(world.namespace, "web", replicas=5)
    without: Any = deployment(world.namespace, "web")
    del without["spec"]["replicas"]
    async with bench(subject) as it:
        await it.sync(body)
        plan = await it.plan(without)
        start = await audit_position(plane.audit_log)
        await it.sync(without)
        entries = await read_audit_log(plane.audit_log, since=start)
        await it.sync({**without, "metadata": {**without["metadata"], "labels": {"a": "b"}}})

        live = await world.read(web(world)) or {}
        assert [one.cause for one in plan.changes] == [
            "changed in Git; spec.replicas keeps its live value"
        ]
        assert live["spec"]["replicas"] == 5
        verbs = [one.verb for one in entries if one.user == "shoal"]
        assert verbs == ["get", "patch", "patch"]


async def test_other_fields_that_leave_git_leave_the_cluster(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("settings", a="1", b="2"))
        await it.sync(it.config_map("settings", a="1"))

        assert (await world.read(it.key("settings")) or {})["data"] == {"a": "1"}


async def test_a_container_with_an_ignored_field_can_leave_git(
    subject: Subject, world: PlaneWorld
) -> None:
    """What was let go has no owner, so nothing keeps the item that it stands in."""
    body = with_resources(deployment(world.namespace, "web"), "1")
    containers = body["spec"]["template"]["spec"]["containers"]
    other = {"name": "other", "image": "other:1"}
    async with bench(subject) as it:
        await it.sync(body)
        await it.sync(body, ignore=(RESOURCES,))
        containers[:] = [other]
        results = await it.sync(body, ignore=(RESOURCES,))

        live = await world.read(web(world)) or {}
        assert results["web"].error is None
        assert [one["name"] for one in live["spec"]["template"]["spec"]["containers"]] == ["other"]


async def test_an_injected_certificate_is_not_fought(subject: Subject, world: PlaneWorld) -> None:
    name = f"hooks-{world.namespace}"
    key = ObjectKey("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", name)
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "one.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "namespaceSelector": {"matchLabels": {"nobody": "has-this"}},
                "clientConfig": {
                    "caBundle": "Cg==",
                    "service": {"name": "hooks", "namespace": world.namespace},
                },
            }
        ],
    }
    async with bench(subject) as it:
        await it.sync(body)
        async with world.plane.client() as admin:
            live = await admin.get(path_of(key))
            injected = {**live["webhooks"][0]}
            injected["clientConfig"] = {**injected["clientConfig"], "caBundle": "Y2VydA=="}
            patch = {"webhooks": [injected]}
            await admin.patch(path_of(key), patch, fieldManager="cert-manager-cainjector")
        await edited(world, key, {"webhooks": [{"name": "one.example.com", "timeoutSeconds": 3}]})
        await it.until(lambda one: one.key == key and one.drift is not None)
        await it.sync(body)
        after = await world.read(key) or {}
        plan = await it.plan(body)
        await it.sync()

        assert after["webhooks"][0]["clientConfig"].get("caBundle") == "Y2VydA=="
        assert plan.changes == ()


async def test_the_rules_of_an_aggregated_role_are_not_fought(
    subject: Subject, world: PlaneWorld
) -> None:
    name = f"reader-{world.namespace}"
    key = ObjectKey("rbac.authorization.k8s.io", "ClusterRole", "", name)
    selector = {"matchLabels": {f"aggregate-to-{world.namespace}": "true"}}
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "aggregationRule": {"clusterRoleSelectors": [selector]},
        "rules": [],
    }
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    async with bench(subject) as it:
        await it.sync(body)
        async with world.plane.client() as admin:
            await admin.patch(
                path_of(key), {"rules": rules}, fieldManager="clusterrole-aggregation-controller"
            )
            await admin.patch(
                path_of(key), {"metadata": {"labels": {"x": "y"}}}, fieldManager="k9s"
            )
        await it.until(lambda one: one.key == key and one.drift is not None)
        await it.sync(body)
        after = await world.read(key) or {}
        await it.sync()

        assert after["rules"] == rules
        assert "x" not in after["metadata"]["labels"]


async def test_an_object_that_is_sent_whole_keeps_what_is_live_at_an_ignored_path(
    subject: Subject, world: PlaneWorld
) -> None:
    body = it_says(world, "blue")
    rules = (rule("/data/theirs", "ConfigMap"),)
    key = ObjectKey("", "ConfigMap", world.namespace, "settings")
    async with bench(subject) as it:
        await it.sync(body, ignore=rules)
        await world.change(key, {"data": {"theirs": "1", "other": "2"}})
        results = await it.sync(it_says(world, "red"), ignore=rules)

        assert results["settings"].error is None
        assert (await world.read(key) or {})["data"] == {"colour": "red", "theirs": "1"}


def it_says(world: PlaneWorld, colour: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "settings",
            "namespace": world.namespace,
            "annotations": {"shoal.dev/apply": "Replace"},
        },
        "data": {"colour": colour},
    }
