"""One application renders without end, or is broken: every other one goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fleet.harness import FleetUnderTest, config_map, path_of

CHART = "apiVersion: v2\nname: wild\nversion: 1.0.0\n"
ENDLESS = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"


async def test_others_land_while_a_chart_renders_without_end(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    for name in ("wild", "wilder"):
        fleet.repository.write(f"{name}/Chart.yaml", CHART)
        fleet.repository.write(f"{name}/templates/a.yaml", ENDLESS)
        fleet.declare_application(name)
    fleet.repository.write("broken/kustomization.yaml", "resources: [nowhere.yaml]\n")
    fleet.declare_application("broken")
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="blue"))
    fleet.repository.commit("Open the shop")

    async with fleet.running():
        await fleet.until_phase("Synced", "shop")
        fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="red"))
        await fleet.until_revision(await fleet.push("Paint it red"), "shop")
        said = {each.name: each.message for each in fleet.controller.applications()}
        path = path_of(config_map("settings", namespace))
        live = [await admin.get(path) for admin in admins.values()]

    assert [body["data"] for body in live] == [{"color": "red"}] * 3
    assert "resources names nowhere.yaml, which does not exist" in said["broken"]
    assert said["wild"] == said["wilder"] == ""
