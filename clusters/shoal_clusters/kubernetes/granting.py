"""Rights written down as RBAC: what an administrator applies so that Shoal may do its work.

A Role for each namespace, a ClusterRole for what has none, and their bindings to one service
account. Of kinds without a namespace only the objects in Git may be changed, by name; a new one is
refused until this is generated anew. Who hands out rights must have them (that is how Kubernetes
keeps users from making themselves administrators), so what Roles in Git allow is granted to Shoal
too, and it may bind exactly the roles that Git binds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shoal.model.digests import canonical
from shoal.model.manifests import Manifest
from shoal.model.rights import Delivered, Grants, Reach
from shoal_clusters.kubernetes.permitting import IDENTITY, Placed, Right, placed, rights_needed
from shoal_clusters.kubernetes.staging import NAMESPACE

RBAC = "rbac.authorization.k8s.io"
_WITHOUT_NAMES = frozenset({"create", "list", "watch"})
"""No request of these verbs names an object that there is."""
_SWEEP: Mapping[str, Any] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}

Rule = Mapping[str, Any]


class _Scoped(NamedTuple):
    """A rule, and the namespace that it holds in: all when it is empty."""

    namespace: str
    rule: Rule


def grants(delivered: Sequence[Delivered], reach: Reach) -> Grants:
    """The least that keeps all of this equal to Git, and what is to be known of it."""
    objects = placed(delivered)
    rights = rights_needed(objects)
    if reach.is_wide:
        rights = tuple(each if each == IDENTITY else each._replace(namespace="") for each in rights)
    names = {} if reach.is_wide else _names(objects)
    scoped = [*_rules(rights, names), *_handed_on(objects, is_wide=reach.is_wide)]
    if reach.can_sweep:
        scoped.append(_Scoped("", _SWEEP))
    by_namespace: dict[str, list[Rule]] = defaultdict(list)
    for namespace, rule in scoped:
        if rule not in by_namespace[namespace]:
            by_namespace[namespace].append(rule)
    bodies = [
        body
        for namespace, rules in sorted(by_namespace.items())
        for body in _role(namespace, rules, reach)
    ]
    manifests = tuple(Manifest(body, "cluster rbac") for body in bodies)
    return Grants(manifests, tuple(_notes(objects, by_namespace, reach)))


def _names(objects: Iterable[Placed]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The names of what has no namespace, by group and resource."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in objects:
        if not each.namespace:
            found[each.kind.group, each.plural].add(each.manifest.key.name)
    return {resource: tuple(sorted(names)) for resource, names in found.items()}


def _rules(
    rights: Iterable[Right], names: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterator[_Scoped]:
    """Rights as rules, one for all resources of a group on which the same verbs are needed."""
    verbs_of: dict[tuple[str, str, str, tuple[str, ...]], dict[str, None]] = defaultdict(dict)
    for right in rights:
        only = right.names or (() if right.namespace else names.get(right[:2], ()))
        for verb in right.verbs:
            named = () if verb in _WITHOUT_NAMES else only
            verbs_of[right.namespace, right.group, right.resource, named][verb] = None
    together: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for (namespace, group, resource, only), verbs in verbs_of.items():
        # Names are of objects of one kind: others of the same name are not meant.
        together[namespace, group, tuple(verbs), only, resource if only else ""].append(resource)
    for (namespace, group, verbs, only, _), resources in sorted(together.items()):
        rule = {"apiGroups": [group], "resources": sorted(resources), "verbs": list(verbs)}
        yield _Scoped(namespace, {**rule, "resourceNames": list(only)} if only else rule)


def _handed_on(objects: Iterable[Placed], *, is_wide: bool) -> Iterator[_Scoped]:
    """What it takes to write the roles and bindings that are in Git themselves."""
    for each in objects:
        if each.kind.group != RBAC or each.is_observed:
            continue
        body, kind = each.manifest.body, each.kind.kind
        where = "" if is_wide else each.namespace
        if kind in ("Role", "ClusterRole"):
            if body.get("aggregationRule"):
                yield _Scoped("", _named("clusterroles", "escalate", each.manifest.key.name))
            yield from (_Scoped(where, rule) for rule in body.get("rules") or ())
        else:
            bound = body.get("roleRef") or {}
            resource = "roles" if bound.get("kind") == "Role" else "clusterroles"
            yield _Scoped(where, _named(resource, "bind", str(bound.get("name"))))


def _named(resource: str, verb: str, name: str) -> Rule:
    return {"apiGroups": [RBAC], "resources": [resource], "verbs": [verb], "resourceNames": [name]}


def _role(namespace: str, rules: Sequence[Rule], reach: Reach) -> Iterator[Mapping[str, Any]]:
    kind = "Role" if namespace else "ClusterRole"
    name = f"shoal-{reach.fleet}"
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    head = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    account = {
        "kind": "ServiceAccount",
        "name": reach.account,
        "namespace": reach.account_namespace,
    }
    yield {**head, "kind": kind, "rules": sorted(rules, key=canonical)}
    role = {"apiGroup": RBAC, "kind": kind, "name": name}
    yield {**head, "kind": f"{kind}Binding", "roleRef": role, "subjects": [account]}


def _notes(
    objects: Sequence[Placed], by_namespace: Mapping[str, object], reach: Reach
) -> Iterator[str]:
    for each in sorted({each.kind for each in objects if each.is_guess}):
        (one, *_) = (found for found in objects if found.kind == each)
        scope = "in namespaces" if one.namespace else "without a namespace"
        yield (
            f"{each} is defined by nothing that is rendered: taken for {one.plural}, {scope}; "
            "compare it with `kubectl api-resources`"
        )
    made = {each.manifest.key.name for each in objects if each.kind == NAMESPACE}
    if early := sorted(made & by_namespace.keys()):
        yield (
            f"the fleet makes {', '.join(early)} itself, and a Role needs its namespace to be "
            "there first: create it by hand and adopt it (whenAlreadyExists), or grant with "
            "--cluster-wide"
        )
    if any(each.kind.group == RBAC and not each.is_observed for each in objects):
        yield (
            "roles are among what is delivered: whoever hands out rights must have them, so the "
            "account gets what these roles allow"
        )
    if reach.can_sweep:
        yield "list on every kind shows the values of all Secrets; RBAC cannot allow metadata alone"
