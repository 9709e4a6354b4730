"""What Shoal asks of an API server, as rights: the one table of it.

For each kind of object in Git, and each namespace, the verbs that it takes to keep it equal; and
beside them the few things that are read because of what is there: who the cluster is, why a
workload is not healthy, what scales it. `granting` writes them down for an administrator. Never
among them: status, other subresources, collections deleted at once, the right to act as others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shoal.model.identity import GroupKind
from shoal.model.manifests import APPLY_ANNOTATION, Manifest
from shoal.model.rights import Delivered
from shoal_clusters.kubernetes.explaining import DEPLOYMENT, EXPLAINABLE, WITH_PODS
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.plurals import Plurals, plural
from shoal_clusters.kubernetes.preparing import DEFAULT_NAMESPACE, flatten
from shoal_clusters.kubernetes.scaling import SCALERS
from shoal_clusters.kubernetes.staging import is_custom

READ_VERBS = ("get", "list", "watch")
WRITE_VERBS = ("create", "patch", "delete")
"""An apply is a patch, and a create where there is nothing yet."""

_REPLACE_VERB = "update"
_SCALED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_ADMISSION = "admissionregistration.k8s.io"


class Right(NamedTuple):
    """Verbs on one resource; everywhere when `namespace` is empty, on `names` alone if given.

    `is_needed` is False for what is only read to say more: without it, nothing is refused.
    """

    group: str
    resource: str
    namespace: str
    verbs: tuple[str, ...]
    why: str
    names: tuple[str, ...] = ()
    is_needed: bool = True


IDENTITY = Right(
    "",
    "namespaces",
    "kube-system",
    ("get",),
    "the uid of kube-system says which cluster it is",
    ("kube-system",),
)


class Placed(NamedTuple):
    """One object of an application, and where its kind is served."""

    manifest: Manifest
    plural: str
    namespace: str
    is_guess: bool
    is_observed: bool

    @property
    def kind(self) -> GroupKind:
        """The kind without its version."""
        return self.manifest.key.group_kind


def placed(delivered: Iterable[Delivered]) -> list[Placed]:
    """Every object, with lists taken apart, and the namespace that it goes to."""
    flat = [
        (manifest, one.is_observed)
        for one in delivered
        for listed in one.manifests
        for manifest in flatten(listed)
    ]
    plurals = Plurals(manifest for manifest, _ in flat)
    found: list[Placed] = []
    for manifest, is_observed in flat:
        served = plurals.of(manifest)
        namespace = (manifest.key.namespace or DEFAULT_NAMESPACE) if served.is_namespaced else ""
        found.append(Placed(manifest, served.plural, namespace, served.is_guess, is_observed))
    return found


def rights_needed(objects: Sequence[Placed]) -> tuple[Right, ...]:
    """The rights that it takes to deliver these objects; the same right only once."""
    found = [IDENTITY, *(right for each in objects for right in _of_object(each))]
    found += _of_kinds_from_elsewhere(objects)
    return tuple(dict.fromkeys([*found, *_of_webhooks(objects)]))


def _of_object(each: Placed) -> Iterator[Right]:
    kind, where = each.kind, each.namespace
    why = f"{kind.kind}s are delivered"
    yield Right(kind.group, each.plural, where, READ_VERBS, why)
    if not each.is_observed:
        yield Right(kind.group, each.plural, where, WRITE_VERBS, why)
        if _is_replaced(each.manifest):
            why = f"some say {APPLY_ANNOTATION}: {Mode.REPLACE}"
            yield Right(kind.group, each.plural, where, (_REPLACE_VERB,), why)
    if kind in EXPLAINABLE:
        yield from _for_causes(kind, where)
    if kind.kind in _SCALED:
        why = "who scales a workload, when its replicas differ"
        for scaler in SCALERS:
            yield Right(scaler.group, plural(scaler.kind), where, ("list",), why)


def _for_causes(kind: GroupKind, where: str) -> Iterator[Right]:
    """What is read, then and only then, when an object is not healthy."""
    why = "why an object is not healthy"
    yield Right("", "events", where, ("list",), why, is_needed=False)
    if kind in WITH_PODS:
        yield Right("", "pods", where, ("list",), why, is_needed=False)
    if kind == DEPLOYMENT:
        yield Right("apps", "replicasets", where, ("list",), why, is_needed=False)


def _of_kinds_from_elsewhere(objects: Sequence[Placed]) -> Iterator[Right]:
    """Whether another server keeps them, and when a kind that is missing appears."""
    if not any(is_custom(each.kind) for each in objects):
        return
    why = "when the kind of a custom resource appears, and who serves it"
    group = "apiextensions.k8s.io"
    yield Right(group, "customresourcedefinitions", "", ("watch",), why, is_needed=False)
    services = ("list", "watch")
    yield Right("apiregistration.k8s.io", "apiservices", "", services, why, is_needed=False)


def _of_webhooks(objects: Sequence[Placed]) -> Iterator[Right]:
    """A configuration of admission waits until the Service that it calls has endpoints."""
    if not any(each.kind.group == _ADMISSION for each in objects):
        return
    why = "an admission webhook is registered once its Service answers"
    for each in objects:
        if each.kind == GroupKind("", "Service"):
            yield Right("discovery.k8s.io", "endpointslices", each.namespace, ("list",), why)


def _is_replaced(manifest: Manifest) -> bool:
    annotations = (manifest.body.get("metadata") or {}).get("annotations") or {}
    return annotations.get(APPLY_ANNOTATION) == Mode.REPLACE
