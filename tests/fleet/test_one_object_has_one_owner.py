"""Two applications that bring one object at once: the first has it, the other leaves it alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.fleet.harness import FleetUnderTest, config_map, eventually, path_of

from shoal.engine.views.applications import TargetPhase, TargetView
from shoal_clusters.controlplane.client import Client

PAIRS = range(6)
MARK = "shoal.dev/owner"


def pair(fleet: FleetUnderTest, number: int) -> list[TargetView] | None:
    """Both targets on `dev`, the one that has the object first; None until both are settled."""
    views = [fleet.target(f"{side}-{number}", "dev") for side in ("left", "right")]
    settled = (TargetPhase.SYNCED, TargetPhase.FAILED)
    found = [view for view in views if view is not None and view.phase in settled]
    return (
        sorted(found, key=lambda view: view.phase is not TargetPhase.SYNCED) if found[1:] else None
    )


async def test_an_object_that_two_applications_create_at_once_belongs_to_one_of_them(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Any]
) -> None:
    admin = admins["dev"]
    for number in PAIRS:
        for side in ("left", "right"):
            body = config_map(f"shared-{number}", namespace, by=f"{side}-{number}")
            fleet.repository.write(f"{side}-{number}/all.yaml", body)
            fleet.declare_application(f"{side}-{number}")
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    fleet.repository.commit("Everything at once")

    async with fleet.running():
        for number in PAIRS:
            found = await fleet.until(lambda n=number: pair(fleet, n), f"pair {number} is settled")
            first, second = found
            path = path_of(config_map(f"shared-{number}", namespace))
            live = await admin.get(path)
            await admin.delete(path)
            again = await eventually(partial(admin.find, path), f"{path} is back")

            assert (first.phase, second.phase) == (TargetPhase.SYNCED, TargetPhase.FAILED)
            assert again is not None
            assert live["data"] == again["data"] == {"by": first.application}
            assert first.application in second.message


async def test_what_another_fleet_took_is_told_as_that_at_once_and_no_more_when_it_is_back(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, a="1")
    others = [config_map(f"other-{number}", namespace) for number in range(5)]
    small_fleet.repository.commit_shop(settings, *others)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        live = await admin.get(path_of(settings))
        mark = f"other/default/shop:/ConfigMap:{namespace}/settings"
        await admin.patch(path_of(settings), marked(mark))
        await small_fleet.until_phase("Failed")
        view = small_fleet.target("shop", "dev")
        await admin.patch(path_of(settings), marked(live["metadata"]["annotations"][MARK]))
        await small_fleet.until_phase("Synced")

    assert view is not None
    assert "belongs to Shoal fleet other (application default/shop; this is fleet" in view.message
    assert view.next_step == "remove it from one of the two"


def marked(mark: str) -> Any:
    return {"metadata": {"annotations": {MARK: mark}}}
