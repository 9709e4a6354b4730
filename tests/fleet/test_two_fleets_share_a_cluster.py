"""Two controllers on one cluster: each leaves alone what the other one has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from tests.fleet.conftest import MakeFleet
from tests.fleet.harness import FleetUnderTest, config_map, eventually, path_of

from shoal.engine.views.applications import TargetPhase, TargetView
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

SHOP = "application-shop.yaml"
TARGET = "default/shop@dev"


def declare(fleet: FleetUnderTest, *objects: Any) -> None:
    fleet.repository.write("shop/all.yaml", *objects)
    fleet.repository.commit("Say what there should be")


def team(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def live(admin: Client, objects: Iterable[Any]) -> dict[str, Any]:
    """The objects as they are, by kind and name."""
    return {
        f"{each['kind']} {each['metadata']['name']}": await admin.find(path_of(each))
        for each in objects
    }


async def until_phase(fleet: FleetUnderTest, phase: TargetPhase) -> TargetView:
    await fleet.until_phase(phase, clusters=["dev"])
    view = fleet.target("shop", "dev")
    assert view is not None
    return view


async def test_each_leaves_the_others_objects_alone_and_both_are_named(
    make_fleet: MakeFleet, clusters: Mapping[str, ControlPlane], namespace: str, admin: Client
) -> None:
    dev = {"dev": clusters["dev"]}
    first, second = make_fleet(dev), make_fleet(dev)
    shared, room = config_map("shared", namespace, by="first"), team(f"{namespace}-team")
    theirs = [room, shared, config_map("of-first", namespace), config_map("leaving", namespace)]
    declare(first, *theirs)
    declare(second, room, {**shared, "data": {"by": "second"}}, config_map("of-second", namespace))

    async with AsyncExitStack() as running:
        await running.enter_async_context(first.running())
        await until_phase(first, TargetPhase.SYNCED)
        before = await live(admin, theirs)
        await running.enter_async_context(second.running())
        conflict = await until_phase(second, TargetPhase.FAILED)
        own = await eventually(
            lambda: admin.find(path_of(config_map("of-second", namespace))), "its own is written"
        )

        # The second lets go of all that it has: nothing of the first may go with it.
        second.remove(SHOP)
        hold = await second.until(second.controller.holds, "the second's removal")
        await second.controller.approve(hold[0].id, who="Ana", reason="it is closed")
        await second.until_recorded(Deed.TARGET_RELEASED, TARGET)
        after = await live(admin, theirs)
        left = await admin.find(path_of(config_map("of-second", namespace)))

        # The first prunes what is its own, with the second looking on.
        declare(first, *theirs[:-1])
        await first.reload()
        await eventually(lambda: is_gone(admin, theirs[-1]), "leaving is pruned")
        drifts = first.controller.drifts()

    both = f"Shoal fleet {first.name} (application default/shop; this is fleet {second.name})"
    assert all(f"belongs to {both}" in each.message for each in conflict.problems)
    assert {each.object for each in conflict.problems} == {
        f"Namespace {namespace}-team",
        f"ConfigMap {namespace}/shared",
    }
    assert own is not None
    assert own["metadata"]["labels"]["shoal.dev/fleet"] == second.name
    assert after == before
    assert left is None
    assert drifts == []


async def is_gone(admin: Client, manifest: Any) -> bool:
    return await admin.find(path_of(manifest)) is None
