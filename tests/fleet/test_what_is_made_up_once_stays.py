"""A password that a chart makes up: created once, never rotated, by no restart and by no commit."""

from __future__ import annotations

from tests.fleet.harness import FleetUnderTest, Writes, config_map, path_of

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
LOGIN = """apiVersion: v1
kind: Secret
metadata:
  name: login
  namespace: NAMESPACE
  annotations: {shoal.dev/apply: IfNotPresent}
stringData: {password: {{ randAlphaNum 16 | quote }}}
"""


async def test_a_made_up_password_is_created_once_and_never_rotated(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, clusters: dict[str, ControlPlane]
) -> None:
    fleet = small_fleet
    path = path_of({**config_map("login", namespace), "kind": "Secret"})
    fleet.repository.write("shop/Chart.yaml", CHART)
    fleet.repository.write("shop/templates/login.yaml", LOGIN.replace("NAMESPACE", namespace))
    fleet.repository.write("shop/templates/a.yaml", config_map("settings", namespace, a="1"))
    revision = fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_revision(revision)
        first = await admin.get(path)
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with fleet.running():
        await fleet.until_revision(revision)
        fleet.repository.write("shop/templates/a.yaml", config_map("settings", namespace, a="2"))
        await fleet.until_revision(await fleet.push("Change something else"))
        sent = await writes.at_least(1)

        assert (await admin.get(path))["data"] == first["data"]
        assert [entry.name for entry in sent] == ["settings"]
