"""A controller with the rights that `shoal cluster rbac` prints does all of its work with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
import yaml
from click.testing import CliRunner
from tests.fleet.harness import (
    FleetUnderTest,
    config_map,
    deployment,
    document,
    eventually,
    path_of,
    until_data,
)
from tests.kubernetes.accounts import Kubelet

from shoal.cli.root import shoal
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry, audit_position, read_audit_log
from shoal_clusters.controlplane.client import Client
from shoal_clusters.kubernetes.plurals import plural

RBAC = "rbac.authorization.k8s.io"


def role(namespace: str, *verbs: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": namespace},
        "rules": [{"apiGroups": [""], "resources": ["endpoints"], "verbs": list(verbs)}],
    }


def role_binding(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }


def priority(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": 7,
    }


def all_of(namespace: str) -> list[dict[str, Any]]:
    return [
        config_map("settings", namespace, colour="blue"),
        config_map("gone-later", namespace),
        {**config_map("login", namespace, password="aHVudGVyMg=="), "kind": "Secret"},
        deployment("web", namespace),
        role(namespace, "get"),
        role_binding(namespace),
        priority(f"first-{namespace}"),
    ]


@pytest.fixture
async def inside(
    small_fleet: FleetUnderTest,
    clusters: Mapping[str, ControlPlane],
    namespace: str,
    tmp_path: Path,
) -> FleetUnderTest:
    """A fleet that runs in a Pod of its own cluster, and delivers into one namespace."""
    kubelet = Kubelet(clusters["dev"], namespace, tmp_path)
    await kubelet.write()
    small_fleet.pod = kubelet.pod
    small_fleet.write("cluster-dev.yaml", document("Cluster", "dev", {"access": {"inCluster": {}}}))
    small_fleet.repository.commit_shop(*all_of(namespace))
    return small_fleet


async def rights(fleet: FleetUnderTest, namespace: str, *options: str) -> list[dict[str, Any]]:
    """What the command prints for the account of the Pod."""
    arguments = ["cluster", "rbac", "--fleet", str(fleet.documents), *options]
    account = ["--account", f"{namespace}/shoal"]
    done = await anyio.to_thread.run_sync(CliRunner().invoke, shoal, [*arguments, *account])
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.stdout))


async def grant(admin: Client, documents: list[dict[str, Any]]) -> None:
    for body in documents:
        await admin.apply(path_of(body), body, manager="an-administrator", force=True)


async def refused(cluster: ControlPlane, start: int, namespace: str) -> list[Entry]:
    """What the account was not allowed, but what it asks for only to see more at once."""
    entries = await read_audit_log(cluster.audit_log, since=start)
    user = f"system:serviceaccount:{namespace}:shoal"
    return [one for one in entries if one.user == user and one.code == 403]


def is_of_a_sweep_beyond(one: Entry, namespace: str) -> bool:
    """A page, in a namespace that is known by then, of a kind that nothing delivers there."""
    delivered = {plural(each["kind"]) for each in all_of(namespace)}
    return one.verb == "list" and "limit=500" in one.path and one.resource not in delivered


async def deleted(admin: Client, manifest: Mapping[str, Any]) -> None:
    async def look() -> bool:
        return await admin.find(path_of(manifest)) is None

    await eventually(look, f"{path_of(manifest)} to be gone")


async def test_with_the_rights_that_are_printed_it_syncs_heals_prunes_and_sweeps(
    inside: FleetUnderTest, clusters: Mapping[str, ControlPlane], namespace: str, admin: Client
) -> None:
    await grant(admin, await rights(inside, namespace))
    start = await audit_position(clusters["dev"].audit_log)
    settings = config_map("settings", namespace, colour="blue")
    async with inside.running() as controller:
        await inside.until_phase("Synced")
        await admin.patch(
            path_of(settings), {"data": {"colour": "red"}}, fieldManager="kubectl-edit"
        )
        await until_data(admin, settings, {"colour": "blue"})
        kept = [one for one in all_of(namespace) if one["metadata"]["name"] != "gone-later"]
        inside.repository.write("shop/all.yaml", *kept)
        await inside.push("Remove one")
        await deleted(admin, config_map("gone-later", namespace))
        await inside.until_phase("Synced")
        (cluster,) = controller.clusters()

    assert (cluster.reachable, cluster.authorized) == ("True", "True")
    # Lists and watches over all namespaces are tried first; what replaces them is allowed. So it is
    # with what a sweep lists, of kinds that are delivered; the others it passes over (see --sweep).
    found = await refused(clusters["dev"], start, namespace)
    narrowed = [one for one in found if one.namespace and not is_of_a_sweep_beyond(one, namespace)]
    assert narrowed == []


async def test_what_a_commit_adds_beyond_them_is_refused_by_name_and_nothing_else(
    inside: FleetUnderTest, namespace: str, admin: Client
) -> None:
    await grant(admin, await rights(inside, namespace))
    second, wider = priority(f"second-{namespace}"), role(namespace, "get", "delete")
    kept = [one for one in all_of(namespace) if one["kind"] != "Role"]
    inside.repository.commit_shop(*kept, wider, second)
    async with inside.running():
        await inside.until_phase("Failed")
        view = inside.target("shop", "dev")
        found = [await admin.find(path_of(one)) for one in (kept[0], wider)]
        classes = await admin.get("/apis/scheduling.k8s.io/v1/priorityclasses")

    assert view is not None
    assert "may not grant rights that it does not have" in view.message
    assert "(and 1 more)" in view.message
    assert [one is not None for one in found] == [True, False]
    assert f"second-{namespace}" not in str(classes)


async def test_with_the_wide_rights_nothing_at_all_is_refused(
    inside: FleetUnderTest, clusters: Mapping[str, ControlPlane], namespace: str, admin: Client
) -> None:
    granted = await rights(inside, namespace, "--cluster-wide", "--sweep")
    await grant(admin, granted)
    start = await audit_position(clusters["dev"].audit_log)
    async with inside.running() as controller:
        await inside.until_phase("Synced")
        await inside.until(lambda: not controller.clusters()[0].warnings, "the sweep to end")

    assert await refused(clusters["dev"], start, namespace) == []


async def test_nothing_is_granted_that_was_not_used_or_named(
    inside: FleetUnderTest, namespace: str
) -> None:
    printed = await rights(inside, namespace)
    rules = [rule for body in printed for rule in body.get("rules", ())]

    assert not any("*" in each for rule in rules for each in rule.values())
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch", "create", "patch", "delete", "bind"}
