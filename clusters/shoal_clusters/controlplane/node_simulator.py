"""Plays the scheduler and the kubelet of one node, for control planes with real controllers.

There Deployments, Jobs and the like make real Pods (`controllers`), and only what happens to Pods
is pretended: each is bound to the one node, runs or fails as `pods` decides, and is removed when it
is to be deleted. Every Pod fits; selectors, affinities and resources are not looked at. Entered by
`workload_simulator`, which plays more where there are no controllers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.following import (
    follow_for_ever,
    insist,
    timestamp,
    unbroken,
)
from shoal_clusters.controlplane.pods import (
    NODE,
    NODE_LABELS,
    controller_path,
    missing_pod_status,
    node_status,
    waits_for_a_node,
    waits_to_be_removed,
)

_NODES, _PODS = "/api/v1/nodes", "/api/v1/pods"


async def simulate_node(client: Client, manager: str) -> None:
    """Be the node of this cluster until cancelled; `manager` signs what is written."""
    await insist(lambda: unbroken(_register(client, manager)))
    await follow_for_ever(client, _PODS, partial(_treat, client, manager))


async def _register(client: Client, manager: str) -> None:
    """Be there and ready; one that an earlier simulator left is taken over."""
    metadata = {"name": NODE, "labels": NODE_LABELS}
    if await client.find(f"{_NODES}/{NODE}") is None:
        await client.create(_NODES, {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    # Every new Node is tainted as not ready (TaintNodesByCondition), and nobody else lifts it.
    await client.patch(f"{_NODES}/{NODE}", {"spec": {"taints": None}}, fieldManager=manager)
    status = {"status": node_status(timestamp())}
    await client.patch(f"{_NODES}/{NODE}/status", status, fieldManager=manager)


async def _treat(client: Client, manager: str, pod: Mapping[str, Any]) -> None:
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    if waits_for_a_node(pod):
        binding = {"metadata": {"name": metadata["name"]}, "target": {"kind": "Node", "name": NODE}}
        await client.create(f"{path}/binding", {"apiVersion": "v1", "kind": "Binding", **binding})
    elif waits_to_be_removed(pod):
        await client.delete(path, gracePeriodSeconds="0")
    else:
        await _run(client, manager, path, pod)


async def _run(client: Client, manager: str, path: str, pod: Mapping[str, Any]) -> None:
    owner = controller_path(pod)
    controller = await client.find(owner) if owner is not None else None
    status = missing_pod_status(pod, controller, timestamp())
    if status is None:
        return
    version = pod["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "status": status}
    await client.patch(f"{path}/status", patch, fieldManager=manager)
