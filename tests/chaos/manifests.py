"""What stands in the repository of a chaos run: plain objects, each with a number.

An object's number is that of the commit that changed it last, so it only grows, also when history
is rewritten. It is written into the object itself; by it an audit log tells which revision a write
carried. Names of kinds and where they are served stand here once, for all who ask an API server.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Body = dict[str, Any]
NUMBER = "chaos.example.org/number"
LABEL = "shoal.dev/fleet"


class Key(NamedTuple):
    """One object of one cluster, as `kind namespace/name`."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read it back; the group behind the kind (`Role.rbac…`) is left out."""
        kind, _, where = text.partition(" ")
        namespace, _, name = where.partition("/")
        return cls(kind.partition(".")[0], namespace, name)


# Where each kind is served.
SERVED: Mapping[str, str] = {
    "ConfigMap": "api/v1/configmaps",
    "Secret": "api/v1/secrets",
    "Service": "api/v1/services",
    "ServiceAccount": "api/v1/serviceaccounts",
    "Role": "apis/rbac.authorization.k8s.io/v1/roles",
    "Deployment": "apis/apps/v1/deployments",
}
KIND_OF_RESOURCE = {path.rpartition("/")[2]: kind for kind, path in SERVED.items()}


def collection(kind: str, namespace: str = "") -> str:
    """The path of all objects of a kind, in one namespace or in all."""
    root, _, plural = SERVED[kind].rpartition("/")
    return f"/{root}/namespaces/{namespace}/{plural}" if namespace else f"/{root}/{plural}"


def path_of(key: Key) -> str:
    """The path of one object."""
    return f"{collection(key.kind, key.namespace)}/{key.name}"


def key_of(body: Mapping[str, Any]) -> Key:
    """The key of a manifest or of a live object."""
    metadata = body["metadata"]
    return Key(body["kind"], metadata["namespace"], metadata["name"])


def number_of(body: object) -> int | None:
    """The number that an object or an apply carries; None where there is none."""
    if not isinstance(body, dict):
        return None
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    found = str(annotations.get(NUMBER, ""))
    return int(found) if re.fullmatch(r"\d+", found) else None


def manifest(key: Key, number: int) -> Body:
    """The object as the repository has it when it was changed by this commit."""
    head = _HEADS[key.kind]
    metadata = {
        "name": key.name,
        "namespace": key.namespace,
        "annotations": {NUMBER: str(number), "chaos.example.org/text": f"text {number}"},
    }
    return {**head, "metadata": metadata, **_PARTS[key.kind](key, number)}


def _config_map(key: Key, number: int) -> Body:
    return {"data": {"number": str(number), "level": "info"}}


def _secret(key: Key, number: int) -> Body:
    value = base64.b64encode(f"hidden {number}".encode()).decode()
    return {"type": "Opaque", "data": {"value": value}}


def _service(key: Key, number: int) -> Body:
    port = {"name": "http", "port": 80 + number % 1000, "protocol": "TCP", "targetPort": 8080}
    return {"spec": {"selector": {"app": key.name}, "ports": [port]}}


def _role(key: Key, number: int) -> Body:
    verbs = ["get", "list"] if number % 2 else ["get"]
    return {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]}


def _deployment(key: Key, number: int) -> Body:
    container = {"name": "main", "image": f"registry.example.org/shop:{number}"}
    labels = {"app": key.name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}


_PARTS: Mapping[str, Callable[[Key, int], Body]] = {
    "ConfigMap": _config_map,
    "Secret": _secret,
    "Service": _service,
    "ServiceAccount": lambda key, number: {},
    "Role": _role,
    "Deployment": _deployment,
}
_HEADS: Mapping[str, Body] = {
    "ConfigMap": {"apiVersion": "v1", "kind": "ConfigMap"},
    "Secret": {"apiVersion": "v1", "kind": "Secret"},
    "Service": {"apiVersion": "v1", "kind": "Service"},
    "ServiceAccount": {"apiVersion": "v1", "kind": "ServiceAccount"},
    "Role": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"},
    "Deployment": {"apiVersion": "apps/v1", "kind": "Deployment"},
}


def first_objects(application: str) -> list[Key]:
    """The twenty objects that an application begins with."""
    counts = {"ConfigMap": 9, "Secret": 3, "Service": 3, "ServiceAccount": 2, "Role": 2}
    names = [(kind, index) for kind, count in counts.items() for index in range(count)]
    names.append(("Deployment", 0))
    namespace = namespace_of(application)
    return [Key(kind, namespace, f"{kind.lower()}-{index}") for kind, index in names]


def namespace_of(application: str) -> str:
    """Where an application's objects live."""
    return f"chaos-{application}"
