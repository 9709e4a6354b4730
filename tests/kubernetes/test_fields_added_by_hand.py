"""Fields added by hand, on a real API server: found, removed by one guarded patch, or kept."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import AddedFieldsPolicy, ByHand, DriftPolicy
from shoal.model.sightings import DriftKind, Sighting
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


async def until_added(it: Bench, name: str) -> Sighting:
    return await it.until(
        lambda one: (
            one.key.name == name and one.drift is not None and one.drift.kind is DriftKind.ADDED
        )
    )


async def patched(
    world: PlaneWorld, key: ObjectKey, patch: Any, client: str = "kubectl-edit"
) -> None:
    """A strategic merge patch, as clients of people send it: lists are merged by their keys."""
    async with world.plane.client() as admin:
        await admin.request(
            "PATCH",
            path_of(key),
            patch,
            parameters={"fieldManager": client},
            content_type="application/strategic-merge-patch+json",
        )


async def live_of(world: PlaneWorld, key: ObjectKey) -> Any:
    return await world.read(key) or {}


async def test_a_field_added_by_hand_is_removed_by_one_guarded_patch(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await world.change(it.key("settings"), {"data": {"by-hand": "2"}})
        sighting = await until_added(it, "settings")
        start = await audit_position(plane.audit_log)
        results = await it.sync(body)

        entries = await read_audit_log(plane.audit_log, since=start)
        assert sighting.drift is not None
        assert sighting.drift.manager == "kubectl-edit"
        assert sighting.drift.managed_at is not None
        assert sighting.drift.patch == ({"op": "remove", "path": "/data/by-hand"},)
        assert (results["settings"].action, results["settings"].status) == (
            Action.CORRECT,
            ResultStatus.APPLIED,
        )
        assert (await live_of(world, it.key("settings")))["data"] == {"a": "1"}
        assert [one.verb for one in entries if one.user == "shoal"] == ["patch"]
        assert (await it.plan(body)).changes == ()


async def test_items_of_lists_are_found_by_their_keys(subject: Subject, world: PlaneWorld) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web")
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MINE", "value": "1"}]
    async with bench(subject) as it:
        await it.sync(body)
        app = {
            "name": "app",
            "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}],
            "ports": [{"containerPort": 9000}],
            "resources": {"limits": {"cpu": "1"}},
        }
        containers = [app, {"name": "debug", "image": "debug:1"}]
        await patched(world, key, {"spec": {"template": {"spec": {"containers": containers}}}})
        await until_added(it, "web")
        await it.sync(body)

        pod = (await live_of(world, key))["spec"]["template"]["spec"]
        assert [one["name"] for one in pod["containers"]] == ["app"]
        assert pod["containers"][0]["env"] == [{"name": "MINE", "value": "1"}]
        assert "ports" not in pod["containers"][0]
        assert pod["containers"][0]["resources"] == {}
        assert (await it.plan(body)).changes == ()


async def test_a_port_and_a_label_of_a_service_are_removed(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("", "Service", world.namespace, "web")
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": world.namespace},
        "spec": {"ports": [{"port": 80, "name": "http"}], "selector": {"app": "web"}},
    }
    async with bench(subject) as it:
        await it.sync(body)
        await patched(world, key, {"spec": {"ports": [{"port": 81, "name": "other"}]}})
        await patched(world, key, {"metadata": {"labels": {"team": "blue"}}}, "kubectl-label")
        await until_added(it, "web")
        for _ in range(2):
            await it.sync(body)

        live = await live_of(world, key)
        assert [one["port"] for one in live["spec"]["ports"]] == [80]
        assert "team" not in live["metadata"]["labels"]


@pytest.mark.parametrize(
    ("client", "patch"),
    [
        ("kubectl-label", {"metadata": {"labels": {"team": "blue"}}}),
        ("kubectl-annotate", {"metadata": {"annotations": {"note": "do not touch"}}}),
        ("k9s", {"data": {"more": "1"}}),
        ("Mozilla", {"data": {"more": "1"}}),
    ],
)
async def test_each_client_of_people_counts(
    subject: Subject, world: PlaneWorld, client: str, patch: Any
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        before = await live_of(world, it.key("settings"))
        await patched(world, it.key("settings"), patch, client)
        sighting = await until_added(it, "settings")
        await it.sync(body)

        live = await live_of(world, it.key("settings"))
        assert sighting.drift is not None
        assert sighting.drift.manager == client
        assert live["data"] == before["data"]
        assert live["metadata"]["labels"] == before["metadata"]["labels"]
        assert live["metadata"]["annotations"] == before["metadata"]["annotations"]


RESTART = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("client", "patch"),
    [
        ("acme-controller", {"metadata": {"annotations": {"acme.example/seen": "1"}}}),
        ("kubectl-rollout", {"spec": {"template": {"metadata": {"annotations": RESTART}}}}),
        ("k9s", {"spec": {"template": {"metadata": {"annotations": RESTART}}}}),
        ("kubectl-edit", {"metadata": {"finalizers": ["acme.example/wait"]}}),
        ("kubectl-annotate", {"metadata": {"annotations": {"shoal.dev/prune": "Never"}}}),
        ("kubectl-edit", {"spec": {"replicas": 4}}),
    ],
    ids=["controller", "rollout", "restart by k9s", "finalizer", "prune", "replicas"],
)
async def test_what_has_a_reason_to_stay_stays(
    subject: Subject, world: PlaneWorld, client: str, patch: Any
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web")
    del body["spec"]["replicas"]
    async with bench(subject) as it:
        await it.sync(body)
        await patched(world, key, patch, client)
        after = await live_of(world, key)
        # An edit that comes later and is seen shows that the first one was seen too.
        await patched(world, key, {"spec": {"template": {"spec": {"hostname": "x"}}}})
        sighting = await until_added(it, "web")
        await it.sync(body)
        live = await live_of(world, key)
        await _without_finalizers(world, key)

        assert sighting.drift is not None
        assert [one["path"] for one in sighting.drift.patch or ()] == [
            "/spec/template/spec/hostname"
        ]
        assert live["spec"] == after["spec"]
        assert live["metadata"]["annotations"] == after["metadata"]["annotations"]
        assert live["metadata"].get("finalizers") == after["metadata"].get("finalizers")


async def _without_finalizers(world: PlaneWorld, key: ObjectKey) -> None:
    async with world.plane.client() as admin:
        await admin.patch(path_of(key), {"metadata": {"finalizers": None}})


async def test_what_a_controller_owns_too_is_kept(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await world.change(it.key("settings"), {"data": {"shared": "2", "by-hand": "3"}})
        theirs = it.config_map("settings", shared="2")
        async with world.plane.client() as admin:
            await admin.apply(path_of(it.key("settings")), theirs, manager="acme-controller")
        await it.until(
            lambda one: (
                one.drift is not None
                and one.drift.patch == ({"op": "remove", "path": "/data/by-hand"},)
            )
        )
        await it.sync(body)

        assert (await live_of(world, it.key("settings")))["data"] == {"a": "1", "shared": "2"}


@pytest.mark.parametrize("policy", [AddedFieldsPolicy.REPORT, AddedFieldsPolicy.KEEP])
async def test_what_is_reported_or_kept_is_not_planned(
    subject: Subject, world: PlaneWorld, policy: AddedFieldsPolicy
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body, when_fields_added=policy)
        await world.change(it.key("settings"), {"data": {"by-hand": "2"}})
        await until_added(it, "settings")

        assert (await it.plan(body, when_fields_added=policy)).changes == ()
        assert (await it.plan(body, when_drifted=DriftPolicy.REPORT)).changes != ()


async def test_an_application_says_which_clients_count(subject: Subject, world: PlaneWorld) -> None:
    said = ByHand(also=("acme-*",), never=("kubectl-annotate",))
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body, by_hand=said)
        note = {"metadata": {"annotations": {"note": "from a script"}}}
        await patched(world, it.key("settings"), note, "kubectl-annotate")
        await patched(world, it.key("settings"), {"data": {"more": "1"}}, "acme-console")
        sighting = await until_added(it, "settings")

        assert sighting.drift is not None
        assert sighting.drift.manager == "acme-console"
        assert [one["path"] for one in sighting.drift.patch or ()] == ["/data/more"]


async def test_a_removal_that_comes_too_late_looks_again(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await world.change(it.key("settings"), {"data": {"b": "2"}})
        await until_added(it, "settings")
        plan = await it.session.plan(it.desired(body))
        start = await audit_position(plane.audit_log)
        await patched(world, it.key("settings"), {"data": {"c": "3"}})
        results = [one async for one in it.session.apply(plan, it.desired(body), granted=_yes)]

        entries = await read_audit_log(plane.audit_log, since=start)
        codes = [(one.verb, one.code) for one in entries if one.user == "shoal"]
        assert [one.status for one in results] == [ResultStatus.APPLIED]
        assert (await live_of(world, it.key("settings")))["data"] == {"a": "1"}
        # The watch may have told of the second edit before the patch was sent.
        assert codes in ([("patch", 409), ("get", 200), ("patch", 200)], [("patch", 200)])


def _yes() -> bool:
    return True


async def test_what_the_server_puts_back_is_let_be(subject: Subject, world: PlaneWorld) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(body)
        # 10 is the default: taken away from kubectl-edit, it is there again, as kubectl-edit's.
        for limit in (5, 10):
            await patched(world, key, {"spec": {"revisionHistoryLimit": limit}})
            await until_added(it, "web")
        while (await it.sync(body)).get("web") is not None:
            pass

        assert (await live_of(world, key))["spec"]["revisionHistoryLimit"] == 10
        assert (await it.plan(body)).changes == ()


async def test_after_a_restart_additions_are_seen_when_the_policy_is_known(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
    await world.change(it.key("settings"), {"data": {"by-hand": "2"}})
    async with bench(subject, it.inventory) as again:
        await again.until(lambda one: one.key.name == "settings" and one.health is not None)
        assert all(one.drift is None for one in again.seen)
        await again.plan(body)
        await until_added(again, "settings")
        await again.sync(body)

        assert (await live_of(world, it.key("settings")))["data"] == {"a": "1"}


async def test_an_edit_and_an_addition_are_undone_one_after_the_other(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await world.change(it.key("settings"), {"data": {"a": "2", "by-hand": "2"}})
        await it.until_drifted("settings", missing=False)
        await it.sync(body)
        await until_added(it, "settings")
        await it.sync(body)

        assert (await live_of(world, it.key("settings")))["data"] == {"a": "1"}


async def test_a_rule_that_comes_later_speaks_of_what_was_added_before(
    subject: Subject, world: PlaneWorld
) -> None:
    path = {"target": {"kind": "ConfigMap"}, "path": "/data/theirs"}
    async with bench(subject) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await patched(world, it.key("settings"), {"data": {"more": "1"}}, "acme-console")
        await patched(world, it.key("settings"), {"data": {"theirs": "1"}})
        await until_added(it, "settings")
        it.seen.clear()
        await it.plan(body, by_hand=ByHand(also=("acme-*",)), ignore=[path])
        sighting = await until_added(it, "settings")

        assert sighting.drift is not None
        assert [one["path"] for one in sighting.drift.patch or ()] == ["/data/more"]
