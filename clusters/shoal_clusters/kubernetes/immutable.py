"""Immutable: the fields that an API server never changes in place, and how it says so. Pure.

An object may be recreated, where its manifest asks for it, only when the refusal speaks of exactly
these fields and of nothing else: a manifest that is wrong in any other way is wrong for a new
object too, and would end as one that is deleted and not there (fluxcd/kustomize-controller#734).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.messages import Cause, read_answer

_RBAC = "rbac.authorization.k8s.io"
_STORAGE = "storage.k8s.io"
_PLAIN = ("field is immutable",)
_SEALED = ("field is immutable when `immutable` is set",)


def _forbidden(field: str) -> tuple[str, ...]:
    return (*_PLAIN, f"updates to {field} are forbidden.")


# (group, kind) → field → words that end the message of kube-apiserver's validation, or stand in it;
# where there are several, the later ones are of releases before 1.36.
_FIELDS: Mapping[GroupKind, Mapping[str, tuple[str, ...]]] = {
    GroupKind("apps", "Deployment"): {"spec.selector": _PLAIN},
    GroupKind("apps", "DaemonSet"): {"spec.selector": _PLAIN},
    GroupKind("apps", "ReplicaSet"): {"spec.selector": _PLAIN},
    GroupKind("apps", "StatefulSet"): {
        "spec.selector": _PLAIN,
        "spec.serviceName": _PLAIN,
        "spec.podManagementPolicy": _PLAIN,
        "spec.volumeClaimTemplates": _PLAIN,
        # One sentence for every field but the few that it lists.
        "spec": ("updates to statefulset spec for fields other than",),
    },
    GroupKind("batch", "Job"): {
        f"spec.{name}": _PLAIN for name in ("completionMode", "completions", "selector", "template")
    },
    GroupKind("", "ConfigMap"): {"data": _SEALED, "binaryData": _SEALED, "immutable": _SEALED},
    GroupKind("", "Secret"): {"data": _SEALED, "immutable": _SEALED, "type": _PLAIN},
    GroupKind(_RBAC, "RoleBinding"): {"roleRef": (*_PLAIN, "cannot change roleRef")},
    GroupKind(_RBAC, "ClusterRoleBinding"): {"roleRef": (*_PLAIN, "cannot change roleRef")},
    GroupKind(_STORAGE, "StorageClass"): {
        name: _forbidden(name)
        for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
    },
    GroupKind("scheduling.k8s.io", "PriorityClass"): {
        "value": ("may not be changed in an update.",),
        "preemptionPolicy": _PLAIN,
    },
    GroupKind("node.k8s.io", "RuntimeClass"): {"handler": _PLAIN},
    GroupKind("networking.k8s.io", "IngressClass"): {"spec.controller": _PLAIN},
    GroupKind("discovery.k8s.io", "EndpointSlice"): {"addressType": _PLAIN},
}

_KEPT: Mapping[GroupKind, str] = {
    GroupKind("", "Namespace"): "everything in it would be deleted too",
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "every object of its kind would be deleted too"
    ),
    GroupKind("", "PersistentVolume"): "its data may be deleted with it",
    GroupKind("", "PersistentVolumeClaim"): "its data would be deleted with it",
}


def immutable_fields(kind: GroupKind, body: bytes | Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that a refusal says are immutable; none when it says anything else as well."""
    causes = read_answer(422, body).causes
    known = _FIELDS.get(kind, {})
    if not causes or not all(_is_immutable(cause, known) for cause in causes):
        return ()
    return tuple(sorted({cause.field for cause in causes}))


def why_kept(kind: GroupKind, live: Mapping[str, Any]) -> str:
    """Why an object must not be deleted even to be created again; empty when it may be."""
    spec = live.get("spec") or {}
    if kind in _KEPT:
        return _KEPT[kind]
    if kind == GroupKind("apps", "StatefulSet") and spec.get("volumeClaimTemplates"):
        return "its claims would be left without it, or deleted with it"
    if kind == GroupKind("", "Service") and _has_address(spec):
        return "its addresses would be lost"
    return ""


def _is_immutable(cause: Cause, known: Mapping[str, tuple[str, ...]]) -> bool:
    return any(words in cause.message for words in known.get(cause.field, ()))


def _has_address(spec: Mapping[str, Any]) -> bool:
    """Whether clients outside may know an address of it; a headless Service has none."""
    is_open = spec.get("type") in ("NodePort", "LoadBalancer")
    return is_open or spec.get("clusterIP") not in (None, "", "None")
