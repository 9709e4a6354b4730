"""Puts objects that name no namespace into the one of their release, as `helm install` does.

`helm template` leaves them as they are and lets the client decide; here nobody comes after. Kinds
that are known to have no namespace keep none; of other kinds the cluster's discovery decides when
they are prepared, and takes the namespace away again where there is none.
"""

from __future__ import annotations

from shoal.model.identity import GroupKind
from shoal.model.manifests import Manifest

_CLUSTER_SCOPED = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "Node"),
        GroupKind("", "PersistentVolume"),
        GroupKind("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        GroupKind("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        GroupKind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        GroupKind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        GroupKind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        GroupKind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        GroupKind("apiregistration.k8s.io", "APIService"),
        GroupKind("certificates.k8s.io", "CertificateSigningRequest"),
        GroupKind("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        GroupKind("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        GroupKind("networking.k8s.io", "IngressClass"),
        GroupKind("node.k8s.io", "RuntimeClass"),
        GroupKind("rbac.authorization.k8s.io", "ClusterRole"),
        GroupKind("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        GroupKind("scheduling.k8s.io", "PriorityClass"),
        GroupKind("storage.k8s.io", "CSIDriver"),
        GroupKind("storage.k8s.io", "CSINode"),
        GroupKind("storage.k8s.io", "StorageClass"),
        GroupKind("storage.k8s.io", "VolumeAttachment"),
        GroupKind("storage.k8s.io", "VolumeAttributesClass"),
    }
)


def in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """The manifest in this namespace, or itself when it has one, or can have none."""
    key = manifest.key
    if key.namespace or key.group_kind in _CLUSTER_SCOPED:
        return manifest
    body = manifest.body
    metadata = {**(body.get("metadata") or {}), "namespace": namespace}
    return Manifest({**body, "metadata": metadata}, manifest.origin)
