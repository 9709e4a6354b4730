"""A real API server takes a service account's token, as a kubelet asks for and rotates it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from tests.kubernetes.accounts import Kubelet

from shoal.hooks.host import Host
from shoal.model.endpoints import Credential
from shoal.testing.hosts import run_in_thread
from shoal_clusters.access.in_cluster import InCluster, InClusterSpec
from shoal_clusters.connecting import TrustStore
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Transport

pytestmark = pytest.mark.real

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
QUESTION = b'{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}'


@pytest.fixture
def kubelet(plane: ControlPlane, namespace: str, tmp_path: Path) -> Kubelet:
    return Kubelet(plane, namespace, tmp_path)


@asynccontextmanager
async def connected(
    kubelet: Kubelet, shoal_host: Callable[..., Host]
) -> AsyncIterator[tuple[Transport, Credential]]:
    """A connection from a Pod whose account the kubelet has written."""
    endpoint = await InCluster().connect(InClusterSpec(), shoal_host(pod=kubelet.pod))
    transport = Transport("hub", endpoint, TrustStore(), Pace(), run_in_thread)
    async with transport:
        yield transport, await endpoint.credential()


async def name_of(transport: Transport) -> str:
    answer = await transport.request("POST", WHO, body=QUESTION)
    assert answer.status == 201
    return str(orjson.loads(answer.body)["status"]["userInfo"]["username"])


async def test_a_token_of_a_service_account_says_who_asks_and_when_it_ends(
    kubelet: Kubelet, namespace: str, shoal_host: Callable[..., Host]
) -> None:
    await kubelet.write()
    async with connected(kubelet, shoal_host) as (transport, credential):
        name = await name_of(transport)

    assert name == f"system:serviceaccount:{namespace}:shoal"
    assert credential.issued_at is not None
    assert credential.expires_at is not None
    assert credential.expires_at - credential.issued_at == timedelta(minutes=10)


async def test_a_token_that_the_kubelet_replaced_is_used_by_the_next_request(
    kubelet: Kubelet, namespace: str, shoal_host: Callable[..., Host]
) -> None:
    await kubelet.write(audiences=["somebody-else"])  # which this server refuses
    async with connected(kubelet, shoal_host) as (transport, _):
        await kubelet.write()

        assert await name_of(transport) == f"system:serviceaccount:{namespace}:shoal"


async def test_a_token_that_counts_for_a_year_ends_when_its_kubelet_should_have_rotated_it(
    kubelet: Kubelet, shoal_host: Callable[..., Host]
) -> None:
    await kubelet.write()
    pod = {"serviceAccountName": "shoal", "containers": [{"name": "shoal", "image": "shoal"}]}
    async with kubelet.plane.client() as client:
        path = kubelet.accounts.replace("serviceaccounts", "pods")
        made = await client.create(path, {"metadata": {"name": "shoal-0"}, "spec": pod})
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "shoal-0", "uid": made["metadata"]["uid"]}
    # What the admission of Pods asks for: the one number of seconds that is extended to a year.
    await kubelet.write(expirationSeconds=3607, boundObjectRef=bound)
    async with connected(kubelet, shoal_host) as (_, credential):
        assert credential.expires_at is not None
        left = credential.expires_at - datetime.now(UTC)

        assert timedelta(minutes=55) < left <= timedelta(seconds=3607)
