"""What the user `guest`, who may do nothing at first, may do for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.planes import PlaneWorld

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass
class Rights:
    """What the user `guest` may do, in one namespace or everywhere."""

    world: PlaneWorld

    async def grant(self, verbs: Sequence[str], *, everywhere: bool = False) -> None:
        """Let it do this with ConfigMaps from now on, and no more."""
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}
        kind, namespace = ("ClusterRole", "") if everywhere else ("Role", self.world.namespace)
        await self._allow(kind, namespace, rule)

    async def grant_identity(self) -> None:
        """Let it read who the cluster is, without which nothing is written."""
        rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}
        await self._allow("Role", "kube-system", rule)

    async def _allow(self, kind: str, namespace: str, rule: Any) -> None:
        root = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
        name = f"guest-{self.world.namespace}"
        role: Any = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
            "rules": [rule],
        }
        binding: Any = {
            **role,
            "kind": f"{kind}Binding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "guest"}
            ],
        }
        del binding["rules"]
        async with self.world.plane.client() as admin:
            plural = f"{kind.lower()}s"
            await admin.apply(f"{root}/{plural}/{name}", role, manager="test", force=True)
            bindings = f"{kind.lower()}bindings"
            await admin.apply(f"{root}/{bindings}/{name}", binding, manager="test", force=True)

    async def revoke(self) -> None:
        """Take back what it may do outside of the namespace, which goes with all that is in it."""
        root = f"{RBAC}/namespaces/kube-system"
        collections = (f"{RBAC}/clusterrolebindings", f"{RBAC}/clusterroles")
        collections += (f"{root}/rolebindings", f"{root}/roles")
        name = f"guest-{self.world.namespace}"
        async with self.world.plane.client() as admin:
            for collection in collections:
                if await admin.find(f"{collection}/{name}"):
                    await admin.delete(f"{collection}/{name}")
