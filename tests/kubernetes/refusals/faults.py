"""Faults of an object: only another commit can mend them."""

from __future__ import annotations

from tests.kubernetes.refusals.ground import Ground, deployment, means, pod, settings

from shoal.errors import InvalidObject

MEBIBYTE = 1024 * 1024
BERTHS = "apiextensions.k8s.io/v1"


@means(InvalidObject, ".spec.replcas: field not declared in schema", "apps/Deployment/web")
async def an_unknown_field(ground: Ground) -> None:
    body = deployment()
    body["spec"]["replcas"] = 3
    await ground.apply(ground.path("deployments", "web", "apps/v1"), body)


@means(InvalidObject, 'duplicate entries for key [name="TOKEN"]', "apps/Deployment/web")
async def a_variable_named_twice(ground: Ground) -> None:
    twice = [{"name": "TOKEN", "value": "a"}, {"name": "TOKEN", "value": "b"}]
    await ground.apply(ground.path("deployments", "web", "apps/v1"), deployment(env=twice))


@means(InvalidObject, "illegal base64 data", "/Secret/login")
async def a_secret_that_is_not_base64(ground: Ground) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "data": {"password": "no base64!"}}
    await ground.apply(ground.path("secrets", "login"), body)


@means(InvalidObject, "expected numeric", "apps/Deployment/web")
async def a_value_of_the_wrong_type(ground: Ground) -> None:
    body = deployment()
    body["spec"]["replicas"] = "three"
    await ground.apply(ground.path("deployments", "web", "apps/v1"), body)


@means(InvalidObject, "spec.selector is immutable", "apps/Deployment/web")
async def an_immutable_field(ground: Ground) -> None:
    path = ground.path("deployments", "web", "apps/v1")
    await ground.apply(path, deployment())
    await ground.apply(path, deployment(app="shop"))


@means(InvalidObject, "spec is not allowed to be set or changed", "/Pod/web")
async def an_immutable_pod(ground: Ground) -> None:
    path = ground.path("pods", "web")
    await ground.apply(path, pod())
    await ground.apply(path, pod(command=["sleep"]))


@means(InvalidObject, "is required", "apps/Deployment/web")
async def a_required_field_that_is_missing(ground: Ground) -> None:
    body = deployment()
    del body["spec"]["selector"]
    await ground.apply(ground.path("deployments", "web", "apps/v1"), body)


@means(InvalidObject, "Too long", "/ConfigMap/settings")
async def a_config_map_beyond_its_limit(ground: Ground) -> None:
    await ground.apply(ground.path("configmaps", "settings"), settings(large="x" * (MEBIBYTE + 1)))


@means(InvalidObject, "larger than the API server takes", "/ConfigMap/settings")
async def a_body_beyond_the_servers_limit(ground: Ground) -> None:
    await ground.apply(ground.path("configmaps", "settings"), settings(large="x" * 4 * MEBIBYTE))


@means(InvalidObject, "larger than its database takes", "shop.example.com/Berth/one")
async def an_object_beyond_the_databases_limit(ground: Ground) -> None:
    """Between etcd's 1.5 MiB for a request and the 2 MiB that its client agrees to send."""
    await _apply_berth(ground, {"note": "x" * (1700 * 1024)}, "too large")


@means(InvalidObject, "larger than its database takes", "shop.example.com/Berth/one")
async def an_object_beyond_what_the_database_is_sent(ground: Ground) -> None:
    await _apply_berth(ground, {"note": "x" * (2500 * 1024)}, "larger than")


@means(InvalidObject, "spec.length", "shop.example.com/Berth/one")
async def a_custom_resource_against_its_schema(ground: Ground) -> None:
    await _apply_berth(ground, {"length": 0}, "is invalid")


@means(InvalidObject, "a berth needs a note or a length", "shop.example.com/Berth/one")
async def a_custom_resource_against_its_rules(ground: Ground) -> None:
    await _apply_berth(ground, {}, "is invalid")


@means(InvalidObject, "the server rejected our request", "/ConfigMap/settings")
async def a_patch_whose_test_fails(ground: Ground) -> None:
    path = ground.path("configmaps", "settings")
    await ground.apply(path, settings(colour="blue"))
    test = [{"op": "test", "path": "/data/colour", "value": "red"}]
    await ground.admin.patch(path, test, form="json")


@means(InvalidObject, "namespace", "/ConfigMap/settings")
async def a_namespace_that_is_not_the_paths(ground: Ground) -> None:
    body = {**settings(colour="blue"), "metadata": {"namespace": "elsewhere"}}
    await ground.apply(ground.path("configmaps", "settings"), body)


@means(InvalidObject, "Unsupported Media Type", "/ConfigMap/settings")
async def a_form_nobody_reads(ground: Ground) -> None:
    await ground.admin.request(
        "PATCH",
        ground.path("configmaps", "settings"),
        settings(),
        content_type="application/strange",
    )


async def _apply_berth(ground: Ground, spec: dict[str, object], saying: str) -> None:
    """Apply a custom resource of a new kind, until it is refused like this."""
    group = f"{ground.namespace}.example.com"
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "note": {"type": "string"},
                    "length": {"type": "integer", "minimum": 1},
                },
                "x-kubernetes-validations": [
                    {
                        "rule": "has(self.note) || has(self.length)",
                        "message": "a berth needs a note or a length",
                    }
                ],
            }
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "berths", "singular": "berth", "kind": "Berth", "listKind": "BerthList"}
    crd = {
        "apiVersion": BERTHS,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"berths.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    await ground.put(f"/apis/{BERTHS}/customresourcedefinitions", crd)
    await ground.serves(f"/apis/{group}/v1/namespaces/{ground.namespace}/berths")
    path = ground.path("berths", "one", f"{group}/v1")
    body = {"apiVersion": f"{group}/v1", "kind": "Berth", "spec": spec}
    await ground.until(saying, lambda: ground.apply(path, body))
