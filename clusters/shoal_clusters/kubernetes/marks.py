"""Marks: how an object says whose it is, and how we read what it says.

Two labels let a watch select what a fleet manages; an annotation names the owner *and the object
itself*, because controllers copy labels and annotations to what they make (EndpointSlices carry the
labels of their Service), and a copied mark must never lead to a prune. Marks are the truth; the
inventory is our memory of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shoal.model.identity import ObjectKey, Ref
from shoal.model.policies import ByHand
from shoal_clusters.kubernetes.deployers import is_deployer

MANAGER = "shoal"
"""The field manager of every write; changing it would orphan all fields that we own."""
FLEET_LABEL = "shoal.dev/fleet"
APPLICATION_LABEL = "shoal.dev/application"
OWNER_ANNOTATION = "shoal.dev/owner"
PRUNE_ANNOTATION = "shoal.dev/prune"
MARK_FIELDS: Mapping[str, Any] = {
    "f:metadata": {
        "f:annotations": {f"f:{OWNER_ANNOTATION}": {}},
        "f:labels": {f"f:{APPLICATION_LABEL}": {}, f"f:{FLEET_LABEL}": {}},
    }
}
"""Our marks as FieldsV1: all that is looked after of an object that is created only once."""
_LABEL_VALUE_LIMIT = 63  # k8s.io/apimachinery/pkg/util/validation: LabelValueMaxLength


class Holder(StrEnum):
    """Whose an object is, by its marks."""

    OURS = "ours"
    OTHER_FLEET = "other-fleet"
    COPIED = "copied"
    CONTROLLED = "controlled"
    UNAPPLIED = "unapplied"
    UNMARKED = "unmarked"


@dataclass(frozen=True, slots=True)
class OwnerMark:
    """The owner annotation, read."""

    fleet: str
    application: Ref
    key: ObjectKey


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a live object is; `mark` is the owner annotation when it could be read.

    OURS: this fleet's, for `application`. UNAPPLIED: the marks are right, but no write of ours is
    in managedFields (somebody copied the object, or cleared managedFields). COPIED: the mark names
    another object. CONTROLLED: a controller made it and owns it. UNMARKED: no readable mark.
    """

    holder: Holder
    mark: OwnerMark | None = None

    @property
    def application(self) -> Ref | None:
        """The application that the mark names."""
        return self.mark.application if self.mark else None


def owner_mark(fleet: str, application: Ref, key: ObjectKey) -> str:
    """The text of the owner annotation: owner, kind and name, each part unambiguous."""
    kind = f"{key.group}/{key.kind}"
    return f"{fleet}/{application}:{kind}:{key.namespace}/{key.name}"


def parse_owner_mark(text: str) -> OwnerMark | None:
    """Read an owner annotation; None when it is not one. Names of RBAC objects may hold colons."""
    parts = text.split(":", 2)
    if len(parts) != 3:
        return None
    owner, kind, name = (part.split("/") for part in parts)
    if (len(owner), len(kind), len(name)) != (3, 2, 2) or not all((*owner, kind[1], name[1])):
        return None
    return OwnerMark(
        owner[0], Ref(owner[1], owner[2]), ObjectKey(kind[0], kind[1], name[0], name[1])
    )


def application_label(application: Ref) -> str:
    """`<namespace>.<name>`, cut and made unique by 8 hex of SHA-256 where it is too long."""
    text = f"{application.namespace}.{application.name}"
    if len(text) <= _LABEL_VALUE_LIMIT:
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: _LABEL_VALUE_LIMIT - 9]}-{tail}"


def selector(fleet: str) -> str:
    """The label selector of everything that this fleet may have marked."""
    return f"{FLEET_LABEL}={fleet}"


def marked(
    body: Mapping[str, Any], *, fleet: str, application: Ref, key: ObjectKey
) -> dict[str, Any]:
    """A copy of the body with our marks; everything else is shared with it."""
    metadata = body.get("metadata") or {}
    return {
        **body,
        "metadata": {
            **metadata,
            "labels": {
                **(metadata.get("labels") or {}),
                FLEET_LABEL: fleet,
                APPLICATION_LABEL: application_label(application),
            },
            "annotations": {
                **(metadata.get("annotations") or {}),
                OWNER_ANNOTATION: owner_mark(fleet, application, key),
            },
        },
    }


def whose(live: Mapping[str, Any], key: ObjectKey, *, fleet: str) -> Ownership:
    """Whose a live object is. `key` is handed in: items of a LIST do not say their kind."""
    metadata = live.get("metadata") or {}
    if _controller(metadata):
        return Ownership(Holder.CONTROLLED)
    mark = parse_owner_mark(str((metadata.get("annotations") or {}).get(OWNER_ANNOTATION, "")))
    if mark is None:
        return Ownership(Holder.UNMARKED)
    if mark.key != key:
        return Ownership(Holder.COPIED, mark)
    if mark.fleet != fleet:
        return Ownership(Holder.OTHER_FLEET, mark)
    if not is_applied_by_us(metadata):
        return Ownership(Holder.UNAPPLIED, mark)
    return Ownership(Holder.OURS, mark)


def is_applied_by_us(metadata: Mapping[str, Any]) -> bool:
    """Whether managedFields holds a write of ours; a server that keeps none cannot deny it.

    What is replaced as a whole is noted as an Update, all else as an Apply.
    """
    entries = metadata.get("managedFields") or ()
    return not entries or any(
        entry.get("manager") == MANAGER and not entry.get("subresource") for entry in entries
    )


def applied_at(metadata: Mapping[str, Any]) -> str:
    """When we last changed the object, as the server noted it; when it was made where it did not.

    An apply that changes nothing leaves the time as it is. Empty when nobody can tell.
    """
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply":
            return str(entry.get("time") or "")
    return str(metadata.get("creationTimestamp") or "")


def owner_named(live: Mapping[str, Any], key: ObjectKey, *, fleet: str) -> str:
    """Who a live object belongs to, in words for a message; best guess first, never empty."""
    metadata = live.get("metadata") or {}
    ownership = whose(live, key, fleet=fleet)
    if ownership.mark and ownership.holder is Holder.OURS:
        return f"Shoal application {ownership.mark.application}"
    if ownership.mark and ownership.holder is Holder.OTHER_FLEET:
        theirs = f"application {ownership.mark.application}"
        return f"Shoal fleet {ownership.mark.fleet} ({theirs}; this is fleet {fleet})"
    controller = _controller(metadata)
    if controller:
        return f"its controller {controller.get('kind', '?')} {controller.get('name', '?')}"
    owner = _tool_named(metadata) or _managers_named(metadata)
    if ownership.mark and ownership.holder is Holder.UNAPPLIED:
        return (
            f"{owner} (it has the marks of Shoal application {ownership.mark.application}, copied "
            "or from a backup: Shoal did not write it)"
        )
    return owner


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            found: Mapping[str, Any] = reference
            return found
    return None


def _tool_named(metadata: Mapping[str, Any]) -> str:
    """Other deployers, by the marks that they document."""
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    for prefix, what in (("kustomize", "Kustomization"), ("helm", "HelmRelease")):
        name = labels.get(f"{prefix}.toolkit.fluxcd.io/name")
        if name:
            return f"Flux {what} {labels.get(f'{prefix}.toolkit.fluxcd.io/namespace', '?')}/{name}"
    tracking = str(annotations.get("argocd.argoproj.io/tracking-id", "")).partition(":")[0]
    tracking = tracking or str(labels.get("argocd.argoproj.io/instance", ""))
    if not tracking and any(name.startswith("argocd-") for name in _managers(metadata)):
        tracking = str(labels.get("app.kubernetes.io/instance", ""))  # the label of older ones
    if tracking:
        return f"Argo CD application {tracking}"
    release = annotations.get("meta.helm.sh/release-name")
    if release:
        namespace = annotations.get("meta.helm.sh/release-namespace", "?")
        return f"Helm release {namespace}/{release}"
    if labels.get("olm.managed") == "true" or labels.get("olm.owner"):
        return f"OLM {labels.get('olm.owner', '')}".rstrip()
    return ""


def _managers_named(metadata: Mapping[str, Any]) -> str:
    """The clients that deployed it; where none of these is known for that, all that wrote it."""
    managers = _managers(metadata)
    if not managers:
        return "nobody that its metadata names"
    deployers = {name for name in managers if is_deployer(name, ByHand())}
    return f"the client {', '.join(sorted(deployers or managers))}"


def _managers(metadata: Mapping[str, Any]) -> set[str]:
    return {
        str(entry["manager"])
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager") and not entry.get("subresource")
    }
