"""What a cluster forbids: the cause lives in the cluster, and may end without a commit."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.refusals.ground import Ground, deployment, means, pod, settings
from tests.kubernetes.refusals.webhook import Verdict, answering

from shoal.errors import ForbiddenByCluster

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


@means(ForbiddenByCluster, "a ResourceQuota is used up", "/Pod/web")
async def a_quota_that_is_used_up(ground: Ground) -> None:
    await _quota(ground, {"pods": "0"})
    await ground.apply_until("exceeded quota", ground.path("pods", "web"), pod())


@means(ForbiddenByCluster, "a ResourceQuota asks for", "/Pod/web")
async def a_quota_that_wants_limits(ground: Ground) -> None:
    await _quota(ground, {"limits.cpu": "4"})
    await ground.apply_until("failed quota", ground.path("pods", "web"), pod())


@means(ForbiddenByCluster, "a LimitRange refuses it", "/Pod/web")
async def a_limit_range_with_a_maximum(ground: Ground) -> None:
    await _limit_range(ground, {"max": {"cpu": "1"}})
    greedy = pod(resources={"limits": {"cpu": "2"}})
    await ground.apply_until("usage per", ground.path("pods", "web"), greedy)


@means(ForbiddenByCluster, "a LimitRange refuses it", "/Pod/web")
async def a_limit_range_with_a_minimum_and_a_maximum(ground: Ground) -> None:
    await _limit_range(ground, {"min": {"memory": "64Mi"}, "max": {"cpu": "1"}})
    odd = pod(resources={"limits": {"cpu": "2", "memory": "1Mi"}})
    await ground.apply_until("usage per", ground.path("pods", "web"), odd)


@means(ForbiddenByCluster, "a LimitRange refuses it", "/Pod/web")
async def a_limit_range_with_a_ratio(ground: Ground) -> None:
    await _limit_range(ground, {"maxLimitRequestRatio": {"cpu": "2"}})
    bursty = pod(resources={"limits": {"cpu": "2"}, "requests": {"cpu": "100m"}})
    await ground.apply_until("ratio", ground.path("pods", "web"), bursty)


@means(ForbiddenByCluster, "a LimitRange refuses it", "/PersistentVolumeClaim/data")
async def a_limit_range_for_claims(ground: Ground) -> None:
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}
    await _limit_range(ground, limit)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": spec}
    await ground.apply_until("usage per", ground.path("persistentvolumeclaims", "data"), claim)


@means(ForbiddenByCluster, "PodSecurity level", "/Pod/web")
async def pod_security(ground: Ground) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    await ground.admin.patch(f"/api/v1/namespaces/{ground.namespace}", label)
    await ground.apply_until("violates PodSecurity", ground.path("pods", "web"), pod())


@means(ForbiddenByCluster, "too many replicas", "apps/Deployment/web")
async def an_admission_policy(ground: Ground) -> None:
    await _policy(ground, "Invalid")
    await _apply_deployment_until(ground, "denied request")


@means(ForbiddenByCluster, "refused it", "apps/Deployment/web")
async def an_admission_policy_that_forbids(ground: Ground) -> None:
    await _policy(ground, "Forbidden")
    await _apply_deployment_until(ground, "denied request")


@means(ForbiddenByCluster, "refused it", "apps/Deployment/web")
async def an_admission_policy_that_answers_413(ground: Ground) -> None:
    await _policy(ground, "RequestEntityTooLarge")
    await _apply_deployment_until(ground, "denied request")


@means(ForbiddenByCluster, "refused it", "apps/Deployment/web")
async def an_admission_policy_whose_expression_fails(ground: Ground) -> None:
    await _policy(ground, "Invalid", expression="object.metadata.labels['team'] == 'sea'")
    await _apply_deployment_until(ground, "denied request")


@means(ForbiddenByCluster, "refused it", "apps/Deployment/web")
async def an_admission_policy_without_its_parameters(ground: Ground) -> None:
    await _policy(
        ground,
        "Invalid",
        expression="params.data.size() > 0",
        parameters={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    await _apply_deployment_until(ground, "no params found")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook(ground: Ground) -> None:
    async with answering(ground, Verdict(403, "no team is named")):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook_without_words(ground: Ground) -> None:
    async with answering(ground, Verdict()):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook_that_answers_401(ground: Ground) -> None:
    """As a refused credential would be; the cluster accepts us all the same."""
    async with answering(ground, Verdict(401, "your licence has expired")):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook_that_answers_409(ground: Ground) -> None:
    async with answering(ground, Verdict(409, "the host is taken")):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook_that_answers_500(ground: Ground) -> None:
    async with answering(ground, Verdict(500, "unknown field, says the webhook")):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "the admission webhook berths.example.com refused it", "/ConfigMap/a")
async def a_webhook_that_names_a_namespace(ground: Ground) -> None:
    async with answering(ground, Verdict(404, "namespaces are named by teams only")):
        await _apply_settings_until(ground, "denied the request")


@means(ForbiddenByCluster, "guest may not patch configmaps", "/ConfigMap/a")
async def no_rights(ground: Ground) -> None:
    options = {"fieldManager": "shoal", "force": "true"}
    body = {**settings(), "metadata": {"name": "a"}}
    await ground.guest.patch(ground.path("configmaps", "a"), body, form="apply", **options)


@means(ForbiddenByCluster, "may not grant rights that it does not have", "/ClusterRole/all")
async def rights_that_one_does_not_have(ground: Ground) -> None:
    await _let_guest_write_roles(ground)
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "all"},
        "rules": [rule],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    await ground.until("attempting to grant", lambda: ground.guest.create(path, role))


@means(ForbiddenByCluster, "PriorityClass", "/Pod/web")
async def a_priority_class_that_is_missing(ground: Ground) -> None:
    body = pod()
    body["spec"]["priorityClassName"] = "urgent"
    await ground.apply(ground.path("pods", "web"), body)


@means(ForbiddenByCluster, "RuntimeClass", "/Pod/web")
async def a_runtime_class_that_is_missing(ground: Ground) -> None:
    body = pod()
    body["spec"]["runtimeClassName"] = "gvisor"
    await ground.apply(ground.path("pods", "web"), body)


@means(ForbiddenByCluster, "may not be deleted", "/Namespace/kube-system")
async def a_namespace_that_stays(ground: Ground) -> None:
    await ground.admin.delete("/api/v1/namespaces/kube-system", **{"dryRun": "All"})


async def _quota(ground: Ground, hard: dict[str, str]) -> None:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": hard}}
    await ground.apply(ground.path("resourcequotas", "small"), body)


async def _limit_range(ground: Ground, limit: dict[str, Any]) -> None:
    limits = [{"type": "Container", **limit}]
    body = {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": limits}}
    await ground.apply(ground.path("limitranges", "limits"), body)


async def _policy(
    ground: Ground,
    reason: str,
    *,
    expression: str = "object.spec.replicas <= 1",
    parameters: dict[str, str] | None = None,
) -> None:
    """A policy for the Deployments of this namespace, which allows one replica."""
    name = f"limits-{ground.namespace}"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
    validation = {"expression": expression, "reason": reason, "message": "too many replicas"}
    spec: dict[str, Any] = {
        "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}]},
        "validations": [validation],
        **({"paramKind": parameters} if parameters else {}),
    }
    reference = {"name": "none", "parameterNotFoundAction": "Deny", "namespace": "default"}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": ground.selector},
        **({"paramRef": reference} if parameters else {}),
    }
    version = "admissionregistration.k8s.io/v1"
    for path, kind, each in (
        (POLICIES, "ValidatingAdmissionPolicy", spec),
        (BINDINGS, "ValidatingAdmissionPolicyBinding", binding),
    ):
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": each}
        await ground.put(path, body)


async def _apply_deployment_until(ground: Ground, saying: str) -> None:
    body = deployment()
    body["spec"]["replicas"] = 9
    await ground.apply_until(saying, ground.path("deployments", "web", "apps/v1"), body)


async def _apply_settings_until(ground: Ground, saying: str) -> None:
    await ground.apply_until(saying, ground.path("configmaps", "a"), settings(colour="blue"))


async def _let_guest_write_roles(ground: Ground) -> None:
    name = f"roles-{ground.namespace}"
    groups, roles = ["rbac.authorization.k8s.io"], "/apis/rbac.authorization.k8s.io/v1"
    rule = {"apiGroups": groups, "resources": ["clusterroles"], "verbs": ["create"]}
    version, metadata = f"{groups[0]}/v1", {"name": name}
    role = {"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": [rule]}
    await ground.put(f"{roles}/clusterroles", role)
    binding = {
        "apiVersion": version,
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": groups[0], "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": groups[0], "kind": "User", "name": "guest"}],
    }
    await ground.put(f"{roles}/clusterrolebindings", binding)
