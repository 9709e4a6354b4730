"""A cluster that is killed, hangs, refuses or is not trusted: the others go on, and it comes back.

One API server of its own may be ill-treated; every test leaves it running and trusted.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import anyio.to_thread
import pytest
from tests.fleet.harness import FleetUnderTest, config_map, path_of

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.clusters import ClusterView
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.planning.circuits import Timing
from shoal_clusters.controlplane.apiserver import USERS, ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.fixtures import flavour_under_test
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig
from shoal_clusters.controlplane.local import start_fleet

# The order of events is what is tested, not how long people wait for it.
HASTY = Timing(
    probe_interval=timedelta(seconds=1),
    probe_timeout=timedelta(seconds=2),
    recheck=timedelta(milliseconds=200),
)
HEALTHY = ("dev", "staging")


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with an etcd of its own, for the tests of this file."""
    folder = tmp_path_factory.mktemp("victim") / "fleet"
    with ThreadPoolExecutor(max_workers=1) as thread:  # no loop of a test may be in its way
        starting = start_fleet(folder, ["victim"], flavour=flavour_under_test())
        started = thread.submit(asyncio.run, starting).result()
        yield started.clusters["victim"]
        thread.submit(asyncio.run, started.stop()).result()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
async def _left_as_it_was(victim: ControlPlane) -> AsyncIterator[None]:
    """A test that failed halfway fails no other."""
    yield
    victim.resume()
    if victim.pid is None:
        await victim.start()
    await anyio.to_thread.run_sync(renew_kubeconfig, victim)


@pytest.fixture
def fleet(
    make_fleet: Callable[[Mapping[str, ControlPlane]], FleetUnderTest],
    clusters: Mapping[str, ControlPlane],
    victim: ControlPlane,
) -> FleetUnderTest:
    """Two clusters that are well, the victim, and a controller that probes hastily."""
    made = make_fleet({**{name: clusters[name] for name in HEALTHY}, "victim": victim})
    made.timing = HASTY
    return made


@asynccontextmanager
async def running_in(fleet: FleetUnderTest, namespace: str) -> AsyncIterator[str]:
    """The controller over a shop that is blue on every cluster; its revision."""
    await create_namespace(fleet.clusters["victim"], namespace)
    paint(fleet, namespace, "blue")
    revision = fleet.repository.commit("Blue")
    async with fleet.running():
        await fleet.until_revision(revision)
        yield revision


async def create_namespace(cluster: ControlPlane, namespace: str) -> None:
    """The fixture made it on the session's clusters only."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    async with cluster.client() as admin:
        await admin.create("/api/v1/namespaces", body)


def paint(fleet: FleetUnderTest, namespace: str, color: str) -> None:
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color=color))


async def commit_to_the_healthy(fleet: FleetUnderTest, namespace: str, color: str) -> str:
    """Commit, and wait until everybody but the victim has it."""
    paint(fleet, namespace, color)
    revision = await fleet.push(color)
    await fleet.until_revision(revision, clusters=HEALTHY)
    return revision


async def color_on(cluster: ControlPlane, namespace: str) -> str:
    async with cluster.client() as admin:
        body = await admin.get(path_of(config_map("settings", namespace)))
    return str(body["data"]["color"])


async def until_victim(
    fleet: FleetUnderTest, holds: Callable[[ClusterView], bool], what: str
) -> ClusterView:
    def found() -> ClusterView | None:
        views = {view.name: view for view in fleet.controller.clusters()}
        return views["victim"] if "victim" in views and holds(views["victim"]) else None

    seen = await fleet.until(found, f"the victim {what}")
    assert isinstance(seen, ClusterView)
    return seen


async def test_a_killed_cluster_is_unknown_and_catches_up_when_it_is_back(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    async with running_in(fleet, namespace) as first:
        await victim.kill()
        await commit_to_the_healthy(fleet, namespace, "green")
        away = await until_victim(fleet, lambda view: view.circuit == "Open", "is given up")
        target = fleet.target("shop", "victim")
        await commit_to_the_healthy(fleet, namespace, "yellow")
        last = await commit_to_the_healthy(fleet, namespace, "red")
        await victim.start()
        await fleet.until_revision(last)
        back = await until_victim(fleet, lambda view: view.reachable == "True", "is back")
        color = await color_on(victim, namespace)
        lost = await fleet.records(Deed.CLUSTER_LOST, "cluster victim")

    assert away.reachable == "False"
    assert "cluster victim at https://127.0.0.1:" in away.message
    assert "see whether its API server runs" in away.next_step
    assert target is not None
    assert target.phase is TargetPhase.UNKNOWN
    assert target.message.startswith("Unknown since")
    assert first[:8] in target.message
    assert color == "red"
    assert (back.reason, back.circuit) == ("", "Closed")
    # Each trouble once: a machine under load may meet a second one, a probe that is late.
    assert len({each.why for each in lost}) == len(lost) >= 1


async def test_a_paused_cluster_is_not_noticed_by_the_others(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    async with running_in(fleet, namespace):
        victim.pause()
        try:
            paused_at = datetime.now(UTC)
            while_unnoticed = await commit_to_the_healthy(fleet, namespace, "green")
            synced = [fleet.target("shop", name) for name in HEALTHY]
            away = await until_victim(fleet, lambda view: view.reachable == "False", "is missed")
            last = await commit_to_the_healthy(fleet, namespace, "red")
        finally:
            resumed_at = datetime.now(UTC)
            victim.resume()
        after = [fleet.target("shop", name) for name in HEALTHY]
        await fleet.until_revision(last)
        color = await color_on(victim, namespace)

    times = [view.synced_at for view in (*synced, *after) if view is not None]
    assert while_unnoticed != last
    assert len(times) == 4
    assert all(at is not None and paused_at < at < resumed_at for at in times)
    assert "did not answer a probe within 2 s" in away.message
    assert "hangs" in away.next_step
    assert color == "red"


async def test_a_revoked_token_is_said_and_a_new_one_is_found(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    async with running_in(fleet, namespace):
        await victim.change_users(USERS)
        await victim.restart()
        try:
            denied = await until_victim(
                fleet, lambda view: view.authorized == "False", "refuses the token"
            )
            last = await commit_to_the_healthy(fleet, namespace, "green")
        finally:
            await anyio.to_thread.run_sync(renew_kubeconfig, victim)
        await fleet.until_revision(last)
        back = await until_victim(fleet, lambda view: view.authorized == "True", "is back")

    assert denied.reachable != "True"
    assert denied.reason == "Unauthenticated"
    assert denied.message == "cluster victim refused the credential (401)"
    assert denied.next_step.startswith("renew it where the Cluster's access reads it")
    assert back.reason == ""


async def test_a_certificate_waits_for_the_kubeconfig_unless_the_same_authority_signed_it(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    authority = await anyio.to_thread.run_sync(create_authority, "another authority")

    async with running_in(fleet, namespace):
        await victim.restart(authority=authority)
        try:
            untrusted = await until_victim(
                fleet, lambda view: "not trusted" in view.message, "is not trusted"
            )
            last = await commit_to_the_healthy(fleet, namespace, "green")
        finally:
            await anyio.to_thread.run_sync(renew_kubeconfig, victim)
        await fleet.until_revision(last)
        await victim.restart(authority=authority)
        paint(fleet, namespace, "red")
        await fleet.until_revision(await fleet.push("red"))
        trusted = await until_victim(fleet, lambda view: view.reachable == "True", "is back")

    assert untrusted.reachable == "False"
    assert "put that CA into the cluster's kubeconfig" in untrusted.next_step
    assert trusted.reason == ""


async def test_a_cluster_built_anew_at_the_same_address_is_held_and_gets_no_write(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    fleet.timing = replace(HASTY, probe_interval=timedelta(minutes=5))  # a write must find it out

    async with running_in(fleet, namespace):
        start = await audit_position(victim.audit_log)
        with rebuilt(victim):
            await victim.restart()
            held = await until_victim(
                fleet, lambda view: "shoal approve" in view.next_step, "is another one"
            )
            written = await writes_of_shoal(victim, start)
            await victim.stop()
        holds = [hold for hold in fleet.controller.holds() if hold.subject == "cluster victim"]
        await victim.start()
        await fleet.controller.sync(Ref("default", "shop"), clusters=None, who="ana")
        await until_victim(fleet, lambda view: view.reachable == "True", "is itself again")
        await fleet.until_revision(await commit_to_the_healthy(fleet, namespace, "green"))

    assert written == []
    assert [hold.cause for hold in holds] == ["IdentityChanged"]
    assert held.reason == "InvalidDocument"
    assert holds[0].release in held.next_step


@contextmanager
def rebuilt(victim: ControlPlane) -> Iterator[None]:
    """From its next start on it is a cluster that was just made, with the same certificates."""
    name, victim.name = victim.name, "built-anew"  # where etcd keeps what it has
    try:
        yield
    finally:
        victim.name = name


async def writes_of_shoal(victim: ControlPlane, start: int) -> list[str]:
    entries = await read_audit_log(victim.audit_log, since=start)
    reads = ("get", "list", "watch")
    return [each.path for each in entries if each.user == "shoal" and each.verb not in reads]


async def test_a_cluster_that_was_never_there_joins_when_it_comes_up(
    fleet: FleetUnderTest, namespace: str, victim: ControlPlane
) -> None:
    await create_namespace(victim, namespace)
    await victim.kill()
    paint(fleet, namespace, "blue")
    fleet.repository.commit("Blue")

    async with fleet.running():
        await fleet.until_phase("Synced", clusters=HEALTHY)
        refused = await until_victim(fleet, lambda view: view.reachable == "False", "is missed")
        target = fleet.target("shop", "victim")
        await victim.start()
        await fleet.until_phase("Synced")
        color = await color_on(victim, namespace)

    assert refused.message.endswith("connection refused")
    assert target is not None
    assert "never synced" in target.message
    assert color == "blue"


def renew_kubeconfig(victim: ControlPlane) -> None:
    """What whoever runs the cluster does: the file Shoal reads has what is true now."""
    write_kubeconfig(victim.folder / "kubeconfig-shoal", [victim.access("shoal")])
