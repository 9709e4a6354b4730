"""The access `kubeconfig` keeps every promise of a way of access."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.access.conftest import kubeconfig, written

from shoal.hooks.host import Host
from shoal.testing.access_conformance import AccessConformance
from shoal_clusters.access.kubeconfig import Kubeconfig

TOKEN = "canary-8c21"


class TestKubeconfig(AccessConformance):
    """With a user that has a token."""

    @pytest.fixture
    def access(self) -> Kubeconfig:
        return Kubeconfig()

    @pytest.fixture
    def secrets(self) -> Mapping[str, Mapping[str, bytes]]:
        return {"default/in-the-file": {"token": TOKEN.encode()}}

    @pytest.fixture
    def spec(self, host: Host) -> Mapping[str, str]:
        written(host, kubeconfig({"token": TOKEN}, **{"certificate-authority-data": "Y2E="}))
        return {"path": "kubeconfig"}

    @pytest.fixture
    def missing(self, spec: Mapping[str, str]) -> Mapping[str, str]:
        return {**spec, "context": "nowhere"}
