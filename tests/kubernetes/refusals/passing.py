"""What passes by itself: a server that is busy, something that is not there yet."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
from aiohttp import web
from tests.kubernetes.refusals.ground import DRY, Ground, means, pod, settings
from tests.kubernetes.refusals.webhook import bundle, configure, serving

from shoal.errors import MissingApi, MissingNamespace, ServerBusy, Unauthenticated
from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.client import AnsweredError, connect
from shoal_clusters.controlplane.ports import free_port

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
UNREACHABLE = "the admission webhook berths.example.com does not answer"
HERE = "/ConfigMap/a"


@means(Unauthenticated, "does not accept the credential", HERE)
async def a_bad_token(ground: Ground) -> None:
    access = replace(ground.plane.access("guest"), token="nobody-has-this")
    async with connect(access) as nobody:
        await nobody.get(ground.path("configmaps", "a"))


@means(ServerBusy, "too many requests", HERE)
async def too_many_requests(ground: Ground) -> None:
    """One user may have one request in flight, and its first one is held by a webhook."""
    await _give_one_seat(ground)
    path = ground.path("configmaps", "a")
    refused: list[AnsweredError] = []

    async def hold() -> None:
        body = {**settings(), "metadata": {"generateName": "held-"}}
        while True:
            with suppress(AnsweredError):
                await ground.guest.create(path.rpartition("/")[0], body)

    async with serving(_never) as (url, authority), anyio.create_task_group() as group:
        await configure(ground, {"url": url, "caBundle": authority}, seconds=30)
        group.start_soon(hold)
        try:
            await ground.until("Too many requests", lambda: ground.guest.get(path))
        except AnsweredError as error:
            refused.append(error)
        group.cancel_scope.cancel()
    raise refused[0]


@means(ServerBusy, "changed at the same moment", HERE)
async def a_version_that_is_no_more(ground: Ground) -> None:
    path = ground.path("configmaps", "a")
    old = await ground.apply(path, settings(colour="blue"))
    await ground.apply(path, settings(colour="red"))
    version = old["metadata"]["resourceVersion"]
    stale = [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]
    await ground.admin.patch(path, stale, form="json")


@means(ServerBusy, "changed at the same moment", HERE)
async def a_create_only_apply_of_what_is_there(ground: Ground) -> None:
    path = ground.path("configmaps", "a")
    await ground.apply(path, settings(colour="blue"))
    await ground.apply(path, {**settings(colour="red"), "metadata": {"resourceVersion": "1"}})


@means(ServerBusy, "changed at the same moment", HERE)
async def a_delete_of_another_version(ground: Ground) -> None:
    path = ground.path("configmaps", "a")
    body = await ground.apply(path, settings(colour="blue"))
    conditions = {"uid": body["metadata"]["uid"], "resourceVersion": "1"}
    await ground.admin.request("DELETE", path, {"preconditions": conditions})


@means(ServerBusy, "still being deleted", HERE)
async def an_old_object_that_still_goes(ground: Ground) -> None:
    path = ground.path("configmaps", "a")
    kept = {**settings(), "metadata": {"finalizers": ["example.com/kept"]}}
    await ground.apply(path, kept)
    try:
        await ground.admin.delete(path)
        body = {**settings(), "metadata": {"name": "a"}}
        await ground.admin.create(path.rpartition("/")[0], body)
    finally:
        await ground.admin.patch(path, {"metadata": {"finalizers": None}})


@means(ServerBusy, "answered 503", HERE)
async def an_aggregated_api_that_is_away(ground: Ground) -> None:
    group = f"{ground.namespace}.example.com"
    spec = {
        "group": group,
        "version": "v1",
        "service": {"namespace": ground.namespace, "name": "nobody"},
        "groupPriorityMinimum": 1,
        "versionPriority": 1,
        "insecureSkipTLSVerify": True,
    }
    version = "apiregistration.k8s.io/v1"
    metadata = {"name": f"v1.{group}"}
    body = {"apiVersion": version, "kind": "APIService", "metadata": metadata, "spec": spec}
    await ground.put(f"/apis/{version}/apiservices", body)
    path = f"/apis/{group}/v1/namespaces/{ground.namespace}/fish"
    await ground.until("unavailable", lambda: ground.admin.get(path))


@means(ServerBusy, "did not finish in time", HERE)
async def a_request_that_took_too_long(ground: Ground) -> None:
    """The server gives up before the webhook does."""

    async with serving(_never) as (url, authority):
        await configure(ground, {"url": url, "caBundle": authority}, seconds=30)
        path = ground.path("configmaps", "a")
        await ground.until(
            "did not complete",
            lambda: ground.apply(path, settings(), timeout="2s", **DRY),
        )


@means(ServerBusy, UNREACHABLE, HERE)
async def a_webhook_that_is_down(ground: Ground) -> None:
    url = f"https://127.0.0.1:{free_port()}/"
    await _call(ground, {"url": url, "caBundle": bundle(create_authority("nobody").pem)})


@means(ServerBusy, UNREACHABLE, HERE)
async def a_webhook_whose_service_is_missing(ground: Ground) -> None:
    service = {"namespace": ground.namespace, "name": "berths"}
    await _call(ground, {"service": service, "caBundle": bundle(create_authority("nobody").pem)})


@means(ServerBusy, UNREACHABLE, HERE)
async def a_webhook_that_nobody_trusts(ground: Ground) -> None:
    async with serving(_empty) as (url, _):
        await _call(ground, {"url": url, "caBundle": bundle(create_authority("other").pem)})


@means(ServerBusy, UNREACHABLE, HERE)
async def a_webhook_that_does_not_answer_in_time(ground: Ground) -> None:
    async with serving(_never) as (url, authority):
        await _call(ground, {"url": url, "caBundle": authority}, seconds=1)


@means(ServerBusy, UNREACHABLE, HERE)
async def a_webhook_that_answers_nonsense(ground: Ground) -> None:
    async with serving(_empty) as (url, authority):
        await _call(ground, {"url": url, "caBundle": authority})


@means(MissingNamespace, "the namespace shop does not exist", HERE)
async def a_namespace_that_is_missing(ground: Ground) -> None:
    path = ground.path("configmaps", "a").replace(ground.namespace, f"no-{ground.namespace}")
    await ground.apply(path, settings())


@means(MissingNamespace, "its namespace is being deleted", "/ConfigMap/b")
async def a_namespace_that_goes(ground: Ground) -> None:
    kept = {**settings(), "metadata": {"finalizers": ["example.com/kept"]}}
    await ground.apply(ground.path("configmaps", "kept"), kept)
    try:
        await ground.admin.delete(f"/api/v1/namespaces/{ground.namespace}")
        path = ground.path("configmaps", "b")
        await ground.until("being terminated", lambda: ground.apply(path, settings(), **DRY))
    finally:
        patch = {"metadata": {"finalizers": None}}
        with suppress(AnsweredError):
            await ground.admin.patch(ground.path("configmaps", "kept"), patch)


@means(MissingApi, "does not serve Fish.example.com", "example.com/Fish/cod")
async def a_group_that_is_missing(ground: Ground) -> None:
    body = {"apiVersion": "fish.example.com/v1", "kind": "Fish"}
    await ground.apply(ground.path("fish", "cod", "fish.example.com/v1"), body)


@means(MissingApi, "does not serve Fish.apps", "apps/Fish/cod")
async def a_resource_that_is_missing(ground: Ground) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Fish"}
    await ground.apply(ground.path("fish", "cod", "apps/v1"), body)


@means(ServerBusy, "its service account", "/Pod/web")
async def a_service_account_that_is_not_there_yet(ground: Ground) -> None:
    body: dict[str, Any] = pod()
    body["spec"]["serviceAccountName"] = "reader"
    await ground.apply(ground.path("pods", "web"), body)


@means(ServerBusy, "its conversion webhook does not answer", "shop.example.com/Buoy/one")
async def a_conversion_webhook_that_is_down(ground: Ground) -> None:
    group, schema = f"{ground.namespace}.example.com", {"type": "object"}
    authority = bundle(create_authority("nobody").pem)
    client = {"url": f"https://127.0.0.1:{free_port()}/", "caBundle": authority}
    conversion = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    versions = [
        {
            "name": name,
            "served": True,
            "storage": name == "v1",
            "schema": {"openAPIV3Schema": schema},
        }
        for name in ("v1", "v2")
    ]
    names = {"plural": "buoys", "singular": "buoy", "kind": "Buoy", "listKind": "BuoyList"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"buoys.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": versions,
            "conversion": {"strategy": "Webhook", "webhook": conversion},
        },
    }
    await ground.put("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    await ground.serves(f"/apis/{group}/v1/namespaces/{ground.namespace}/buoys")
    path = ground.path("buoys", "one", f"{group}/v2")
    await ground.apply(path, {"apiVersion": f"{group}/v2", "kind": "Buoy"})


async def _give_one_seat(ground: Ground) -> None:
    """Let the guest do everything in this namespace, one thing at a time."""
    name = f"one-{ground.namespace}"
    level = {
        "nominalConcurrencyShares": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    subjects = [{"kind": "User", "user": {"name": "guest"}}]
    schema = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": 500,
        "rules": [{"subjects": subjects, "resourceRules": [every]}],
    }
    for kind, spec in (
        ("PriorityLevelConfiguration", {"type": "Limited", "limited": level}),
        ("FlowSchema", schema),
    ):
        version = "flowcontrol.apiserver.k8s.io/v1"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        await ground.put(f"{FLOW}/{kind.lower()}s", body)
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "guest"}],
    }
    await ground.apply(ground.path("rolebindings", "guest", f"{group}/v1"), binding)


async def _call(ground: Ground, client: dict[str, Any], *, seconds: int = 5) -> None:
    await configure(ground, client, seconds=seconds)
    path = ground.path("configmaps", "a")
    await ground.apply_until("failed calling webhook", path, settings())


async def _empty(_: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def _never(_: web.BaseRequest) -> web.Response:
    await anyio.sleep_forever()
    raise AssertionError
