"""A rule of an application stands between a commit and a real cluster."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fleet.harness import FleetUnderTest, Writes, config_map

from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane

FEW = {
    "cel": {
        "allow": "counts.total < 2 || cluster.labels.env != 'dev'",
        "message": "one change at a time",
    }
}


async def test_a_commit_that_a_gate_refuses_is_held_until_it_is_approved(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    small_fleet.declare_application("shop", gates=[FEW])
    small_fleet.repository.write(
        "shop/all.yaml", config_map("a", namespace), config_map("b", namespace)
    )
    revision = small_fleet.repository.commit("Add two at once")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running() as controller:
        await small_fleet.until_phase("Held")
        (hold,) = await small_fleet.until(controller.holds, "a hold")
        view = small_fleet.target("shop", "dev")
        written_while_held = await writes.seen()
        await controller.approve(hold.id, who="Ana", reason="just this once")
        await small_fleet.until_revision(revision)
        (released,) = await small_fleet.records(Deed.HOLD_RELEASED)

    assert written_while_held == []
    assert hold.cause == "Gate"
    assert hold.reason == (
        "2 changes of default/shop on cluster dev wait, because spec.gates[0] (cel) says: "
        "one change at a time"
    )
    assert view is not None
    assert view.message.startswith(hold.reason)
    assert (released.who, released.why) == ("Ana", "just this once")


async def test_the_next_commit_may_pass_what_refused_the_one_before(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    small_fleet.declare_application("shop", gates=[FEW])
    a, b = config_map("a", namespace), config_map("b", namespace)
    small_fleet.repository.write("shop/all.yaml", a, b)
    small_fleet.repository.commit("Add two at once")
    async with small_fleet.running() as controller:
        await small_fleet.until_phase("Held")
        small_fleet.repository.write("shop/all.yaml", a)
        await small_fleet.until_revision(await small_fleet.push("Add one"))
        small_fleet.repository.write("shop/all.yaml", a, b)
        await small_fleet.until_revision(await small_fleet.push("Add the other"))

        assert controller.holds() == []
