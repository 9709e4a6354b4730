"""Plays what a local control plane does not have, so that workloads become healthy and Jobs end.

Without controllers it watches every kind of workload and patches the status each object should
have (`workloads`); it makes no Pods and deletes nothing. With real controllers it is a node and
its scheduler only (`node_simulator`). It acts as a user of its own (`workload-simulator`, so that
audit logs tell its requests from ours). A cluster that is away is tried again until it is back, and
never holds up another. It is no part of `shoal run`; tests and the demo open it as a block, `shoal
cluster local up` starts it as a program:
`python -m shoal_clusters.controlplane.workload_simulator KUBECONFIG [--node-only]`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client, connect
from shoal_clusters.controlplane.following import follow_for_ever, timestamp
from shoal_clusters.controlplane.kubeconfig import Access, read_kubeconfig
from shoal_clusters.controlplane.node_simulator import simulate_node
from shoal_clusters.controlplane.workloads import WORKLOADS, Workload, missing_status

USER = "workload-simulator"
NODE_ONLY = "--node-only"


@asynccontextmanager
async def simulated_workloads(clusters: Iterable[ControlPlane]) -> AsyncIterator[None]:
    """Workloads on these clusters become healthy while the block lasts."""
    async with anyio.create_task_group() as group:
        for cluster in clusters:
            group.start_soon(_simulate_cluster, cluster.access(USER), cluster.has_controllers)
        yield
        group.cancel_scope.cancel()


async def simulate_workloads(accesses: Iterable[Access], *, have_controllers: bool) -> None:
    """Make workloads healthy until cancelled."""
    async with anyio.create_task_group() as group:
        for access in accesses:
            group.start_soon(_simulate_cluster, access, have_controllers)


async def _simulate_cluster(access: Access, has_controllers: bool) -> None:
    async with connect(access) as client, anyio.create_task_group() as group:
        if has_controllers:
            group.start_soon(simulate_node, client, USER)
            return
        for workload in WORKLOADS:
            treat = partial(_treat, client, workload)
            group.start_soon(follow_for_ever, client, workload.collection, treat)


async def _treat(client: Client, workload: Workload, body: Mapping[str, Any]) -> None:
    status = missing_status(workload, body, timestamp())
    if status is None:
        return
    # With the version that was read: a status must not answer a generation it has not seen.
    patch = {
        "metadata": {"resourceVersion": body["metadata"]["resourceVersion"]},
        "status": status,
    }
    await client.patch(workload.path_of(body), patch, fieldManager=USER)


if __name__ == "__main__":
    kubeconfig, *options = sys.argv[1:]
    simulate = partial(simulate_workloads, have_controllers=NODE_ONLY in options)
    try:
        anyio.run(simulate, read_kubeconfig(Path(kubeconfig)))
    except KeyboardInterrupt:
        sys.exit(130)
