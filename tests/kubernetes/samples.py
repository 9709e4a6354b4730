"""Small factories of Kubernetes bodies, as an API server would return them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shoal.model.digests import Digester
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal_clusters.kubernetes.marks import marked
from shoal_clusters.kubernetes.preparing import Prepared, Scope, prepare

FLEET = "ocean"
SHOP = Ref("default", "shop")
TARGET = TargetKey(SHOP, "dev")
DIGESTER = Digester(b"an installation key of a test")
CLUSTER_SCOPED = {"Namespace", "ClusterRole", "CustomResourceDefinition"}


def scope_of(api_version: str, kind: str) -> Scope | None:
    """What a cluster without custom resources serves, roughly."""
    if "example.com" in api_version:
        return None
    return Scope.CLUSTER if kind in CLUSTER_SCOPED else Scope.NAMESPACED


def prepared(*bodies: Mapping[str, Any]) -> Prepared:
    """The bodies prepared for FLEET and SHOP."""
    manifests = [Manifest(body, f"file-{at}.yaml") for at, body in enumerate(bodies)]
    return prepare(manifests, fleet=FLEET, application=SHOP, scope=scope_of, digester=DIGESTER)


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    """A ConfigMap as people write it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data or {"colour": "blue"},
    }


def secret(**data: str) -> dict[str, Any]:
    """A Secret as people write it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "default"},
        "stringData": data or {"password": "hunter2-correct-horse"},
    }


def deployment(**spec: Any) -> dict[str, Any]:
    """A Deployment as people write it; `spec` replaces fields of the spec."""
    container = {
        "name": "app",
        "image": "web:1",
        "env": [{"name": "TOKEN", "value": "tide-and-moon"}],
        "ports": [{"containerPort": 8080}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container]},
            },
            **spec,
        },
    }


_KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumes": ("name",),
}
_ATOMIC = {"selector", "nodeSelector"}


def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The field set that kube-apiserver 1.37 notes for an apply of a body: FieldsV1."""
    fields = {
        f"f:{name}": _below(name, value)
        for name, value in body.items()
        if name not in ("apiVersion", "kind")
    }
    metadata = dict(fields["f:metadata"])
    for name in ("f:name", "f:namespace", "."):
        metadata.pop(name, None)
    return {**fields, "f:metadata": metadata}


def _below(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and value and name not in _ATOMIC:
        return {f"f:{key}": _below(key, child) for key, child in value.items()}
    if isinstance(value, list) and name in _KEYS:
        out: dict[str, Any] = {}
        for item in value:
            keys = {key: item.get(key, "TCP") for key in _KEYS[name]}
            raw = "k:" + json.dumps(keys, separators=(",", ":"), sort_keys=True)
            out[raw] = {".": {}, **{f"f:{key}": _below(key, child) for key, child in item.items()}}
        return out
    return {}


def applied(
    body: Mapping[str, Any],
    *,
    version: int = 10,
    uid: str = "uid-1",
    entries: tuple[Mapping[str, Any], ...] = (),
    own: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The live object after our apply of a prepared body, with other managers' entries after it."""
    entry = {
        "manager": "shoal",
        "operation": "Apply",
        "apiVersion": body["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields_of(body) if own is None else own,
        "time": "2026-01-01T00:00:00Z",
    }
    metadata = {
        **body["metadata"],
        "uid": uid,
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [entry, *entries],
    }
    return {**body, "metadata": metadata}


def edited_by(
    manager: str, fields: Mapping[str, Any], *, subresource: str = "", at: str = "12:00:00"
) -> dict[str, Any]:
    """A managedFields entry of somebody who updated these fields."""
    return {
        "manager": manager,
        "operation": "Update",
        "subresource": subresource,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "time": f"2026-01-02T{at}Z",
    }


def key_of(body: Mapping[str, Any]) -> ObjectKey:
    """The identity of a body."""
    return Manifest(body, "").key


def ours(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with our marks."""
    return marked(body, fleet=FLEET, application=SHOP, key=key_of(body))
