"""Which refusals say that nothing but immutable fields stands in the way: pure, real answers."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.identity import GroupKind
from shoal_clusters.kubernetes.immutable import immutable_fields, why_kept

STORAGE = "storage.k8s.io"
RBAC = "rbac.authorization.k8s.io"
SEALED = "Forbidden: field is immutable when `immutable` is set"
# (group, kind), field, message; of kube-apiserver 1.37 unless it says otherwise.
RECORDED = [
    (("apps", "StatefulSet"), "spec.serviceName", 'Invalid value: "two": field is immutable'),
    (("apps", "StatefulSet"), "spec.selector", "Invalid value: {}: field is immutable"),
    (("apps", "StatefulSet"), "spec.volumeClaimTemplates", "Invalid value: []: field is immutable"),
    (
        ("apps", "StatefulSet"),  # 1.34
        "spec",
        "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
        "'template', 'updateStrategy' and 'minReadySeconds' are forbidden",
    ),
    (("apps", "Deployment"), "spec.selector", "Invalid value: {}: field is immutable"),
    (("", "ConfigMap"), "data", SEALED),
    (("", "ConfigMap"), "binaryData", SEALED),
    (("", "ConfigMap"), "immutable", SEALED),
    (("", "Secret"), "data", SEALED),
    (("", "Secret"), "type", 'Invalid value: "x/y": field is immutable'),
    ((RBAC, "RoleBinding"), "roleRef", "Invalid value: {}: field is immutable"),
    ((RBAC, "ClusterRoleBinding"), "roleRef", "Invalid value: {}: cannot change roleRef"),  # 1.34
    ((STORAGE, "StorageClass"), "provisioner", "Invalid value: null: field is immutable"),
    (
        (STORAGE, "StorageClass"),  # 1.34
        "parameters",
        "Forbidden: updates to parameters are forbidden.",
    ),
    (
        ("scheduling.k8s.io", "PriorityClass"),
        "value",
        "Forbidden: may not be changed in an update.",
    ),
    (("node.k8s.io", "RuntimeClass"), "handler", "Invalid value: null: field is immutable"),
    (
        ("networking.k8s.io", "IngressClass"),
        "spec.controller",
        'Invalid value: "a.b/d": field is immutable',
    ),
    (
        ("discovery.k8s.io", "EndpointSlice"),
        "addressType",
        "Invalid value: null: field is immutable",
    ),
]


def refusal(*causes: tuple[str, str]) -> dict[str, Any]:
    told = [
        {"reason": "FieldValueInvalid", "field": field, "message": text} for field, text in causes
    ]
    return {"kind": "Status", "code": 422, "reason": "Invalid", "details": {"causes": told}}


@pytest.mark.parametrize(("kind", "field", "message"), RECORDED)
def test_a_refusal_of_an_immutable_field_is_recognised(
    kind: tuple[str, str], field: str, message: str
) -> None:
    assert immutable_fields(GroupKind(*kind), refusal((field, message))) == (field,)


@pytest.mark.parametrize(("kind", "field", "message"), RECORDED)
def test_a_refusal_that_says_anything_besides_is_not(
    kind: tuple[str, str], field: str, message: str
) -> None:
    besides = ("spec.replicas", "Invalid value: -1: must be greater than or equal to 0")

    assert immutable_fields(GroupKind(*kind), refusal((field, message), besides)) == ()


def test_a_field_that_is_not_in_the_table_is_not_taken_for_immutable() -> None:
    said = ("spec.schedule", "Invalid value: x: field is immutable")

    assert immutable_fields(GroupKind("batch", "CronJob"), refusal(said)) == ()


def test_a_field_of_the_table_that_is_wrong_in_itself_is_not_immutable() -> None:
    said = ("spec.selector", "Invalid value: {}: `selector` does not match template `labels`")

    assert immutable_fields(GroupKind("apps", "Deployment"), refusal(said)) == ()


@pytest.mark.parametrize("answer", [b"", b"[]", b"not json", {"kind": "Status"}, refusal()])
def test_an_answer_without_causes_names_no_field(answer: Any) -> None:
    assert immutable_fields(GroupKind("", "ConfigMap"), answer) == ()


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (("", "Namespace"), {}),
        (("", "PersistentVolume"), {}),
        (("", "PersistentVolumeClaim"), {}),
        (("apiextensions.k8s.io", "CustomResourceDefinition"), {}),
        (("apps", "StatefulSet"), {"volumeClaimTemplates": [{}]}),
        (("", "Service"), {"clusterIP": "10.0.0.7"}),
        (("", "Service"), {"clusterIP": "None", "type": "LoadBalancer"}),
    ],
)
def test_what_holds_data_or_addresses_is_kept(kind: tuple[str, str], spec: Any) -> None:
    assert why_kept(GroupKind(*kind), {"spec": spec})


def test_what_holds_neither_may_be_recreated() -> None:
    assert not why_kept(GroupKind("apps", "StatefulSet"), {"spec": {}})
    assert not why_kept(GroupKind("", "Service"), {"spec": {"clusterIP": "None"}})
    assert not why_kept(GroupKind("apps", "Deployment"), {})
