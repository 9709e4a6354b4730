"""Subjects of the Kubernetes target's tests: a local API server and a stranger there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.hooks.host import Host
from shoal.testing.target_bench import Subject
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.certificates import Authority, create_authority
from shoal_clusters.kubernetes.session import KubernetesTarget


@pytest.fixture
def plane(clusters: Mapping[str, ControlPlane]) -> ControlPlane:
    return clusters["dev"]


@pytest.fixture
def world(plane: ControlPlane, namespace: str) -> PlaneWorld:
    return PlaneWorld(plane, namespace)


@pytest.fixture
async def subject(
    plane: ControlPlane, world: PlaneWorld, shoal_host: Callable[..., Host]
) -> Subject:
    host = shoal_host()
    endpoint = await endpoint_of(plane, host)
    return Subject(KubernetesTarget(patience_seconds=2), "dev", endpoint, host, world)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who signs for servers and clients of one file of tests."""
    return create_authority("test authority")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """The authority, and the certificate of a server on loopback that it signed."""
    folder = tmp_path_factory.mktemp("certificates")
    serving = authority.sign_server("test server")
    (folder / "ca.crt").write_bytes(authority.pem)
    (folder / "serving.pem").write_bytes(serving.pem + serving.key_pem)
    return folder
