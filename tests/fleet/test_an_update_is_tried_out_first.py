"""What Git changes is tried out by a dry run: once per version, whole, or for showing alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fleet.harness import FleetUnderTest, Writes, config_map, deployment, path_of

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry
from shoal_clusters.controlplane.client import Client


def shop(namespace: str, *, color: str, replicas: int) -> list[Any]:
    return [
        config_map("settings", namespace, color=color),
        deployment("web", namespace, replicas=replicas),
    ]


def is_dry(entry: Entry) -> bool:
    return "dryRun=All" in entry.path


async def test_a_bad_update_is_refused_on_one_cluster_and_written_on_none(
    fleet: FleetUnderTest,
    namespace: str,
    admins: Mapping[str, Client],
    clusters: Mapping[str, ControlPlane],
) -> None:
    fleet.repository.write("shop/all.yaml", *shop(namespace, color="blue", replicas=1))
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        writes = {
            name: await Writes.since_now(cluster, namespace) for name, cluster in clusters.items()
        }
        fleet.repository.write("shop/all.yaml", *shop(namespace, color="red", replicas=-1))
        await fleet.push("Break the shop")
        await fleet.until_phase("Failed")
        views = [fleet.target("shop", name) for name in clusters]
        live = [
            await each.get(path_of(config_map("settings", namespace))) for each in admins.values()
        ]
    sent = {name: await each.sent() for name, each in writes.items()}

    assert [each["data"] for each in live] == [{"color": "blue"}] * 3
    assert all(is_dry(entry) for entries in sent.values() for entry in entries)
    assert sorted(len(entries) for entries in sent.values()) == [0, 0, 2]
    assert all(view is not None and "spec.replicas" in view.message for view in views)


async def test_all_or_nothing_writes_nothing_when_one_object_is_refused(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    small_fleet.declare_application("shop", sync={"failure": "AllOrNothing"})
    good, bad = shop(namespace, color="blue", replicas=-1)
    small_fleet.repository.write("shop/all.yaml", good, bad)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Failed")
        before = await admin.find(path_of(good))
        small_fleet.repository.write("shop/all.yaml", *shop(namespace, color="blue", replicas=1))
        await small_fleet.until_revision(await small_fleet.push("Mend it"))
        after = await admin.find(path_of(good))

    assert before is None
    assert after is not None


async def test_by_default_a_first_sync_writes_what_is_good_and_tells_all_that_is_not(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    good, bad = shop(namespace, color="blue", replicas=-1)
    worse = deployment("worse", namespace, replicas=-2)
    small_fleet.repository.write("shop/all.yaml", good, bad, worse)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Failed")
        view = small_fleet.target("shop", "dev")
        live = await admin.find(path_of(good))

    assert live is not None
    assert view is not None
    assert [each.object for each in view.problems] == [
        f"Deployment.apps {namespace}/web",
        f"Deployment.apps {namespace}/worse",
    ]


async def test_what_is_only_observed_is_shown_and_never_written(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    small_fleet.declare_application("shop", sync={"mode": "Observe", "whenAlreadyExists": "Adopt"})
    theirs = config_map("settings", namespace, color="blue")
    await admin.create(path_of(theirs).rpartition("/")[0], theirs)
    before = await admin.get(path_of(theirs))
    writes = await Writes.since_now(clusters["dev"], namespace)
    small_fleet.repository.write("shop/all.yaml", *shop(namespace, color="red", replicas=1))
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Differs")
        view = small_fleet.target("shop", "dev")
        after = await admin.get(path_of(theirs))

    assert after == before
    assert all(is_dry(entry) for entry in await writes.sent())
    assert view is not None
    assert f"adopt ConfigMap {namespace}/settings" in view.message
    assert f"create Deployment.apps {namespace}/web" in view.message
