"""What a cluster forbids: told with its cause, tried again, and no fault of the credential."""

from __future__ import annotations

from typing import Any

from tests.fleet.harness import FleetUnderTest, config_map, eventually, path_of

from shoal_clusters.controlplane.client import AnsweredError, Client


def secret(name: str, namespace: str) -> dict[str, Any]:
    return {**config_map(name, namespace, key="dmFsdWU="), "kind": "Secret"}


async def until_refused(admin: Client, manifest: Any) -> None:
    """A quota counts from a moment after it was made."""

    async def look() -> bool:
        try:
            await admin.patch(
                path_of(manifest), manifest, form="apply", fieldManager="test", dryRun="All"
            )
        except AnsweredError as error:
            return error.code == 403
        return False

    await eventually(look, "a refusal by the quota")


async def test_a_quota_is_named_and_when_it_is_gone_the_object_is_applied_without_a_commit(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    none = {"count/secrets": "0"}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": namespace},
        "spec": {"hard": none},
    }
    login = secret("login", namespace)
    await admin.create(path_of(quota).rpartition("/")[0], quota)
    await admin.patch(f"{path_of(quota)}/status", {"status": {"hard": none, "used": none}})
    await until_refused(admin, login)
    small_fleet.repository.write("shop/all.yaml", login, config_map("settings", namespace))
    revision = small_fleet.repository.commit("Open the shop")
    async with small_fleet.running() as controller:
        await small_fleet.until_phase("Failed")
        view = small_fleet.target("shop", "dev")
        (cluster,) = controller.clusters()
        beside = await admin.find(path_of(config_map("settings", namespace)))
        await admin.delete(path_of(quota))
        await small_fleet.until_revision(revision)

    assert view is not None
    assert "ResourceQuota" in view.message
    assert (cluster.reachable, cluster.authorized) == ("True", "True")
    assert beside is not None
