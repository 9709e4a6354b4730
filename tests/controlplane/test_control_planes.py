"""Local API servers are real, tell users apart, and can be killed, paused and brought back."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import anyio
import pytest
from anyio import to_thread

from shoal.errors import ClusterUnreachable
from shoal_clusters.controlplane import processes
from shoal_clusters.controlplane.apiserver import ControlPlane, prepare_control_plane
from shoal_clusters.controlplane.audit import audit_position, count_requests, read_audit_log
from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.client import AnsweredError, connect
from shoal_clusters.controlplane.fixtures import CreateNamespace, StartVictim
from shoal_clusters.controlplane.kubeconfig import read_kubeconfig
from shoal_clusters.controlplane.local import local_fleet
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.controlplane.processes import command_of
from shoal_clusters.controlplane.waiting import wait_until

pytestmark = pytest.mark.real
Clusters = Mapping[str, ControlPlane]


def config_map(namespace: str, name: str = "settings") -> tuple[str, dict[str, object]]:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"colour": "blue"},
    }
    return f"/api/v1/namespaces/{namespace}/configmaps/{name}", body


async def test_every_cluster_has_its_own_objects(clusters: Clusters, namespace: str) -> None:
    path, body = config_map(namespace)

    async with clusters["dev"].client() as dev, clusters["prod"].client() as prod:
        await dev.apply(path, body, manager="test")

        assert await dev.find(path) is not None
        assert await prod.find(path) is None


async def test_namespaces_are_new_each_time(
    clusters: Clusters, create_namespace: CreateNamespace
) -> None:
    first, second = await create_namespace(), await create_namespace()

    assert first != second
    for cluster in clusters.values():
        async with cluster.client() as client:
            assert await client.find(f"/api/v1/namespaces/{first}") is not None


async def test_the_audit_log_counts_requests_by_user_and_verb(
    clusters: Clusters, namespace: str
) -> None:
    cluster = clusters["staging"]
    path, body = config_map(namespace)
    before = await audit_position(cluster.audit_log)

    async with cluster.client("shoal") as shoal, cluster.client() as admin:
        await shoal.apply(path, body, manager="shoal")
        await shoal.apply(path, body, manager="shoal")
        await admin.delete(path)

    async def is_logged() -> bool:
        counted = count_requests(await read_audit_log(cluster.audit_log, since=before))
        return counted["shoal", "patch"] == 2 and counted["kubernetes-admin", "delete"] == 1

    assert await wait_until(is_logged, seconds=5)


async def test_a_user_without_rights_is_refused(clusters: Clusters, namespace: str) -> None:
    path, _ = config_map(namespace)

    async with clusters["dev"].client("guest") as guest:
        with pytest.raises(AnsweredError) as refused:
            await guest.get(path)

    assert refused.value.code == 403


async def test_the_kubeconfig_leads_to_every_cluster(clusters: Clusters) -> None:
    folder = clusters["dev"].folder.parent
    accesses = await to_thread.run_sync(read_kubeconfig, folder / "kubeconfig")

    assert [access.cluster for access in accesses] == list(clusters)
    for access in accesses:
        async with connect(access) as client:
            assert (await client.get("/version"))["gitVersion"].startswith("v1.")


def test_a_kubeconfig_is_for_its_owner_only(clusters: Clusters) -> None:
    assert (clusters["dev"].kubeconfig.stat().st_mode & 0o077) == 0


async def test_a_killed_server_comes_back_with_its_data(start_victim: StartVictim) -> None:
    victim = await start_victim("killed")
    path, body = config_map("default")
    async with victim.client() as client:
        await client.apply(path, body, manager="test")

    await victim.kill()
    with pytest.raises(aiohttp.ClientConnectionError):
        await read(victim, path)
    await victim.start()

    assert (await read(victim, path))["data"] == {"colour": "blue"}


async def test_a_paused_server_answers_nothing_until_it_goes_on(start_victim: StartVictim) -> None:
    victim = await start_victim("paused")

    victim.pause()
    with anyio.move_on_after(0.5) as patience:
        await read(victim, "/version")
    victim.resume()

    assert patience.cancelled_caught
    assert await read(victim, "/version")


async def test_a_server_may_come_back_with_a_certificate_nobody_trusts(
    start_victim: StartVictim,
) -> None:
    victim = await start_victim("renewed")
    old = victim.access()

    await victim.restart(authority=create_authority("somebody else"))

    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        async with connect(old) as client:
            await client.get("/version")
    assert await read(victim, "/version")


async def test_a_server_may_come_back_and_know_its_users_no_more(start_victim: StartVictim) -> None:
    victim = await start_victim("forgetful")
    old = victim.access("shoal")

    await victim.change_users({"shoal": ("system:masters",)})
    await victim.restart()

    async with connect(old) as client:
        with pytest.raises(AnsweredError) as refused:
            await client.get("/api/v1/namespaces")
    assert refused.value.code == 401


async def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    clusters: Clusters, tmp_path: Path
) -> None:
    working = clusters["dev"]
    folder = tmp_path / "broken"
    server = f"https://127.0.0.1:{free_port()}"
    prepare = partial(prepare_control_plane, folder, name="broken", server=server, users={})
    accesses = await to_thread.run_sync(prepare)
    await anyio.Path(folder / "audit-policy.yaml").write_text("kind: Nonsense")
    broken = replace(
        working, name="broken", server=server, folder=folder, accesses=accesses, process=None
    )

    with pytest.raises(
        ClusterUnreachable, match=r"(?s)ended while starting.*audit-policy"
    ) as error:
        await broken.start()

    assert "apiserver.log" in error.value.next_step
    assert broken.pid is None


async def test_a_fleet_leaves_nothing_behind(tmp_path: Path) -> None:
    async with local_fleet(tmp_path / "fleet", ["one"]) as fleet:
        server, etcd = fleet.clusters["one"].process, fleet.etcd.process
        assert server is not None
        assert server.is_alive()
        assert etcd.is_alive()

    assert not server.is_alive()
    assert not etcd.is_alive()
    assert not (tmp_path / "fleet").exists()


async def test_a_cancelled_fleet_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"

    async def hold() -> None:
        async with local_fleet(folder, ["one"]):
            await anyio.sleep_forever()

    async def is_starting() -> bool:
        return await anyio.Path(folder / "one" / "apiserver.log").exists()

    task = asyncio.create_task(hold())
    assert await wait_until(is_starting, seconds=30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not folder.exists()


async def test_a_program_whose_start_was_cancelled_is_ended_and_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = threading.Event(), threading.Event()
    started: list[processes.Running] = []
    start = processes._start_attached

    def start_slowly(command: list[str], log: Path) -> processes.Running:
        begun.set()
        may_go_on.wait(30)
        started.append(start(command, log))
        return started[0]

    monkeypatch.setattr(processes, "_start_attached", start_slowly)
    log = tmp_path / "sleep.log"
    task = asyncio.create_task(processes.start_program(["sleep", "60"], log=log, is_detached=False))
    assert await anyio.to_thread.run_sync(begun.wait, 30)
    task.cancel()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not started[0].is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_fleet_dies_with_its_killed_owner(clusters: Clusters, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    program = f"""
import anyio, pathlib
from shoal_clusters.controlplane.local import local_fleet
async def hold():
    async with local_fleet(pathlib.Path({str(folder)!r}), ["one"]) as fleet:
        print(fleet.etcd.process.pid, fleet.clusters["one"].pid, flush=True)
        await anyio.sleep_forever()
anyio.run(hold)
"""
    async with await anyio.open_process([sys.executable, "-c", program]) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in (await owner.stdout.receive()).split()]
        assert await are_running(pids, folder)
        owner.kill()

    async def are_gone() -> bool:
        return not await are_running(pids, folder)

    assert await wait_until(are_gone, seconds=5)


async def are_running(pids: list[int], folder: Path) -> bool:
    commands = [await to_thread.run_sync(command_of, pid) for pid in pids]
    return any(str(folder) in command for command in commands)


async def read(cluster: ControlPlane, path: str) -> dict[str, object]:
    async with cluster.client() as client:
        return await client.get(path)
