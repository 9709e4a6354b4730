"""Plays the controllers and kubelets that a local control plane does not have.

Without them no workload ever becomes healthy and no Job ends. This watches every kind of workload
on every cluster given, as a user of its own (`workload-simulator`, so that audit logs tell its
requests from ours), and patches the status each object should have (`workloads`). It makes no Pods
and deletes nothing. A cluster that is away is tried again until it is back, and never holds up
another. It is no part of `shoal run`; tests and the demo open it as a block, `shoal cluster local
up` starts it as a program: `python -m shoal_clusters.controlplane.workload_simulator KUBECONFIG`.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError, Client, connect
from shoal_clusters.controlplane.kubeconfig import Access, read_kubeconfig
from shoal_clusters.controlplane.workloads import WORKLOADS, Workload, missing_status

USER = "workload-simulator"
_AGAIN_SECONDS = 0.5  # a cluster that is away: soon, but not in a busy loop
_IS_NO_MORE = frozenset({404, 409, 410})  # changed or gone meanwhile: the watch tells


@asynccontextmanager
async def simulated_workloads(clusters: Iterable[ControlPlane]) -> AsyncIterator[None]:
    """Workloads on these clusters get a status while the block lasts."""
    accesses = [cluster.access(USER) for cluster in clusters]
    async with anyio.create_task_group() as group:
        group.start_soon(simulate_workloads, accesses)
        yield
        group.cancel_scope.cancel()


async def simulate_workloads(accesses: Iterable[Access]) -> None:
    """Give workloads their status until cancelled."""
    async with anyio.create_task_group() as group:
        for access in accesses:
            group.start_soon(_simulate_cluster, access)


async def _simulate_cluster(access: Access) -> None:
    async with connect(access) as client, anyio.create_task_group() as group:
        for workload in WORKLOADS:
            group.start_soon(_simulate_kind, client, workload)


async def _simulate_kind(client: Client, workload: Workload) -> None:
    while True:
        try:
            await _follow(client, workload)
        except (aiohttp.ClientError, TimeoutError, AnsweredError):
            await anyio.sleep(_AGAIN_SECONDS)


async def _follow(client: Client, workload: Workload) -> None:
    """Treat all objects of a kind, then each that changes, until the server ends the watch."""
    listed = await client.get(workload.collection)
    for body in listed["items"]:
        await _treat(client, workload, body)
    version = listed["metadata"]["resourceVersion"]
    while True:
        async for event in client.watch(workload.collection, version):
            if event["type"] == "ERROR":
                return  # usually: the version is too old; list again
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] in ("ADDED", "MODIFIED"):
                await _treat(client, workload, event["object"])


async def _treat(client: Client, workload: Workload, body: Mapping[str, Any]) -> None:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = missing_status(workload, body, now)
    if status is None:
        return
    # With the version that was read: a status must not answer a generation it has not seen.
    patch = {
        "metadata": {"resourceVersion": body["metadata"]["resourceVersion"]},
        "status": status,
    }
    try:
        await client.patch(workload.path_of(body), patch, fieldManager=USER)
    except AnsweredError as error:
        if error.code not in _IS_NO_MORE:
            raise


if __name__ == "__main__":
    try:
        anyio.run(simulate_workloads, read_kubeconfig(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
