"""An object that moves from one application to another: handed over, never deleted or made anew."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fleet.harness import FleetUnderTest, Writes, config_map, deployment, eventually, path_of

from shoal.engine.views.applications import TargetPhase
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

Clusters = dict[str, ControlPlane]
BOTH_WAYS = pytest.mark.parametrize(("giver", "taker"), [("left", "right"), ("right", "left")])


def declare(fleet: FleetUnderTest, namespace: str, giver: str, taker: str, moved: Any) -> None:
    """Two applications over one source; the first has the object."""
    for name in (giver, taker):
        fleet.declare_application(name)
        fleet.repository.write(f"{name}/own.yaml", config_map(f"of-{name}", namespace))
    fleet.repository.write(f"{giver}/moved.yaml", moved)
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace))


def take_away(fleet: FleetUnderTest, name: str) -> None:
    (fleet.repository.folder / name / "moved.yaml").unlink()


async def until_owned_by(admin: Client, path: str, name: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        live = await admin.find(path)
        labels = live["metadata"]["labels"] if live else {}
        return live if labels.get("shoal.dev/application") == f"default.{name}" else None

    found = await eventually(look, f"{path} is of {name}")
    assert found is not None
    return found


@BOTH_WAYS
async def test_an_object_that_moves_in_one_commit_is_handed_over(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Clusters,
    giver: str,
    taker: str,
) -> None:
    fleet, moved = small_fleet, deployment("moved", namespace)
    path = path_of(moved)
    declare(fleet, namespace, giver, taker, moved)
    fleet.repository.commit("Two applications")
    async with fleet.running():
        before = await until_owned_by(admin, path, giver)
        writes = await Writes.since_now(clusters["dev"], namespace)
        take_away(fleet, giver)
        fleet.repository.write(f"{taker}/moved.yaml", moved)
        await fleet.push("Move it")
        after = await until_owned_by(admin, path, taker)
        own = await admin.get(path_of(config_map(f"of-{giver}", namespace)))
        sent = await writes.at_least(1)

        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["spec"] == before["spec"]
        assert {entry.verb for entry in sent} == {"patch"}
        assert own["metadata"]["labels"]["shoal.dev/application"] == f"default.{giver}"


@BOTH_WAYS
async def test_an_object_that_is_wanted_twice_moves_once_the_first_lets_go(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Clusters,
    giver: str,
    taker: str,
) -> None:
    fleet, moved = small_fleet, config_map("moved", namespace, a="1")
    path = path_of(moved)
    declare(fleet, namespace, giver, taker, moved)
    fleet.repository.commit("Two applications")
    async with fleet.running():
        before = await until_owned_by(admin, path, giver)
        fleet.repository.write(f"{taker}/moved.yaml", moved)
        await fleet.push("Both want it")
        await fleet.until_phase(TargetPhase.FAILED, taker, ["dev"])
        view = fleet.target(taker, "dev")
        assert view is not None
        assert f"default/{giver}" in view.message
        writes = await Writes.since_now(clusters["dev"], namespace)
        take_away(fleet, giver)
        await fleet.push("One lets go")
        after = await until_owned_by(admin, path, taker)
        await fleet.until_phase(TargetPhase.SYNCED, taker, ["dev"])
        await fleet.until_phase(TargetPhase.SYNCED, giver, ["dev"])
        sent = await writes.at_least(1)

        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert {entry.verb for entry in sent} == {"patch"}


async def test_an_object_whose_application_leaves_the_fleet_is_taken_over_not_deleted(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    fleet, moved = small_fleet, config_map("moved", namespace, a="1")
    path = path_of(moved)
    declare(fleet, namespace, "left", "right", moved)
    fleet.repository.commit("Two applications")
    async with fleet.running():
        before = await until_owned_by(admin, path, "left")
        fleet.repository.write("right/moved.yaml", moved)
        fleet.remove("application-left.yaml")
        await fleet.push("One takes over from the other")
        after = await until_owned_by(admin, path, "right")

        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert await admin.find(path_of(config_map("of-left", namespace))) is not None


async def test_a_move_while_nobody_looked_is_a_handover_after_the_restart(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, clusters: Clusters
) -> None:
    fleet, moved = small_fleet, config_map("moved", namespace, a="1")
    path = path_of(moved)
    declare(fleet, namespace, "left", "right", moved)
    fleet.repository.commit("Two applications")
    async with fleet.running():
        before = await until_owned_by(admin, path, "left")
    take_away(fleet, "left")
    fleet.repository.write("right/moved.yaml", moved)
    fleet.repository.commit("Move it")
    async with fleet.running():
        after = await until_owned_by(admin, path, "right")

        assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_what_nobody_else_wants_is_still_deleted(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    fleet, gone = small_fleet, config_map("moved", namespace, a="1")
    declare(fleet, namespace, "left", "right", gone)
    fleet.repository.commit("Two applications")
    async with fleet.running():
        await until_owned_by(admin, path_of(gone), "left")
        take_away(fleet, "left")
        await fleet.push("Drop it")

        async def look() -> bool:
            return await admin.find(path_of(gone)) is None

        await eventually(look, "it is gone")


async def test_an_object_with_marks_of_an_application_that_is_no_more_is_named_and_left(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    fleet, body = small_fleet, config_map("restored", namespace, a="1")
    collection = path_of(body).rpartition("/")[0]
    marks = {
        "labels": {"shoal.dev/fleet": fleet.name, "shoal.dev/application": "default.gone"},
        "annotations": {
            "shoal.dev/owner": f"{fleet.name}/default/gone:/ConfigMap:{namespace}/restored"
        },
    }
    await admin.create(collection, {**body, "metadata": {**body["metadata"], **marks}})
    fleet.declare_application("taker")
    fleet.repository.write("taker/restored.yaml", body)
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    fleet.repository.commit("What a backup brought back")
    async with fleet.running():
        await fleet.until_phase(TargetPhase.FAILED, "taker", ["dev"])
        view = fleet.target("taker", "dev")

        assert view is not None
        assert "marks of Shoal application default/gone" in view.message
