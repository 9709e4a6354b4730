"""Our ways of access keep every promise of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.access.conftest import kubeconfig, written

from shoal.hooks.host import Host, Pod
from shoal.testing.access_conformance import AccessConformance
from shoal_clusters.access.in_cluster import InCluster
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


class TestInCluster(AccessConformance):
    """In a Pod with a token of its own; what can be missing is the authority."""

    @pytest.fixture
    def host(self, shoal_host: Callable[..., Host], tmp_path: Path) -> Host:
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "ca.crt").write_text("the authority")
        return shoal_host(pod=Pod("https://10.96.0.1:443", tmp_path))

    @pytest.fixture
    def access(self) -> InCluster:
        return InCluster()

    @pytest.fixture
    def secrets(self) -> Mapping[str, Mapping[str, bytes]]:
        return {"default/in-the-file": {"token": TOKEN.encode()}}

    @pytest.fixture
    def spec(self) -> Mapping[str, str]:
        return {}

    @pytest.fixture
    def missing(self, tmp_path: Path, host: Host) -> Mapping[str, str]:
        (tmp_path / "ca.crt").unlink()
        return {}
