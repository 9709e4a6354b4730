"""The cold row: the first sync of everything, from the push to the last answer, beside the floor.

Both are sent to the same API servers, in turn, each time into new namespaces. Writes and other
requests are counted from the audit logs by user; walls are taken from the audit logs too, so that
neither side measures itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio

from bench.controller import USER, Controller, running
from bench.reading import Request, cpu_seconds, median, read_requests
from bench.workload import Size, application_names, namespaces, objects_of
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.local import Fleet

IN_FLIGHT = 16
FLOOR_USER = "floor"
DEADLINE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """One measured pair of runs; seconds, and requests as counted by the API servers."""

    writes: int
    other_requests: int
    wall: float
    cpu: float
    server_cpu: float
    floor_wall: float
    floor_cpu: float
    floor_server_cpu: float


async def measure(fleet: Fleet, folder: Path, size: Size, repeats: int) -> dict[str, object]:
    """The keys `cold.*`, each with its median and all repeats."""
    done = [await _repeat(fleet, folder / f"cold-{index}", size, index) for index in range(repeats)]
    per_cluster = size.clusters
    return {
        "cold.writes_per_object": _figure([one.writes / size.total for one in done]),
        "cold.other_requests_per_cluster": _figure(
            [one.other_requests / per_cluster for one in done]
        ),
        "cold.wall_seconds": _figure([one.wall for one in done]),
        "cold.floor_wall_seconds": _figure([one.floor_wall for one in done]),
        "cold.wall_over_floor": _figure([one.wall / one.floor_wall for one in done]),
        "cold.cpu_over_floor": _figure([one.cpu / one.floor_cpu for one in done]),
        "cold.server_cpu_over_floor": _figure(
            [one.server_cpu / one.floor_server_cpu for one in done]
        ),
    }


def _figure(values: Sequence[float]) -> dict[str, object]:
    rounded = [round(value, 3) for value in values]
    return {"median": round(median(values), 3), "repeats": rounded}


async def _repeat(fleet: Fleet, folder: Path, size: Size, index: int) -> Repeat:
    """The floor and Shoal, in turn; every other time the other way round."""
    await anyio.Path(folder).mkdir(parents=True)
    clusters = fleet.clusters
    prefixes = {FLOOR_USER: f"floor-{index}", USER: f"shoal-{index}"}
    for prefix in prefixes.values():
        await _create_namespaces(clusters, namespaces(size, prefix))

    async def floor() -> tuple[float, float, float]:
        return await _measure_floor(fleet, folder, size, prefixes[FLOOR_USER])

    async def shoal() -> tuple[int, int, float, float, float]:
        return await _measure_shoal(fleet, folder, size, prefixes[USER])

    if index % 2:
        ours, bare = await shoal(), await floor()
    else:
        bare, ours = await floor(), await shoal()
    return Repeat(*ours, *bare)


async def _create_namespaces(clusters: Mapping[str, ControlPlane], names: Sequence[str]) -> None:
    for cluster in clusters.values():
        async with cluster.client() as client:
            for name in names:
                metadata = {"name": name}
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
                await client.create("/api/v1/namespaces", body)


async def _measure_floor(
    fleet: Fleet, folder: Path, size: Size, prefix: str
) -> tuple[float, float, float]:
    bodies = [
        body
        for namespace in namespaces(size, prefix)
        for body in objects_of(namespace, size.objects)
    ]
    accesses = [cluster.access(FLOOR_USER) for cluster in fleet.clusters.values()]
    order = {
        "in_flight": IN_FLIGHT,
        "bodies": bodies,
        "clusters": [
            {"server": each.server, "token": each.token, "ca_file": str(cluster.ca_file)}
            for each, cluster in zip(accesses, fleet.clusters.values(), strict=True)
        ],
    }
    await anyio.Path(folder / "floor.json").write_text(json.dumps(order))
    servers = _server_pids(fleet)
    before = cpu_seconds(servers)
    done = await anyio.run_process(
        [sys.executable, "-m", "bench.floor", str(folder / "floor.json")], stderr=None
    )
    spent = json.loads(done.stdout)
    return spent["wall"], spent["cpu"], cpu_seconds(servers) - before


async def _measure_shoal(
    fleet: Fleet, folder: Path, size: Size, prefix: str
) -> tuple[int, int, float, float, float]:
    starts = _log_ends(fleet)
    async with running(folder, f"bench-{prefix}", fleet.clusters, size) as controller:
        await _write_applications(controller, size, prefix)
        servers = _server_pids(fleet)
        cpu, server_cpu = cpu_seconds(controller.pids), cpu_seconds(servers)
        await anyio.to_thread.run_sync(controller.repository.git, "push", "-q", "origin", "main")
        pushed = datetime.now(UTC)
        await controller.announce()
        requests = await _until_written(fleet, starts, size)
        spent = cpu_seconds(controller.pids) - cpu, cpu_seconds(servers) - server_cpu
    writes = [one for one in requests if one.is_write and one.code in (200, 201)]
    last = max(one.answered for one in writes)
    every = _requests_of(fleet, starts, USER)
    refused = sum(one.is_write for one in every) - len(writes)
    others = sum(not one.is_write for one in every)
    return len(writes) + refused, others, (last - pushed).total_seconds(), *spent


async def _write_applications(controller: Controller, size: Size, prefix: str) -> None:
    def write() -> None:
        for name, namespace in zip(application_names(size), namespaces(size, prefix), strict=True):
            controller.repository.write(name, objects_of(namespace, size.objects))
        controller.repository.commit("Fill the applications")

    await anyio.to_thread.run_sync(write)


async def _until_written(fleet: Fleet, starts: Mapping[str, int], size: Size) -> list[Request]:
    """Wait until the API servers have answered a write of every object."""
    with anyio.fail_after(DEADLINE_SECONDS):
        while True:
            await anyio.sleep(0.25)
            requests = await anyio.to_thread.run_sync(_requests_of, fleet, starts, USER)
            if sum(one.is_write and one.code in (200, 201) for one in requests) >= size.total:
                return requests


def _requests_of(fleet: Fleet, starts: Mapping[str, int], user: str) -> list[Request]:
    return [
        request
        for name, cluster in fleet.clusters.items()
        for request in read_requests(cluster.audit_log, starts[name])
        if request.user == user
    ]


def _log_ends(fleet: Fleet) -> dict[str, int]:
    return {name: each.audit_log.stat().st_size for name, each in fleet.clusters.items()}


def _server_pids(fleet: Fleet) -> list[int]:
    running = [cluster.pid for cluster in fleet.clusters.values()]
    return [pid for pid in (*running, fleet.etcd.process.pid) if pid is not None]
