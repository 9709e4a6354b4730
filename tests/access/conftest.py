"""A kubeconfig in a folder of its own, and the host that reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from shoal.hooks.host import Host
from shoal.model.endpoints import Endpoint
from shoal_clusters.access.kubeconfig import Kubeconfig, KubeconfigSpec

EXEC = "client.authentication.k8s.io/v1"


@pytest.fixture
def host(shoal_host: Callable[..., Host]) -> Host:
    """Only this Python may be run for a credential."""
    return shoal_host(exec_allowed=frozenset({sys.executable}))


def kubeconfig(user: Any, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }


def program(*args: str, **more: Any) -> dict[str, Any]:
    """A user whose credential comes from this Python."""
    return {"exec": {"apiVersion": EXEC, "command": sys.executable, "args": list(args), **more}}


def written(host: Host, document: object) -> Path:
    """The kubeconfig beside the fleet's documents; text is written as it is."""
    assert host.base_folder is not None
    path = host.base_folder / "kubeconfig"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


async def connected(host: Host, document: object) -> Endpoint:
    written(host, document)
    return await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
