"""Under which name a kind is served, and in which scope, said without asking a cluster.

Rights are written down before anybody may ask. Kubernetes' own kinds follow one rule with one
exception, and a definition in Git names its kind itself; what is left is guessed by the rule by
which most definitions were named, and told as a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from shoal.model.identity import GroupKind
from shoal.model.manifests import Manifest
from shoal_clusters.kubernetes.staging import CRD, is_custom

CLUSTER_SCOPED = frozenset(
    GroupKind(group, kind)
    for group, kinds in {
        "": "Namespace Node PersistentVolume",
        "admissionregistration.k8s.io": (
            "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
            "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
            "ValidatingWebhookConfiguration"
        ),
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
        "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
        "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
        "internal.apiserver.k8s.io": "StorageVersion",
        "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
        "node.k8s.io": "RuntimeClass",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
        "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
        "scheduling.k8s.io": "PriorityClass",
        "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
        "storagemigration.k8s.io": "StorageVersionMigration",
    }.items()
    for kind in kinds.split()
)
"""Kubernetes' own kinds without a namespace; a test asks an API server whether these are all."""

_IRREGULAR = {"Endpoints": "endpoints"}


class Served(NamedTuple):
    """Where objects of a kind are found; `is_guess` when nobody told."""

    plural: str
    is_namespaced: bool
    is_guess: bool = False


class Plurals:
    """What is known of kinds: Kubernetes' own, and those that these manifests define."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._defined = {
            kind: served
            for each in manifests
            if each.key.group_kind == CRD
            for kind, served in _defined(each.body)
        }

    def of(self, manifest: Manifest) -> Served:
        """Of the kind of this object; a kind that nobody defines is placed as the object is."""
        kind = manifest.key.group_kind
        if kind in self._defined:
            return self._defined[kind]
        if not is_custom(kind):
            return Served(plural(kind.kind), kind not in CLUSTER_SCOPED)
        return Served(plural(kind.kind), bool(manifest.key.namespace), is_guess=True)


def plural(kind: str) -> str:
    """As Kubernetes names resources: lower case, `s`, `es` behind an s, `ies` in place of a y."""
    word = kind.lower()
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    if word.endswith("y") and not word.endswith(("ay", "ey", "oy", "uy")):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def _defined(body: Mapping[str, Any]) -> Iterable[tuple[GroupKind, Served]]:
    spec = body.get("spec") or {}
    names = spec.get("names") or {}
    kind, named = names.get("kind"), names.get("plural")
    if isinstance(kind, str) and isinstance(named, str):
        scope = spec.get("scope") == "Namespaced"
        yield GroupKind(str(spec.get("group")), kind), Served(named, scope)
