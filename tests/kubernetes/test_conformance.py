"""The Kubernetes target, against real API servers, keeps every promise of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.hooks.host import Host
from shoal.testing.target_conformance import Subject, TargetConformance
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.kubernetes.session import KubernetesTarget

pytestmark = pytest.mark.real


class TestKubernetesTarget(TargetConformance):
    @pytest.fixture
    async def subject(
        self,
        clusters: Mapping[str, ControlPlane],
        namespace: str,
        shoal_host: Callable[..., Host],
    ) -> Subject:
        plane = clusters["dev"]
        host = shoal_host()
        endpoint = await endpoint_of(plane, host)
        world = PlaneWorld(plane, namespace)
        return Subject(KubernetesTarget(), "dev", endpoint, host, world)
