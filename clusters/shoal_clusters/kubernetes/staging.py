"""Staging: in which order objects are written and deleted, and what is waited for between.

The order follows Flux (fluxcd/pkg/ssa, its kind order): what others stand on first. Objects of one
stage may be written at once. Waiting is for facts about live objects, never for time: a `Fact` says
what must be seen, `fact_holds` whether a live body shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from shoal.model.documents import WORKLOAD_KINDS
from shoal.model.identity import GroupKind, ObjectKey

CRD = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
NAMESPACE = GroupKind("", "Namespace")
API_SERVICE = GroupKind("apiregistration.k8s.io", "APIService")
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""Groups that kube-apiserver serves itself; a kind of any other group is a custom resource.

Listed, because the ending tells nothing: `gateway.networking.k8s.io` is served from CRDs.
"""

# Kinds by the stage they are written in; a kind that is not here comes after all of these (stage
# `_REST`), admission configuration after everything.
_WRITE_STAGES: tuple[frozenset[GroupKind], ...] = (
    frozenset(
        {
            CRD,
            NAMESPACE,
            GroupKind(_RBAC, "ClusterRole"),
            GroupKind("cluster.x-k8s.io", "ClusterClass"),
            GroupKind("node.k8s.io", "RuntimeClass"),
            GroupKind("scheduling.k8s.io", "PriorityClass"),
            GroupKind("storage.k8s.io", "StorageClass"),
            GroupKind("storage.k8s.io", "CSIDriver"),
            GroupKind("storage.k8s.io", "VolumeAttributesClass"),
            GroupKind("resource.k8s.io", "DeviceClass"),
            GroupKind("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
            GroupKind("networking.k8s.io", "IngressClass"),
            GroupKind("gateway.networking.k8s.io", "GatewayClass"),
        }
    ),
    frozenset(
        {
            GroupKind("", "ResourceQuota"),
            GroupKind("", "LimitRange"),
            GroupKind("", "ServiceAccount"),
            GroupKind(_RBAC, "Role"),
        }
    ),
    frozenset({GroupKind(_RBAC, "RoleBinding"), GroupKind(_RBAC, "ClusterRoleBinding")}),
    frozenset(
        {
            GroupKind("", "ConfigMap"),
            GroupKind("", "Secret"),
            GroupKind("", "PersistentVolume"),
            GroupKind("", "PersistentVolumeClaim"),
        }
    ),
    # Before workloads: kubelets put the Services that exist into the environment of a Pod.
    frozenset({GroupKind("", "Service"), GroupKind("", "Endpoints")}),
    frozenset(
        {
            GroupKind("apps", "Deployment"),
            GroupKind("apps", "StatefulSet"),
            GroupKind("batch", "CronJob"),
            GroupKind("policy", "PodDisruptionBudget"),
        }
    ),
)
_REST = len(_WRITE_STAGES)
_LAST = _REST + 1
_STAGE_OF: Mapping[GroupKind, int] = {
    kind: stage for stage, kinds in enumerate(_WRITE_STAGES) for kind in kinds
}

BodyOf = Callable[[ObjectKey], Mapping[str, Any]]
"""The body of one object of a set."""

_POLICY_OF_WORKLOADS = frozenset({"policy", "autoscaling"})


class FactKind(StrEnum):
    """What must be seen of an object before others that stand on it are written."""

    ESTABLISHED = "is established"
    ACTIVE = "is active"
    AVAILABLE = "is available"
    SERVING = "has ready endpoints"


class Fact(NamedTuple):
    """Something that must be seen of one object. Text form: a sentence.

    The body that shows SERVING is an EndpointSliceList of the Service; of all others it is the
    object itself.
    """

    key: ObjectKey
    kind: FactKind

    def __str__(self) -> str:
        return f"{self.key} {self.kind}"


def stages(keys: Iterable[ObjectKey]) -> list[list[ObjectKey]]:
    """The keys in the order they are written: stage by stage, sorted within, none empty."""
    return _grouped(keys, _write_stage)


def deletion_stages(keys: Iterable[ObjectKey]) -> list[list[ObjectKey]]:
    """The keys in the order they are deleted.

    Admission configuration goes first (left alone, its missing Service would refuse the rest), then
    custom resources while their controllers run, workloads, services and configuration, RBAC and
    classes, CRDs, Namespaces.
    """
    return _grouped(keys, _deletion_stage)


def needs(keys: Collection[ObjectKey], body_of: BodyOf) -> dict[ObjectKey, frozenset[Fact]]:
    """For each object of a set that stands on others *of the same set*: the facts it waits for.

    What is not in the set is not waited for: the API server's answer says whether it is missing.
    Bodies are asked for where they matter: of CRDs, APIServices and admission configuration.
    """
    kinds = {kind: key for key in keys for kind in _defined_kinds(key, body_of)}
    groups = {group: key for key in keys for group in _served_groups(key, body_of)}
    found: dict[ObjectKey, frozenset[Fact]] = {}
    for key in keys:
        facts = frozenset(_facts_for(key, body_of, keys, kinds, groups))
        if facts:
            found[key] = facts
    return found


def fact_holds(fact: Fact, live: Mapping[str, Any] | None) -> bool:
    """Whether a live body shows the fact; an object that is not there shows nothing."""
    if live is None:
        return False
    status = live.get("status") or {}
    match fact.kind:
        case FactKind.ACTIVE:
            is_going = (live.get("metadata") or {}).get("deletionTimestamp")
            return not is_going and status.get("phase") == "Active"
        case FactKind.ESTABLISHED:
            return _has_condition(status, "Established")
        case FactKind.AVAILABLE:
            return _has_condition(status, "Available")
        case FactKind.SERVING:
            return any(_is_ready(slice_) for slice_ in live.get("items") or (live,))


def is_custom(kind: GroupKind) -> bool:
    """Whether a kind is served from a CRD or an aggregated server."""
    return kind.group not in BUILT_IN_GROUPS


def _write_stage(key: ObjectKey) -> int:
    if key.group == _ADMISSION:
        return _LAST
    return _STAGE_OF.get(key.group_kind, _REST)


def _deletion_stage(key: ObjectKey) -> int:
    kind = key.group_kind
    if key.group == _ADMISSION:
        return 0
    if is_custom(kind) and kind not in _STAGE_OF:
        return 1
    if kind in WORKLOAD_KINDS or key.group in _POLICY_OF_WORKLOADS:
        return 2
    if kind == NAMESPACE:
        return 6
    if kind == CRD:
        return 5
    if key.group == _RBAC or kind == GroupKind("", "ServiceAccount") or _STAGE_OF.get(kind) == 0:
        return 4
    return 3


def _grouped(
    keys: Iterable[ObjectKey], stage_of: Callable[[ObjectKey], int]
) -> list[list[ObjectKey]]:
    found: dict[int, list[ObjectKey]] = {}
    for key in sorted(keys):
        found.setdefault(stage_of(key), []).append(key)
    return [found[stage] for stage in sorted(found)]


def _defined_kinds(key: ObjectKey, body_of: BodyOf) -> Iterator[GroupKind]:
    if key.group_kind == CRD:
        spec = body_of(key).get("spec") or {}
        kind = (spec.get("names") or {}).get("kind")
        if kind:
            yield GroupKind(str(spec.get("group")), str(kind))


def _served_groups(key: ObjectKey, body_of: BodyOf) -> Iterator[str]:
    if key.group_kind == API_SERVICE:
        spec = body_of(key).get("spec") or {}
        if spec.get("service") and spec.get("group"):
            yield str(spec["group"])


def _facts_for(
    key: ObjectKey,
    body_of: BodyOf,
    present: Collection[ObjectKey],
    kinds: Mapping[GroupKind, ObjectKey],
    groups: Mapping[str, ObjectKey],
) -> Iterator[Fact]:
    namespace = ObjectKey("", "Namespace", "", key.namespace)
    if key.namespace and namespace in present:
        yield Fact(namespace, FactKind.ACTIVE)
    if key.group_kind in kinds:
        yield Fact(kinds[key.group_kind], FactKind.ESTABLISHED)
    elif key.group in groups:
        yield Fact(groups[key.group], FactKind.AVAILABLE)
    for service in _webhook_services(key, body_of):
        if service in present:
            yield Fact(service, FactKind.SERVING)


def _webhook_services(key: ObjectKey, body_of: BodyOf) -> Iterator[ObjectKey]:
    """The Services that an admission configuration calls."""
    if key.group != _ADMISSION:
        return
    for webhook in body_of(key).get("webhooks") or ():
        service = (webhook.get("clientConfig") or {}).get("service") or {}
        if service.get("name"):
            yield ObjectKey("", "Service", str(service.get("namespace")), str(service["name"]))


def _has_condition(status: Mapping[str, Any], name: str) -> bool:
    return any(
        condition.get("type") == name and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )


def _is_ready(slice_: Mapping[str, Any]) -> bool:
    """Whether an EndpointSlice has an endpoint; one that does not say is ready (discovery/v1)."""
    return any(
        (endpoint.get("conditions") or {}).get("ready") is not False
        for endpoint in slice_.get("endpoints") or ()
    )
