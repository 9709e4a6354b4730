"""Whatever waits says who made it wait, why and until when; and goes on when that is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from tests.fleet.harness import FleetUnderTest, Writes, config_map, eventually, path_of

from shoal.engine.views.changes import HoldView
from shoal.errors import UnknownName
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

SHOP = Ref("default", "shop")
TARGET = "default/shop@dev"


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=0.3)


def commit(fleet: FleetUnderTest, namespace: str, **data: str) -> None:
    fleet.repository.commit_shop(config_map("settings", namespace, **data))


async def until_rendered(fleet: FleetUnderTest, revision: str) -> None:
    """The application has seen the revision, whatever its targets make of it."""

    def holds() -> bool:
        (view,) = fleet.controller.applications()
        return view.revision == revision

    await fleet.until(holds, f"shop rendered at {revision[:8]}")


async def until_hold(fleet: FleetUnderTest, cause: str) -> HoldView:
    def look() -> HoldView | None:
        return next((hold for hold in fleet.controller.holds() if hold.cause == cause), None)

    hold = await fleet.until(look, f"a hold {cause}")
    assert isinstance(hold, HoldView)
    return hold


async def test_a_suspended_application_is_not_written_until_it_is_resumed(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller, until = small_fleet.controller, tomorrow()
        await controller.suspend(SHOP, who="Ana", reason="stocktaking", until=until)
        writes = await Writes.since_now(clusters["dev"], namespace)
        commit(small_fleet, namespace, color="red")
        revision = await small_fleet.push("Paint it red")
        await until_rendered(small_fleet, revision)
        await small_fleet.until_phase("Held")
        (hold,) = controller.holds()
        (application,) = controller.applications()
        view = small_fleet.target("shop", "dev")
        written_while_held = await writes.seen()
        await controller.resume(SHOP, who="Ben", reason="counted")
        await small_fleet.until_revision(revision)
        left = controller.holds()
        (placed,) = await small_fleet.records(Deed.HOLD_PLACED)
        (released,) = await small_fleet.records(Deed.HOLD_RELEASED)

    assert written_while_held == []
    assert (hold.subject, hold.by, hold.reason) == ("default/shop", "Ana", "stocktaking")
    assert (hold.until, hold.release) == (until, "shoal resume default/shop")
    assert (application.suspended, application.holds) == (True, [hold.id])
    assert view is not None
    assert view.message == f"suspended by Ana until {until:%Y-%m-%d %H:%M} UTC: stocktaking"
    assert view.next_step == "shoal resume default/shop"
    assert left == []
    assert (placed.who, placed.why) == ("Ana", "stocktaking")
    assert (released.who, released.why) == ("Ben", "counted")


async def test_drift_of_a_suspended_application_waits_too(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller = small_fleet.controller
        await controller.suspend(SHOP, who="Ana", reason="an experiment", until=tomorrow())
        await admin.patch(path_of(settings), {"data": {"color": "red"}})

        def is_seen() -> bool:
            view = small_fleet.target("shop", "dev")
            return view is not None and view.drifted == 1 and view.phase == "Held"

        await small_fleet.until(is_seen, "the drift, and that it is held")
        while_held = await admin.get(path_of(settings))
        await controller.resume(SHOP, who="Ana", reason="done")
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        after = await admin.get(path_of(settings))

    assert while_held["data"] == {"color": "red"}
    assert after["data"] == {"color": "blue"}


async def test_a_suspension_that_runs_out_lets_the_application_go_on(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller = small_fleet.controller
        await controller.suspend(SHOP, who="Ana", reason="lunch", until=tomorrow())
        commit(small_fleet, namespace, color="red")
        revision = await small_fleet.push("Paint it red")
        await small_fleet.until_phase("Held")
        until = soon()
        await controller.suspend(SHOP, who="Ana", reason="coffee", until=until)
        await small_fleet.until_revision(revision)
        holds = small_fleet.controller.holds()
        (application,) = small_fleet.controller.applications()
        replaced, released = await small_fleet.until_recorded(Deed.HOLD_RELEASED, count=2)
        synced = await small_fleet.records(Deed.TARGET_SYNCED, TARGET)

    assert holds == []
    assert not application.suspended
    assert (replaced.who, replaced.why) == ("Ana", "replaced")
    assert (released.who, released.why) == ("shoal", "it ran out")
    assert synced[-1].at >= until


async def test_a_suspension_that_ran_out_while_nobody_looked_is_over_at_the_start(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        until = datetime.now(UTC)
        await small_fleet.controller.suspend(SHOP, who="Ana", reason="lunch", until=until)
    commit(small_fleet, namespace, color="red")
    async with small_fleet.running():
        await small_fleet.until_revision(small_fleet.repository.git("rev-parse", "HEAD"))
        (released,) = await small_fleet.until_recorded(Deed.HOLD_RELEASED)

    assert released.why == "it ran out"


async def test_a_suspension_outlives_a_restart_and_runs_out_all_the_same(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller = small_fleet.controller
        await controller.suspend(SHOP, who="Ana", reason="lunch", until=tomorrow())
    commit(small_fleet, namespace, color="red")
    revision = small_fleet.repository.git("rev-parse", "HEAD")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Held")
        written_while_held = await writes.seen()
        controller = small_fleet.controller
        await controller.suspend(SHOP, who="Ana", reason="coffee", until=soon())
        await small_fleet.until_revision(revision)

    assert written_while_held == []


async def test_a_second_suspension_replaces_the_first(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller = small_fleet.controller
        await controller.suspend(SHOP, who="Ana", reason="lunch", until=tomorrow())
        until = tomorrow() + timedelta(days=1)
        await controller.suspend(SHOP, who="Ben", reason="longer", until=until)
        (hold,) = controller.holds()

    assert (hold.by, hold.reason, hold.until) == ("Ben", "longer", until)


async def test_a_source_that_renders_to_nothing_deletes_nothing_until_it_is_approved(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    """fluxcd/flux2#2421, argoproj/argo-cd#7412: nobody wanted everything to be deleted."""
    commit(small_fleet, namespace, color="blue")
    path = path_of(config_map("settings", namespace))
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.repository.write("shop/all.yaml", "# nothing any more")
        revision = await small_fleet.push("Empty the shop")
        await small_fleet.until_phase("Held")
        hold = await until_hold(small_fleet, "EmptyRender")
        kept = await admin.find(path)
        await small_fleet.controller.approve(hold.id, who="Ana", reason="it is meant")
        await small_fleet.until_revision(revision)
        left = await admin.find(path)
        (released,) = await small_fleet.records(Deed.HOLD_RELEASED)

    assert kept is not None
    assert hold.subject == TARGET
    assert hold.release == f"shoal approve {hold.id} --reason …"
    assert hold.reason == (
        "the source of default/shop renders to nothing, but 1 object of it is in cluster dev; "
        "without approval it is kept"
    )
    assert left is None
    assert (released.who, released.why) == ("Ana", "it is meant")


async def test_an_approval_counts_once(small_fleet: FleetUnderTest, namespace: str) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.repository.write("shop/all.yaml", "# nothing any more")
        await small_fleet.push("Empty the shop")
        hold = await until_hold(small_fleet, "EmptyRender")
        await small_fleet.controller.approve(hold.id, who="Ana", reason="it is meant")
        await small_fleet.until_phase("Synced")
        commit(small_fleet, namespace, color="blue")
        await small_fleet.until_revision(await small_fleet.push("Open it again"))
        small_fleet.repository.write("shop/all.yaml", "# nothing any more")
        await small_fleet.push("Empty the shop again")
        await until_hold(small_fleet, "EmptyRender")


async def test_an_empty_render_that_is_reverted_needs_no_approval(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["dev"], namespace)
        small_fleet.repository.write("shop/all.yaml", "# nothing any more")
        await small_fleet.push("Empty the shop")
        await until_hold(small_fleet, "EmptyRender")
        small_fleet.repository.git("revert", "--no-edit", "HEAD")
        await small_fleet.push("And go on")
        await small_fleet.until_phase("Synced")

        async def is_over() -> bool:
            return not small_fleet.controller.holds()

        await eventually(is_over, "no hold")

    assert await writes.seen() == []


async def test_an_unknown_hold_is_refused_with_the_nearest_name(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        controller = small_fleet.controller
        with pytest.raises(UnknownName) as without_any:
            await controller.approve("hold-0123456789", who="Ana", reason="?")
        hold = await controller.suspend(SHOP, who="Ana", reason="lunch", until=tomorrow())
        with pytest.raises(UnknownName) as with_one:
            await controller.approve(hold.id[:-1] + "x", who="Ana", reason="?")
        with pytest.raises(UnknownName) as of_another:
            await controller.suspend(
                Ref("default", "shoop"), who="Ana", reason="?", until=tomorrow()
            )

    assert str(without_any.value) == "there is no hold hold-0123456789; see shoal get holds"
    assert with_one.value.next_step == f"did you mean {hold.id}?"
    assert of_another.value.next_step == "did you mean default/shop?"


async def test_resuming_what_is_not_suspended_says_so(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    commit(small_fleet, namespace, color="blue")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        with pytest.raises(UnknownName) as refused:
            await small_fleet.controller.resume(SHOP, who="Ana", reason="?")

    assert refused.value.message == "application default/shop is not suspended"
