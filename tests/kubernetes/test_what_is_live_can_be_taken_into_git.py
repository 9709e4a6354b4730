"""What Git would have to say for what is live to be right, on a real API server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.testing.target_bench import Subject, bench

pytestmark = pytest.mark.real


async def test_only_what_was_touched_is_taken(subject: Subject, world: PlaneWorld) -> None:
    """`1000m` is `1` on the server; nobody edited that, so Git goes on to say it in its words."""
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web")
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    async with bench(subject) as it:
        await it.sync(body)
        edit = {"name": "app", "image": "app:2", "env": [{"name": "DEBUG", "value": "1"}]}
        async with world.plane.client() as admin:
            await admin.request(
                "PATCH",
                path_of(key),
                {"spec": {"template": {"spec": {"containers": [edit]}}}},
                parameters={"fieldManager": "kubectl-edit"},
                content_type="application/strategic-merge-patch+json",
            )
        found = await it.session.differences(it.desired().target, frozenset({key}))

        where = "/spec/template/spec/containers/0"
        assert sorted(found[key], key=lambda one: str(one["path"])) == [
            {"op": "add", "path": f"{where}/env", "value": [{"name": "DEBUG", "value": "***"}]},
            {"op": "replace", "path": f"{where}/image", "value": "app:2"},
        ]


async def test_values_of_a_secret_are_not_told(subject: Subject, world: PlaneWorld) -> None:
    key = ObjectKey("", "Secret", world.namespace, "login")
    body: Any = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": world.namespace},
        "stringData": {"password": "one"},
    }
    async with bench(subject) as it:
        await it.sync(body)
        async with world.plane.client() as admin:
            edit = {"stringData": {"password": "two"}}
            await admin.patch(path_of(key), edit, fieldManager="kubectl-edit")
        found = await it.session.differences(it.desired().target, frozenset({key}))

        assert found[key] == ({"op": "replace", "path": "/data/password", "value": "***"},)


async def test_what_is_somebody_elses_now_is_left_out(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("settings", a="1"))
        await world.remove(it.key("settings"))
        await world.create(it.config_map("settings", a="2"))
        keys = frozenset({it.key("settings"), it.key("never-there")})

        assert await it.session.differences(it.desired().target, keys) == {}
