from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fleet.harness import FleetUnderTest, config_map, deployment, eventually


def path(namespace: str, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


async def make_healthy(admin: Any, namespace: str, name: str) -> None:
    """What the deployment controller would say of one replica that runs."""
    live = await admin.get(path(namespace, name))
    status = {
        "observedGeneration": live["metadata"]["generation"],
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}],
    }
    await admin.patch(f"{path(namespace, name)}/status", {"status": status})


async def until_gone(admin: Any, where: str) -> None:
    async def look() -> bool:
        return await admin.find(where) is None

    await eventually(look, f"{where} is gone")


async def until_another(admin: Any, where: str, uid: str) -> None:
    async def look() -> bool:
        live = await admin.find(where)
        return live is not None and live["metadata"]["uid"] != uid

    await eventually(look, f"{where} is back")


async def begin(fleet: FleetUnderTest, namespace: str) -> None:
    """Old and a ConfigMap are live; then old left Git, and new came."""
    fleet.repository.write("shop/settings.yaml", config_map("settings", namespace, color="blue"))
    fleet.repository.write("shop/web.yaml", deployment("old", namespace))
    await fleet.push("Open the shop")
    await fleet.until_phase("Synced")
    fleet.repository.write("shop/web.yaml", deployment("new", namespace))
    await fleet.until_revision(await fleet.push("Replace old by new"))


async def test_the_old_workload_stays_until_the_new_one_is_healthy(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.commit("Make room")
    async with fleet.running():
        await begin(fleet, namespace)
        before = await admins["dev"].find(path(namespace, "old"))
        await make_healthy(admins["dev"], namespace, "new")
        await until_gone(admins["dev"], path(namespace, "old"))
        elsewhere = await admins["prod"].find(path(namespace, "old"))

    assert before is not None
    assert elsewhere is not None


async def test_a_drift_that_is_healed_meanwhile_does_not_forget_the_old_workload(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.repository.commit("Make room")
    admin, settings = admins["dev"], f"/api/v1/namespaces/{namespace}/configmaps/settings"
    async with fleet.running():
        await begin(fleet, namespace)
        uid = (await admin.get(settings))["metadata"]["uid"]
        await admin.delete(settings)
        await until_another(admin, settings, uid)
        await make_healthy(admin, namespace, "new")
        await until_gone(admin, path(namespace, "old"))

    assert await admin.find(path(namespace, "new")) is not None


async def test_with_after_apply_nothing_is_waited_for(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.declare_application("shop", sync={"prune": "AfterApply"})
    fleet.repository.commit("Make room")
    async with fleet.running():
        await begin(fleet, namespace)
        live = [await admin.find(path(namespace, "old")) for admin in admins.values()]

    assert live == [None, None, None]


async def test_with_never_what_left_git_stays(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    fleet.declare_application("shop", sync={"prune": "Never"})
    fleet.repository.commit("Make room")
    async with fleet.running():
        await begin(fleet, namespace)
        live = [await admin.find(path(namespace, "old")) for admin in admins.values()]

    assert all(live)
