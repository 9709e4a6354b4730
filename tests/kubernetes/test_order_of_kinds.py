"""Which kinds wait for which: what others stand on is written first and deleted last."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.identity import GroupKind, ObjectKey
from shoal_clusters.kubernetes.staging import (
    Fact,
    FactKind,
    deletion_stages,
    fact_holds,
    is_custom,
    needs,
    stages,
)

RBAC, HOOKS = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"


def key(kind: str, name: str = "x", namespace: str = "sea") -> ObjectKey:
    """`key("Deployment.apps")`: the kind as kubectl names it."""
    kind, _, group = kind.partition(".")
    return ObjectKey(group, kind, namespace, name)


STANDS_ON = [
    ("PersistentVolumeClaim", "StorageClass.storage.k8s.io"),
    ("PersistentVolume", "CSIDriver.storage.k8s.io"),
    ("PersistentVolumeClaim", "VolumeAttributesClass.storage.k8s.io"),
    ("VolumeSnapshot.snapshot.storage.k8s.io", "VolumeSnapshotClass.snapshot.storage.k8s.io"),
    ("ResourceClaim.resource.k8s.io", "DeviceClass.resource.k8s.io"),
    ("Ingress.networking.k8s.io", "IngressClass.networking.k8s.io"),
    ("Gateway.gateway.networking.k8s.io", "GatewayClass.gateway.networking.k8s.io"),
    ("Cluster.cluster.x-k8s.io", "ClusterClass.cluster.x-k8s.io"),
    ("Deployment.apps", "RuntimeClass.node.k8s.io"),
    ("Deployment.apps", "PriorityClass.scheduling.k8s.io"),
    ("ConfigMap", "Namespace"),
    ("ResourceQuota", "Namespace"),
    ("ServiceAccount", "Namespace"),
    (f"RoleBinding.{RBAC}", f"ClusterRole.{RBAC}"),
    (f"RoleBinding.{RBAC}", f"Role.{RBAC}"),
    (f"ClusterRoleBinding.{RBAC}", "ServiceAccount"),
    ("ConfigMap", f"RoleBinding.{RBAC}"),
    ("Secret", f"ClusterRoleBinding.{RBAC}"),
    ("PersistentVolumeClaim", "ResourceQuota"),
    ("PersistentVolumeClaim", "LimitRange"),
    ("Service", "ConfigMap"),
    ("Service", "Secret"),
    ("Service", "PersistentVolume"),
    ("Service", "PersistentVolumeClaim"),
    ("Endpoints", "ConfigMap"),
    ("Deployment.apps", "Service"),
    ("Deployment.apps", "Endpoints"),
    ("StatefulSet.apps", "Service"),
    ("CronJob.batch", "Secret"),
    ("HorizontalPodAutoscaler.autoscaling", "Deployment.apps"),
    ("HorizontalPodAutoscaler.autoscaling", "StatefulSet.apps"),
    ("Job.batch", "PodDisruptionBudget.policy"),
    ("Job.batch", "CronJob.batch"),
    ("Fish.example.com", "CustomResourceDefinition.apiextensions.k8s.io"),
    (f"ValidatingWebhookConfiguration.{HOOKS}", "HorizontalPodAutoscaler.autoscaling"),
    (f"MutatingWebhookConfiguration.{HOOKS}", "Fish.example.com"),
    (f"ValidatingAdmissionPolicy.{HOOKS}", "Job.batch"),
]


@pytest.mark.parametrize(("later", "earlier"), STANDS_ON)
def test_what_an_object_stands_on_is_written_in_an_earlier_stage(later: str, earlier: str) -> None:
    assert stages([key(later), key(earlier)]) == [[key(earlier)], [key(later)]]


def test_objects_of_one_stage_are_written_at_once() -> None:
    together = ["Namespace", f"ClusterRole.{RBAC}", "StorageClass.storage.k8s.io"]

    assert len(stages([key(each) for each in together])) == 1
    assert len(stages([key(each) for each in ("ConfigMap", "Secret")])) == 1
    assert len(stages([key(each) for each in ("Job.batch", "Fish.example.com")])) == 1


DELETED_IN_ORDER = [
    [f"MutatingWebhookConfiguration.{HOOKS}", f"ValidatingAdmissionPolicy.{HOOKS}"],
    ["Fish.example.com", "Gateway.gateway.networking.k8s.io"],
    [
        "Deployment.apps",
        "StatefulSet.apps",
        "DaemonSet.apps",
        "Job.batch",
        "CronJob.batch",
        "Pod",
        "PodDisruptionBudget.policy",
        "HorizontalPodAutoscaler.autoscaling",
    ],
    ["Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "Ingress.networking.k8s.io"],
    [
        "ServiceAccount",
        f"Role.{RBAC}",
        f"ClusterRoleBinding.{RBAC}",
        "StorageClass.storage.k8s.io",
        "GatewayClass.gateway.networking.k8s.io",
    ],
    ["CustomResourceDefinition.apiextensions.k8s.io"],
    ["Namespace"],
]


def test_deletion_goes_from_what_stands_on_others_to_what_they_stand_on() -> None:
    kinds = [each for stage in DELETED_IN_ORDER for each in stage]

    assert deletion_stages([key(each) for each in kinds]) == [
        sorted(key(each) for each in stage) for stage in DELETED_IN_ORDER
    ]


SERVED_BY_KUBERNETES = [
    *("", "apps", "autoscaling", "batch", "extensions", "policy"),
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
]
"""As `kubectl api-versions` prints them when every alpha API is on."""


@pytest.mark.parametrize("group", SERVED_BY_KUBERNETES)
def test_what_kubernetes_serves_itself_is_no_custom_resource(group: str) -> None:
    assert not is_custom(GroupKind(group, "Thing"))


@pytest.mark.parametrize(
    "group", ["gateway.networking.k8s.io", "snapshot.storage.k8s.io", "metrics.k8s.io", "x.io"]
)
def test_what_a_crd_or_another_server_serves_is_custom_whatever_its_ending(group: str) -> None:
    assert is_custom(GroupKind(group, "Thing"))


CRD = key("CustomResourceDefinition.apiextensions.k8s.io", "fish.example.com", "")
API = key("APIService.apiregistration.k8s.io", "v1.example.com", "")
FISH, SEA = key("Fish.example.com"), key("Namespace", "sea", "")
HOOK = key(f"ValidatingWebhookConfiguration.{HOOKS}", namespace="")


def waits(bodies: dict[ObjectKey, dict[str, Any]], *others: ObjectKey) -> dict[str, set[str]]:
    """Text of each object that waits, and of the facts that it waits for."""
    found = needs([*bodies, *others], lambda one: bodies.get(one, {}))
    return {str(one): {str(fact) for fact in facts} for one, facts in found.items()}


def test_an_object_waits_for_the_aggregated_server_of_its_group() -> None:
    service = {"namespace": "sea", "name": "fish"}
    body = {"spec": {"group": "example.com", "service": service}}

    assert waits({API: body}, FISH) == {
        "Fish.example.com sea/x": {"APIService.apiregistration.k8s.io v1.example.com is available"}
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": None},
        {"spec": {"group": "example.com"}},
        {"spec": {"service": {"name": "fish"}}},
        {"spec": {"group": "example.org", "service": {"name": "fish"}}},
    ],
)
def test_an_api_that_kubernetes_serves_itself_is_not_waited_for(body: dict[str, Any]) -> None:
    assert waits({API: body}, FISH) == {}


def test_a_crd_is_waited_for_rather_than_the_server_of_the_group() -> None:
    crd = {"spec": {"group": "example.com", "names": {"kind": "Fish"}}}
    api = {"spec": {"group": "example.com", "service": {"name": "fish"}}}

    assert waits({CRD: crd, API: api}, FISH) == {
        "Fish.example.com sea/x": {
            "CustomResourceDefinition.apiextensions.k8s.io fish.example.com is established"
        }
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": {}},
        {"spec": {"group": "example.com", "names": {}}},
        {"spec": {"group": "example.com", "names": None}},
        {"spec": {"group": "example.com", "names": {"kind": "Whale"}}},
        {"spec": {"group": "example.org", "names": {"kind": "Fish"}}},
    ],
)
def test_a_crd_of_another_kind_or_of_none_is_not_waited_for(body: dict[str, Any]) -> None:
    assert waits({CRD: body}, FISH) == {}


def test_a_namespace_is_waited_for_by_what_lives_in_it_alone() -> None:
    other = key("Namespace", "lake", "")

    assert waits({}, SEA, other, key("ConfigMap"), key("Secret", namespace="")) == {
        "ConfigMap sea/x": {"Namespace sea is active"}
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"webhooks": None},
        {"webhooks": [{}]},
        {"webhooks": [{"clientConfig": None}]},
        {"webhooks": [{"clientConfig": {"url": "https://hooks.example.com"}}]},
        {"webhooks": [{"clientConfig": {"service": {"namespace": "sea", "name": "other"}}}]},
        {"webhooks": [{"clientConfig": {"service": {"namespace": "lake", "name": "hook"}}}]},
    ],
)
def test_a_webhook_waits_for_no_service_but_its_own(body: dict[str, Any]) -> None:
    assert waits({HOOK: body}, key("Service", "hook")) == {}


def test_a_configuration_waits_for_the_services_of_all_its_webhooks() -> None:
    body = {
        "webhooks": [
            {"clientConfig": {"service": {"namespace": "sea", "name": name}}} for name in ("a", "b")
        ]
    }

    assert waits({HOOK: body}, key("Service", "a"), key("Service", "b")) == {
        f"ValidatingWebhookConfiguration.{HOOKS} x": {
            "Service sea/a has ready endpoints",
            "Service sea/b has ready endpoints",
        }
    }


@pytest.mark.parametrize(
    ("kind", "live", "holds"),
    [
        (FactKind.ACTIVE, {}, False),
        (FactKind.ACTIVE, {"metadata": None, "status": {"phase": "Active"}}, True),
        (FactKind.ACTIVE, {"metadata": {"name": "sea"}, "status": {"phase": "Active"}}, True),
        (FactKind.AVAILABLE, {}, False),
        (FactKind.AVAILABLE, {"status": None}, False),
        (
            FactKind.AVAILABLE,
            {"status": {"conditions": [{"type": "Available", "status": "True"}]}},
            True,
        ),
        (
            FactKind.AVAILABLE,
            {"status": {"conditions": [{"type": "Established", "status": "True"}]}},
            False,
        ),
        (
            FactKind.ESTABLISHED,
            {"status": {"conditions": [{"type": "Established", "status": "Unknown"}]}},
            False,
        ),
        (FactKind.ESTABLISHED, {"status": {"conditions": [{"status": "True"}]}}, False),
        (FactKind.SERVING, {}, False),
        (FactKind.SERVING, {"endpoints": [{"conditions": {"ready": True}}]}, True),
        (FactKind.SERVING, {"endpoints": [{"conditions": {"ready": None}}]}, True),
        (FactKind.SERVING, {"items": [{}, {"endpoints": [{"conditions": None}]}]}, True),
        (
            FactKind.SERVING,
            {"items": [{"endpoints": [{"conditions": {"ready": False}}, {}]}]},
            True,
        ),
    ],
)
def test_a_fact_is_seen_in_the_live_object(
    kind: FactKind, live: dict[str, Any], holds: bool
) -> None:
    assert fact_holds(Fact(SEA, kind), live) is holds
