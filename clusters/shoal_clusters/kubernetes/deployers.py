"""Deployers: the tools that objects are adopted from, by the names and marks that they leave. Pure.

Each name and each mark carries its reason. What other managers own (controllers, autoscalers,
operators) stays theirs when an object is adopted, and so does every mark that steers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from shoal.model.policies import ByHand
from shoal_clusters.kubernetes.takeover import is_by_hand

DEPLOYERS: Mapping[str, str] = {
    "helm": "Helm since 3.2",
    "helm-controller": "Flux, for a HelmRelease",
    "kustomize-controller": "Flux, for a Kustomization",
    "flux": "`flux bootstrap` and `flux install`",
    "gotk": "Flux before it had names for its controllers",
    "argocd-controller": "Argo CD with server-side apply",
    "argocd-application-controller": "Argo CD with client-side apply",
    "before-first-apply": "the API server's name for whoever wrote an object before managers had "
    "names, or without any being tracked",
    "Terraform": "the Kubernetes provider of Terraform and OpenTofu",
    "HashiCorp": "the same provider, when it is sent no name",
    "terraform-provider-*": "providers that call themselves by their program's name",
    "pulumi-kubernetes*": "Pulumi, which adds a random suffix",
    "fleetagent": "Rancher Fleet",
    "kapp": "Carvel's kapp",
    "kluctl": "kluctl",
}
"""Name, or pattern in the manner of a shell, of a field manager, and which tool it is.

Not here: names that any program may have (`Go-http-client`, `OpenAPI-Generator`, `node-fetch`),
for a controller may be behind them.
"""

FORMER_LABELS: Mapping[str, str] = {
    "kustomize.toolkit.fluxcd.io/name": "Flux prunes only what carries it",
    "kustomize.toolkit.fluxcd.io/namespace": "Flux prunes only what carries it",
    "helm.toolkit.fluxcd.io/name": "says that a HelmRelease owns it",
    "helm.toolkit.fluxcd.io/namespace": "says that a HelmRelease owns it",
    "argocd.argoproj.io/instance": "Argo CD finds, and prunes, what it tracks by this label",
}
FORMER_ANNOTATIONS: Mapping[str, str] = {
    "argocd.argoproj.io/tracking-id": "Argo CD finds, and prunes, what it tracks by this",
    "argocd.argoproj.io/installation-id": "says which of several Argo CDs tracks it",
    "meta.helm.sh/release-name": "Helm takes an object that carries it for part of a release",
    "meta.helm.sh/release-namespace": "Helm takes an object that carries it for part of a release",
    "kubectl.kubernetes.io/last-applied-configuration": "the next `kubectl apply` would remove "
    "what it names and a new file does not; and it is a second copy of the object",
}
"""Marks that are removed when an object is adopted, and what they would lead to.

Annotations such as `argocd.argoproj.io/sync-wave`, `helm.sh/resource-policy` or
`kustomize.toolkit.fluxcd.io/prune` tell a tool how to treat what it owns; without the marks above
it owns nothing, so they stay as harmless as any other.
"""

_INSTANCE = "app.kubernetes.io/instance"
_MANAGED_BY = "app.kubernetes.io/managed-by"


def is_deployer(manager: str, said: ByHand) -> bool:
    """Whether what this field manager owns of an adopted object becomes ours."""
    return is_by_hand(manager, said) or any(fnmatchcase(manager, each) for each in DEPLOYERS)


def former_marks(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The marks of other tools on a live object, as (`labels` or `annotations`, key).

    What Git has under the same key is Git's word and stays.
    """
    for part, known in (("labels", FORMER_LABELS), ("annotations", FORMER_ANNOTATIONS)):
        there, kept = _part(live, part), _part(wanted, part)
        yield from ((part, key) for key in there if key in known and key not in kept)
    labels, kept = _part(live, "labels"), _part(wanted, "labels")
    if _INSTANCE in labels and _INSTANCE not in kept and _is_tracked_by_label(live):
        yield "labels", _INSTANCE
    is_helms = labels.get(_MANAGED_BY) == "Helm" and _MANAGED_BY not in kept
    if is_helms and "meta.helm.sh/release-name" in _part(live, "annotations"):
        yield "labels", _MANAGED_BY


def _is_tracked_by_label(live: Mapping[str, Any]) -> bool:
    """Whether Argo CD wrote it: charts use the label that it tracks by, too."""
    entries = (live.get("metadata") or {}).get("managedFields") or ()
    return any(str(entry.get("manager", "")).startswith("argocd-") for entry in entries)


def _part(body: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    return (body.get("metadata") or {}).get(part) or {}
