"""Rights as RBAC: from what is rendered, and no more than that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from tests.fleet.harness import config_map, deployment

from shoal.hooks.targets import GrantingTargetType
from shoal.model.manifests import Manifest
from shoal.model.rights import Delivered, Grants, Reach
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.kubernetes.granting import RBAC, grants
from shoal_clusters.kubernetes.plurals import CLUSTER_SCOPED, plural
from shoal_clusters.kubernetes.session import KubernetesTarget
from shoal_clusters.kubernetes.staging import BUILT_IN_GROUPS

FULL = ("get", "list", "watch", "create", "patch", "delete")
REACH = Reach(fleet="demo", account="shoal", account_namespace="shoal")
WIDE = Reach(fleet="demo", account="shoal", account_namespace="shoal", is_wide=True)


def granted(*bodies: Mapping[str, Any], observed: bool = False, reach: Reach = REACH) -> Grants:
    manifests = [Manifest(body, "all.yaml") for body in bodies]
    return grants([Delivered(manifests, is_observed=observed)], reach)


def allowed(found: Grants, namespace: str = "") -> set[tuple[str, ...]]:
    """(group, resource, verb, names…) of one role, each by itself."""
    return {
        (group, resource, verb, *rule.get("resourceNames", ()))
        for each in found.manifests
        if each.key.kind in ("Role", "ClusterRole") and each.key.namespace == namespace
        for rule in each.body["rules"]
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for verb in rule["verbs"]
    }


def on(resource: str, verbs: Iterable[str], *names: str, group: str = "") -> set[tuple[str, ...]]:
    return {(group, resource, verb, *names) for verb in verbs}


def cluster_object(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def test_an_object_in_a_namespace_takes_a_role_there_and_the_identity_of_the_cluster() -> None:
    found = granted(config_map("settings", "shop"))

    assert allowed(found, "shop") == on("configmaps", FULL)
    assert allowed(found, "kube-system") == on("namespaces", ["get"], "kube-system")
    assert allowed(found) == set()
    assert {each.key.name for each in found.manifests} == {"shoal-demo"}


def test_every_role_is_bound_to_the_account() -> None:
    found = granted(config_map("settings", "shop"), cluster_object("v1", "Namespace", "other"))
    roles = [one.key for one in found.manifests if not one.key.kind.endswith("Binding")]
    bindings = [one for one in found.manifests if one.key.kind.endswith("Binding")]

    assert [one.key._replace(kind=one.body["roleRef"]["kind"]) for one in bindings] == roles
    account = {"kind": "ServiceAccount", "name": "shoal", "namespace": "shoal"}
    assert all(one.body["subjects"] == [account] for one in bindings)


def test_of_what_has_no_namespace_only_the_objects_in_git_may_be_changed() -> None:
    found = granted(cluster_object("v1", "Namespace", "shop"))

    changed = on("namespaces", ["get", "patch", "delete"], "shop")
    assert allowed(found) == changed | on("namespaces", ["list", "watch", "create"])


def test_what_is_only_observed_may_not_be_written() -> None:
    found = granted(config_map("settings", "shop"), observed=True)

    assert allowed(found, "shop") == on("configmaps", ["get", "list", "watch"])


def test_an_object_that_is_replaced_may_be_updated_and_others_may_not() -> None:
    body = config_map("settings", "shop")
    body["metadata"]["annotations"] = {"shoal.dev/apply": "Replace"}

    assert allowed(granted(body), "shop") == on("configmaps", [*FULL, "update"])


def test_a_list_is_what_it_holds_and_the_default_namespace_is_meant_where_none_is_written() -> None:
    settings = config_map("settings", "shop")
    del settings["metadata"]["namespace"]
    found = granted({"apiVersion": "v1", "kind": "List", "items": [settings]})

    assert allowed(found, "default") == on("configmaps", FULL)


def test_a_workload_takes_what_tells_why_it_is_not_healthy_and_what_scales_it() -> None:
    found = granted(deployment("web", "shop"))

    assert allowed(found, "shop") == (
        on("deployments", FULL, group="apps")
        | on("replicasets", ["list"], group="apps")
        | on("pods", ["list"])
        | on("events", ["list"])
        | on("horizontalpodautoscalers", ["list"], group="autoscaling")
        | on("scaledobjects", ["list"], group="keda.sh")
    )


def test_a_custom_resource_is_called_as_its_definition_says() -> None:
    crd = cluster_object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "geese.example.org",
        spec={
            "group": "example.org",
            "scope": "Cluster",
            "names": {"kind": "Goose", "plural": "geese"},
        },
    )
    found = granted(crd, cluster_object("example.org/v1", "Goose", "one"))

    assert on("geese", ["patch"], "one", group="example.org") <= allowed(found)
    assert found.notes == ()


def test_the_plural_of_a_kind_that_nobody_defines_is_told_as_a_guess() -> None:
    body = cluster_object("example.org/v1", "Policy", "one")
    body["metadata"]["namespace"] = "shop"
    found = granted(body)

    assert on("policies", FULL, group="example.org") <= allowed(found, "shop")
    assert any("taken for policies, in namespaces" in note for note in found.notes)
    assert on("apiservices", ["list", "watch"], group="apiregistration.k8s.io") <= allowed(found)


def test_who_hands_out_rights_gets_them_where_they_are_handed_out() -> None:
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
    role = {**cluster_object(f"{RBAC}/v1", "Role", "reader"), "rules": [rule]}
    role["metadata"] = {"name": "reader", "namespace": "shop"}
    wide = cluster_object(f"{RBAC}/v1", "ClusterRole", "metrics")
    wide["rules"] = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    binding = cluster_object(f"{RBAC}/v1", "RoleBinding", "reader")
    binding["metadata"] = {"name": "reader", "namespace": "shop"}
    binding["roleRef"] = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    found = granted(role, wide, binding)

    assert on("deployments", ["get"], group="apps") <= allowed(found, "shop")
    assert on("clusterroles", ["bind"], "view", group=RBAC) <= allowed(found, "shop")
    (everywhere,) = (each for each in found.manifests if each.key.kind == "ClusterRole")
    assert wide["rules"][0] in everywhere.body["rules"]
    verbs = {entry[2] for entry in allowed(found) | allowed(found, "shop")}
    assert "escalate" not in verbs
    assert any("whoever hands out rights must have them" in note for note in found.notes)


def test_a_role_that_others_add_to_may_be_written_by_its_name() -> None:
    role = cluster_object(f"{RBAC}/v1", "ClusterRole", "all", aggregationRule={}, rules=[])
    role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}

    assert on("clusterroles", ["escalate"], "all", group=RBAC) <= allowed(granted(role))


def test_admission_waits_for_its_service_and_may_see_its_endpoints() -> None:
    service = {**config_map("hook", "shop"), "kind": "Service"}
    admission = cluster_object(
        "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "hook"
    )
    slices = on("endpointslices", ["list"], group="discovery.k8s.io")

    assert slices <= allowed(granted(service, admission), "shop")
    assert not slices & allowed(granted(service), "shop")


def test_a_namespace_that_the_fleet_makes_is_named_for_its_role_would_come_too_early() -> None:
    made = (cluster_object("v1", "Namespace", "shop"), config_map("settings", "shop"))

    assert any("makes shop itself" in note for note in granted(*made).notes)
    assert granted(*made, reach=WIDE).notes == ()


def test_wide_rights_are_over_all_namespaces_and_every_object_of_the_kinds() -> None:
    found = granted(
        config_map("settings", "shop"), cluster_object("v1", "Namespace", "shop"), reach=WIDE
    )

    assert allowed(found) == on("configmaps", FULL) | on("namespaces", FULL)
    assert allowed(found, "shop") == set()
    assert allowed(found, "kube-system") == on("namespaces", ["get"], "kube-system")


def test_a_sweep_may_list_everything_and_says_what_that_shows() -> None:
    reach = Reach(fleet="demo", account="shoal", account_namespace="shoal", can_sweep=True)
    found = granted(config_map("settings", "shop"), reach=reach)

    assert allowed(found) == {("*", "*", "list")}
    assert any("values of all Secrets" in note for note in found.notes)


def test_the_target_type_says_so_through_the_seam() -> None:
    target = KubernetesTarget()

    assert isinstance(target, GrantingTargetType)
    assert target.grants([], REACH).manifests == grants([], REACH).manifests


@pytest.mark.real
async def test_a_real_server_serves_its_own_kinds_as_they_are_called_here(
    plane: ControlPlane,
) -> None:
    wrong: list[str] = []
    seen = set[str]()
    async with plane.client() as client:
        groups = (await client.get("/apis"))["groups"]
        paths = {g["name"]: [v["groupVersion"] for v in g["versions"]] for g in groups}
        roots = [("", "/api/v1"), *((n, f"/apis/{v}") for n, all_ in paths.items() for v in all_)]
        for group, root in roots:
            if group not in BUILT_IN_GROUPS:
                continue
            for one in (await client.get(root))["resources"]:
                if "/" in one["name"] or "patch" not in one["verbs"]:
                    continue
                seen.add(one["kind"])
                is_namespaced = not any(
                    (kind.group, kind.kind) == (group, one["kind"]) for kind in CLUSTER_SCOPED
                )
                if (plural(one["kind"]), is_namespaced) != (one["name"], one["namespaced"]):
                    wrong.append(f"{one['kind']}.{group}: {one['name']}, {one['namespaced']}")

    assert wrong == []
    assert len(seen) > 40
