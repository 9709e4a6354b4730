"""The cluster behind the Kubernetes target, as a stranger reaches it, and the way to it as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal.hooks.host import Host
from shoal.model.endpoints import Endpoint
from shoal.model.identity import ObjectKey
from shoal_clusters.access.kubeconfig import Kubeconfig, KubeconfigSpec
from shoal_clusters.controlplane.apiserver import ControlPlane


def kubeconfig_of(plane: ControlPlane, user: str = "shoal") -> Path:
    """The kubeconfig of one user of a local control plane."""
    return plane.folder / f"kubeconfig-{user}"


async def endpoint_of(plane: ControlPlane, host: Host, user: str = "shoal") -> Endpoint:
    """How Shoal reaches a local control plane."""
    spec = KubeconfigSpec(path=str(kubeconfig_of(plane, user)))
    return await Kubeconfig().connect(spec, host)


def path_of(key: ObjectKey, version: str = "v1") -> str:
    """The path of one object."""
    start = f"/apis/{key.group}/{version}" if key.group else f"/api/{version}"
    where = f"/namespaces/{key.namespace}" if key.namespace else ""
    plural = re.sub(r"ys$", "ies", f"{key.kind.lower()}s")
    return f"{start}{where}/{plural}/{key.name}"


@dataclass(frozen=True)
class PlaneWorld:
    """A stranger with all rights, who writes as `kubectl-edit`."""

    plane: ControlPlane
    namespace: str

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """The live object."""
        async with self.plane.client() as client:
            return await client.find(path_of(key))

    async def create(self, body: Mapping[str, Any]) -> None:
        """Create it without marks."""
        key = ObjectKey("", body["kind"], self.namespace, body["metadata"]["name"])
        async with self.plane.client() as client:
            await client.create(path_of(key).rpartition("/")[0], body)

    async def change(self, key: ObjectKey, patch: Mapping[str, Any]) -> None:
        """A merge patch, as somebody at a terminal sends it."""
        async with self.plane.client() as client:
            await client.patch(path_of(key), patch, fieldManager="kubectl-edit")

    async def finish(self, key: ObjectKey) -> None:
        """Complete a Job as its controller would."""
        now = "2026-01-02T03:04:05Z"
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("SuccessCriteriaMet", "Complete")
        ]
        ended = {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions}
        async with self.plane.client() as client:
            await client.patch(f"{path_of(key)}/status", {"status": ended})

    async def remove(self, key: ObjectKey) -> None:
        """Delete it."""
        async with self.plane.client() as client:
            await client.delete(path_of(key), propagationPolicy="Background")
