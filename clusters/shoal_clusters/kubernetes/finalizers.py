"""Finalizers: who takes them off an object that is being deleted, and what to do when nobody does.

A finalizer is a name, and by convention `domain/word` of the controller that put it there. Those of
Kubernetes itself and of common tools are in a table, of all others the domain is the best guess.
Pure; nothing is ever taken off by us, for behind a finalizer stands something that is not tidied up
yet: a disk, a load balancer, an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.model.identity import ObjectKey

KEEPERS: Mapping[str, str] = {
    "foregroundDeletion": "the garbage collector of kube-controller-manager, once all that it owns "
    "is gone",
    "orphan": "the garbage collector of kube-controller-manager",
    "kubernetes": "the namespace controller of kube-controller-manager, once all in it is gone",
    "kubernetes.io/pvc-protection": "kube-controller-manager, once no Pod uses it",
    "kubernetes.io/pv-protection": "kube-controller-manager, once no claim is bound to it",
    "batch.kubernetes.io/job-tracking": "the Job controller of kube-controller-manager",
    "customresourcecleanup.apiextensions.k8s.io": "the API server, once all custom resources of "
    "this kind are gone",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's service controller, once the load "
    "balancer is gone",
    "networking.gke.io": "GKE's ingress controller",
    "elbv2.k8s.aws": "the AWS Load Balancer Controller",
    "external-provisioner.volume.kubernetes.io": "the CSI provisioner, once the volume is gone",
    "external-attacher": "the CSI attacher, once the volume is detached",
    "snapshot.storage.kubernetes.io": "the snapshot controller",
    "finalizers.fluxcd.io": "the Flux controller of its kind",
    "resources-finalizer.argocd.argoproj.io": "Argo CD, once it has pruned the application",
}
"""A finalizer, or the part of it before the slash, and whose task it is."""


def keeper_of(finalizer: str) -> str:
    """Who likely takes a finalizer off, in words; empty when its name does not say."""
    domain, slash, _ = finalizer.partition("/")
    known = KEEPERS.get(finalizer) or KEEPERS.get(domain)
    if known:
        return known
    return f"the controller of {domain}" if slash or "." in domain else ""


def finalizers_of(live: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be taken off before the object is gone."""
    names = (live.get("metadata") or {}).get("finalizers") or ()
    of_namespace = (live.get("spec") or {}).get("finalizers") or ()
    return (*names, *(of_namespace if live.get("kind") == "Namespace" else ()))


def waits_for(live: Mapping[str, Any]) -> str:
    """Since when an object is being deleted, and for whom it waits."""
    since = str((live.get("metadata") or {}).get("deletionTimestamp") or "")
    told = f"it is being deleted since {since}" if since else "it is being deleted"
    finalizers = finalizers_of(live)
    if not finalizers:
        return told
    return f"{told} and waits for {'; '.join(map(_worded, finalizers))}"


def way_out(live: Mapping[str, Any], key: ObjectKey) -> str:
    """What to do about an object that is being deleted and does not go."""
    if key.kind == "Namespace" and not (live.get("metadata") or {}).get("finalizers"):
        return f"see what is left in it, and why: kubectl describe namespace {key.name}"
    if not finalizers_of(live):
        return ""
    kind = f"{key.kind}.{key.group}".lower().rstrip(".")
    where = f"-n {key.namespace} " if key.namespace else ""
    patch = '{"metadata":{"finalizers":null}}'
    return (
        "see whether that controller runs and what it logs; only when it is gone for good, take "
        f"the finalizer off: kubectl patch {kind} {key.name} {where}--type=merge -p '{patch}'"
    )


def _worded(finalizer: str) -> str:
    keeper = keeper_of(finalizer)
    said = f"which {'likely ' if finalizer not in KEEPERS else ''}{keeper} takes off"
    return f"its finalizer {finalizer}, {said}" if keeper else f"its finalizer {finalizer}"
