"""Objects as other deployers leave them: their marks, their field managers, the way they write.

Each tool writes through a real API server as it does in life, so managedFields, defaults and
versions are the server's own; then a controller writes the status, as one would.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import path_of

from shoal.model.identity import ObjectKey
from shoal_clusters.controlplane.client import Client

Body = Mapping[str, Any]
Deploy = Callable[[Client, Body], Awaitable[None]]


def release(namespace: str) -> list[Any]:
    """What one application usually brings."""
    web = deployment(namespace, "web")
    web["spec"]["template"]["spec"]["containers"][0] |= {
        "env": [{"name": "MODE", "value": "fast"}],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
    }
    metadata = {"namespace": namespace, "labels": {"app.kubernetes.io/name": "web"}}
    password = base64.b64encode(b"swordfish").decode()
    return [
        web,
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "store", **metadata},
            "spec": {**deployment(namespace, "store")["spec"], "serviceName": "store"},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", **metadata},
            "spec": {
                "selector": {"app": "web"},
                "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", **metadata},
            "data": {"a": "1", "b": "2"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", **metadata},
            "type": "Opaque",
            "data": {"password": password},
        },
    ]


def key_of(body: Body) -> ObjectKey:
    group, slash, _ = str(body["apiVersion"]).rpartition("/")
    metadata = body["metadata"]
    return ObjectKey(group if slash else "", body["kind"], metadata["namespace"], metadata["name"])


def with_marks(
    body: Body,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body with a tool's labels and annotations beside its own."""
    metadata = dict(body["metadata"])
    for part, marks in (("labels", labels), ("annotations", annotations)):
        if marks:
            metadata[part] = {**(metadata.get(part) or {}), **marks}
    return {**body, "metadata": metadata}


async def by_helm(client: Client, body: Body) -> None:
    """`helm install`: a plain create by the client `helm`, with the marks of the release."""
    marked = with_marks(
        body,
        {"app.kubernetes.io/managed-by": "Helm"},
        {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "default"},
    )
    await _create(client, marked, "helm")


async def by_flux(client: Client, body: Body) -> None:
    """A Flux Kustomization: server-side apply by the kustomize-controller."""
    labels = {
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    await _apply(client, with_marks(body, labels), "kustomize-controller")


async def by_flux_helm(client: Client, body: Body) -> None:
    """A Flux HelmRelease: Helm's marks and Flux's, written by the helm-controller."""
    marked = with_marks(
        body,
        {
            "app.kubernetes.io/managed-by": "Helm",
            "helm.toolkit.fluxcd.io/name": "shop",
            "helm.toolkit.fluxcd.io/namespace": "flux-system",
        },
        {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "default"},
    )
    await _create(client, marked, "helm-controller")


async def by_argo_cd(client: Client, body: Body) -> None:
    """An Argo CD Application as it is by default: a client-side apply, tracked by annotation."""
    key = key_of(body)
    tracking = f"shop:{key.group}/{key.kind}:{key.namespace}/{key.name}"
    marked = with_marks(body, annotations={"argocd.argoproj.io/tracking-id": tracking})
    await _create(client, _with_last_applied(marked), "argocd-controller")


async def by_argo_cd_server_side(client: Client, body: Body) -> None:
    """The same with ServerSideApply=true, tracked by the label that older ones use."""
    marked = with_marks(body, {"app.kubernetes.io/instance": "shop"})
    await _apply(client, marked, "argocd-controller")


async def by_kubectl(client: Client, body: Body) -> None:
    """`kubectl apply`, on the client's side."""
    await _create(client, _with_last_applied(body), "kubectl-client-side-apply")


DEPLOYERS: Mapping[str, tuple[Deploy, str]] = {
    "Helm": (by_helm, "Helm release default/shop"),
    "Flux Kustomization": (by_flux, "Flux Kustomization flux-system/shop"),
    "Flux HelmRelease": (by_flux_helm, "Flux HelmRelease flux-system/shop"),
    "Argo CD": (by_argo_cd, "Argo CD application shop"),
    "Argo CD, server-side": (by_argo_cd_server_side, "Argo CD application shop"),
    "kubectl": (by_kubectl, "the client kubectl-client-side-apply"),
}
"""How each tool deploys, and how its objects are said to be owned."""


async def controlled(client: Client, key: ObjectKey) -> None:
    """What the Deployment controller writes soon after."""
    annotations = {"deployment.kubernetes.io/revision": "1"}
    await client.patch(
        path_of(key), {"metadata": {"annotations": annotations}}, fieldManager="controller"
    )
    status = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2}
    await client.patch(f"{path_of(key)}/status", {"status": status}, fieldManager="controller")


def _with_last_applied(body: Body) -> dict[str, Any]:
    copy = orjson.dumps(body).decode()
    name = "kubectl.kubernetes.io/last-applied-configuration"
    return with_marks(body, annotations={name: copy})


async def _create(client: Client, body: Body, manager: str) -> None:
    collection = path_of(key_of(body)).rpartition("/")[0]
    await client.request("POST", collection, body, parameters={"fieldManager": manager})


async def _apply(client: Client, body: Body, manager: str) -> None:
    await client.apply(path_of(key_of(body)), body, manager=manager)
