"""Beside real controllers: what they make of our objects carries our labels, and is not ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.hooks.host import Host
from shoal.model.identity import ObjectKey
from shoal.model.plans import ResultStatus
from shoal.testing.target_bench import Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.kubernetes.marks import FLEET_LABEL, Holder, whose
from shoal_clusters.kubernetes.session import KubernetesTarget


async def slices_of(client: Client, namespace: str) -> list[Any]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    items: list[Any] = (await client.get(path))["items"]
    return items


async def test_an_endpoint_slice_with_the_labels_of_our_service_is_not_ours(
    controlled_plane: ControlPlane,
    controlled_namespace: str,
    shoal_host: Callable[..., Host],
) -> None:
    host = shoal_host()
    world = PlaneWorld(controlled_plane, controlled_namespace)
    endpoint = await endpoint_of(controlled_plane, host)
    subject = Subject(KubernetesTarget(patience_seconds=2), "dev", endpoint, host, world)
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": controlled_namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    async with controlled_plane.client() as client, bench(subject) as it:
        await it.sync(body)

        async def is_made() -> bool:
            return bool(await slices_of(client, controlled_namespace))

        assert await wait_until(is_made, seconds=30)
        (made,) = await slices_of(client, controlled_namespace)
        key = ObjectKey(
            "discovery.k8s.io", "EndpointSlice", controlled_namespace, made["metadata"]["name"]
        )
        results = await it.sync()

    assert made["metadata"]["labels"][FLEET_LABEL] == "test"
    assert whose(made, key, fleet="test").holder is Holder.CONTROLLED
    assert statuses(results) == {"web": ResultStatus.DELETED}
