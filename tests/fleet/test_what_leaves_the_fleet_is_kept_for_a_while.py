"""What leaves the fleet stays in the clusters for a while, or until a person says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tests.fleet.harness import FleetUnderTest, Writes, config_map, deployment, eventually, path_of

from shoal.engine.views.changes import HoldView
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

SHOP = "application-shop.yaml"
TARGET = "default/shop@dev"


def open_the_shop(fleet: FleetUnderTest, namespace: str) -> None:
    fleet.repository.write(
        "shop/all.yaml", config_map("settings", namespace), deployment("web", namespace)
    )
    fleet.repository.commit("Open the shop")


async def until_hold(fleet: FleetUnderTest, cluster: str = "dev") -> HoldView:
    def look() -> HoldView | None:
        subject = f"default/shop@{cluster}"
        holds = [hold for hold in fleet.controller.holds() if hold.subject == subject]
        return holds[0] if holds else None

    hold = await fleet.until(look, f"a hold of shop on {cluster}")
    assert isinstance(hold, HoldView)
    return hold


async def until_gone(fleet: FleetUnderTest, cluster: str = "dev") -> None:
    await fleet.until(lambda: fleet.target("shop", cluster) is None, f"shop gone from {cluster}")


async def test_a_removed_application_keeps_its_objects_and_says_what_releases_them(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    """fluxcd/flux2#2421: to rename what deploys, it was removed, and all it had deployed went."""
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["dev"], namespace)
        small_fleet.remove(SHOP)
        await small_fleet.until_phase("Removing")
        hold = await until_hold(small_fleet)
        (application,) = small_fleet.controller.applications()
        view = small_fleet.target("shop", "dev")
        live = await admin.find(path_of(config_map("settings", namespace)))

    assert hold.cause == "Removing"
    assert hold.release == f"shoal approve {hold.id} --reason …"
    assert hold.until == hold.since + timedelta(minutes=10)
    assert hold.reason == (
        f"2 objects of default/shop will be deleted from cluster dev at {hold.until:%F %T} UTC, "
        "because application default/shop was removed from the fleet; until then they are kept, "
        "and putting it back undoes that"
    )
    assert view is not None
    assert (view.message, view.next_step) == (hold.reason, hold.release)
    assert (application.phase, application.holds) == ("Removing", [hold.id])
    assert live is not None
    assert await writes.seen() == []


async def test_an_application_that_is_put_back_goes_on_as_if_nothing_had_been(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["dev"], namespace)
        small_fleet.remove(SHOP)
        await small_fleet.until_phase("Removing")
        small_fleet.declare_application("shop")
        await small_fleet.until_phase("Synced")
        holds = small_fleet.controller.holds()
        (released,) = await small_fleet.until_recorded(Deed.HOLD_RELEASED, TARGET)

    assert holds == []
    assert released.why == "it is wanted again"
    assert await writes.seen() == []


async def test_an_approved_removal_deletes_and_says_who_wanted_it_and_why(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.remove(SHOP)
        hold = await until_hold(small_fleet)
        await small_fleet.controller.approve(hold.id, who="Ana", reason="the shop is closed")
        await until_gone(small_fleet)
        live = await admin.get(f"/api/v1/namespaces/{namespace}/configmaps")
        workloads = await admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")
        (approved,) = await small_fleet.until_recorded(Deed.HOLD_RELEASED, TARGET)
        (deleted,) = await small_fleet.records(Deed.TARGET_REMOVED, TARGET)
        await small_fleet.until_recorded(Deed.TARGET_RELEASED, TARGET)
        applications = small_fleet.controller.applications()

    assert (live["items"], workloads["items"]) == ([], [])
    assert applications == []
    assert (approved.who, approved.why) == ("Ana", "the shop is closed")
    assert deleted.who == "Ana"
    assert deleted.why == "application default/shop was removed from the fleet"
    assert deleted.body["counts"] == {"deleted": 2}


async def test_a_lost_placement_is_held_on_that_cluster_alone(
    fleet: FleetUnderTest, namespace: str, admins: Mapping[str, Client]
) -> None:
    open_the_shop(fleet, namespace)
    async with fleet.running():
        await fleet.until_phase("Synced")
        selector = {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}
        fleet.declare_application("shop", placement={"clusterSelector": selector})
        await fleet.until_phase("Removing", clusters=["prod"])
        await fleet.until_phase("Synced", clusters=["dev", "staging"])
        hold = await until_hold(fleet, "prod")
        holds = fleet.controller.holds()
        await fleet.controller.approve(hold.id, who="Ana", reason="not in prod")
        await until_gone(fleet, "prod")
        path = path_of(config_map("settings", namespace))
        live = {name: await admin.find(path) is not None for name, admin in admins.items()}

    assert [each.id for each in holds] == [hold.id]
    assert "application default/shop is not placed on prod any more" in hold.reason
    assert live == {"dev": True, "staging": True, "prod": False}


async def test_a_cluster_without_document_is_let_go_and_nothing_is_deleted_on_it(
    fleet: FleetUnderTest,
    namespace: str,
    admins: Mapping[str, Client],
    clusters: Mapping[str, ControlPlane],
) -> None:
    open_the_shop(fleet, namespace)
    async with fleet.running():
        await fleet.until_phase("Synced")
        writes = await Writes.since_now(clusters["prod"], namespace)
        fleet.remove("cluster-prod.yaml")
        await until_gone(fleet, "prod")
        (record,) = await fleet.until_recorded(Deed.CLUSTER_LET_GO)
        holds = fleet.controller.holds()
        names = [view.name for view in fleet.controller.clusters()]
        live = await admins["prod"].find(path_of(config_map("settings", namespace)))
        await fleet.until_phase("Synced", clusters=["dev", "staging"])

    assert record.subject == "cluster prod"
    assert "nothing was deleted" in record.why
    assert holds == []
    assert names == ["dev", "staging"]
    assert live is not None
    assert await writes.seen() == []


async def test_a_cluster_that_comes_back_is_known_and_what_left_git_meanwhile_is_pruned(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    one, two = config_map("one", namespace), config_map("two", namespace)
    small_fleet.repository.write("shop/all.yaml", one, two)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.remove("cluster-dev.yaml")
        await until_gone(small_fleet)
    small_fleet.repository.write("shop/all.yaml", one)
    revision = small_fleet.repository.commit("Remove two")
    async with small_fleet.running():
        await small_fleet.until(lambda: small_fleet.controller.fleet().applications, "the fleet")
        writes = await Writes.since_now(clusters["dev"], namespace)
        small_fleet.declare_cluster(clusters["dev"])
        await small_fleet.until_revision(revision)
        entries = await writes.at_least(1)
        left = await admin.find(path_of(two))

    assert [(entry.verb, entry.name) for entry in entries] == [("delete", "two")]
    assert left is None


async def test_a_removal_outlives_a_restart(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.remove(SHOP)
        before = await until_hold(small_fleet)
    async with small_fleet.running():
        await small_fleet.until_phase("Removing")
        after = await until_hold(small_fleet)
        kept = await admin.find(path_of(config_map("settings", namespace)))
        await small_fleet.controller.approve(after.id, who="Ana", reason="the shop is closed")
        await until_gone(small_fleet)
        left = await admin.find(path_of(config_map("settings", namespace)))
    async with small_fleet.running():
        await small_fleet.until_recorded(Deed.CLUSTER_CONNECTED, count=3)
        applications = small_fleet.controller.applications()

    assert after == before
    assert kept is not None
    assert left is None
    assert applications == []


async def test_an_approval_given_just_before_a_stop_is_carried_out_after_the_start(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        small_fleet.remove(SHOP)
        hold = await until_hold(small_fleet)
        await small_fleet.controller.approve(hold.id, who="Ana", reason="the shop is closed")
    async with small_fleet.running():
        await small_fleet.until(
            lambda: small_fleet.controller.fleet().ready == "True", "the fleet was read"
        )
        await until_gone(small_fleet)

        async def is_gone() -> bool:
            return await admin.find(path_of(config_map("settings", namespace))) is None

        await eventually(is_gone, "settings gone")


async def test_an_application_that_is_removed_while_nobody_looks_is_held_at_the_start(
    small_fleet: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
    small_fleet.remove(SHOP)
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        await until_hold(small_fleet)
        await small_fleet.until_phase("Removing")

    assert await writes.seen() == []


async def test_an_application_that_never_came_to_own_anything_can_be_removed(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    stranger = config_map("settings", namespace, owner="somebody else")
    await admin.create(f"/api/v1/namespaces/{namespace}/configmaps", stranger)
    small_fleet.repository.write("shop/all.yaml", stranger)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Failed")
        small_fleet.remove(SHOP)
        hold = await until_hold(small_fleet)
        await small_fleet.controller.approve(hold.id, who="Ana", reason="it never was")
        await until_gone(small_fleet)
        live = await admin.get(path_of(stranger))

    assert live["data"] == {"owner": "somebody else"}
    assert "labels" not in live["metadata"]


async def test_what_is_to_stay_is_nobodys_and_can_be_adopted_again(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    path = path_of(config_map("settings", namespace))
    small_fleet.declare_application("shop", sync={"whenApplicationRemoved": "Orphan"})
    open_the_shop(small_fleet, namespace)
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        before = await admin.get(path)
        small_fleet.remove(SHOP)
        hold = await until_hold(small_fleet)
        await small_fleet.controller.approve(hold.id, who="Ana", reason="another tool has it now")
        await until_gone(small_fleet)
        left = await admin.get(path)
        workloads = await admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")
        (let_go,) = await small_fleet.until_recorded(Deed.TARGET_REMOVED, TARGET)
        small_fleet.declare_application("shop", sync={"whenAlreadyExists": "AdoptIfNoDiff"})
        await small_fleet.until_phase("Synced")
        after = await admin.get(path)

    assert "will be left in cluster dev as nobody's" in hold.reason
    assert not {*left["metadata"].get("labels", {}), *left["metadata"].get("annotations", {})}
    assert len(workloads["items"]) == 1
    assert (let_go.who, let_go.body["counts"]) == ("Ana", {"forgotten": 2})
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert {each["metadata"]["uid"] for each in (before, left, after)} == {
        before["metadata"]["uid"]
    }
