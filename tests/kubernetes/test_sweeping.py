"""A sweep on a real API server: every kind that it serves, one list each, and what is left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.kubernetes.bodies import crd, deployment
from tests.kubernetes.planes import PlaneWorld, endpoint_of, path_of
from tests.kubernetes.test_pruning import unanswered_api

from shoal.errors import ForbiddenByCluster, ServerBusy
from shoal.hooks.host import Host
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.plans import OwnedState, ResultStatus, found
from shoal.model.sightings import DriftKind
from shoal.model.sweeps import Marked, Swept
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry, audit_position, read_audit_log
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.kubernetes import sweeping
from shoal_clusters.kubernetes.marks import FLEET_LABEL, OWNER_ANNOTATION
from shoal_clusters.kubernetes.session import KubernetesTarget

pytestmark = pytest.mark.real
CONFIG_MAP = GroupKind("", "ConfigMap")


@pytest.fixture
def fleet(namespace: str) -> str:
    """A fleet of the test's own, for a sweep sees all that carries the fleet's label."""
    return f"fleet-{namespace}"


@pytest.fixture
async def alone(subject: Subject, fleet: str) -> Subject:
    return replace(subject, host=replace(subject.host, fleet=fleet))


@asynccontextmanager
async def requests(plane: ControlPlane, user: str = "shoal") -> AsyncIterator[list[Entry]]:
    """What Shoal asks of the API server inside the block; filled when it ends."""
    seen: list[Entry] = []
    start = await audit_position(plane.audit_log)
    yield seen
    entries = await read_audit_log(plane.audit_log, since=start)
    seen += [entry for entry in entries if entry.user == user]


async def parts_of(it: Bench, *swept: GroupKind) -> list[Swept]:
    return [part async for part in it.session.sweep(swept)]


async def sweep(it: Bench) -> dict[ObjectKey, Marked]:
    """What a sweep finds, with the rows that an engine would make of it."""
    seen = [one for part in await parts_of(it) for one in part.found]
    for one in seen:
        target = TargetKey(one.application, it.cluster)
        it.inventory.setdefault(one.key, found(target, one.key, one.uid))
    return {one.key: one for one in seen}


async def test_every_kind_is_listed_once_in_pages_and_as_metadata(
    alone: Subject,
    world: PlaneWorld,
    plane: ControlPlane,
    fleet: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 2)
    group = f"{world.namespace}.example.org"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": fleet},
        "rules": [],
    }
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "gear", "namespace": world.namespace},
        "spec": {"size": 1},
    }
    async with bench(alone) as it:
        maps = [it.config_map(f"object-{at}", a="1") for at in range(5)]
        await it.sync(*maps, role, crd(group), widget)
        wanted = set(it.inventory)
    async with requests(plane) as sent, bench(alone, {}) as again:
        parts = await parts_of(again)
    async with bench(alone, it.inventory) as last:
        await last.sync()

    lists = [entry for entry in sent if "limit=2&" in f"{entry.path}&"]
    assert {one.key for part in parts for one in part.found} == wanted
    assert ObjectKey(group, "Widget", world.namespace, "gear") in wanted
    assert len({part.kind for part in parts}) == parts[0].kinds > 40
    assert all(part.error is None for part in parts)
    assert len(lists) == parts[0].kinds + 2  # five ConfigMaps are three pages
    assert {entry.code for entry in lists} == {200}
    assert not any(entry.verb in ("patch", "create", "delete") for entry in sent)


async def test_copies_strangers_and_what_was_let_go_are_not_found(
    alone: Subject, world: PlaneWorld, fleet: str
) -> None:
    async with bench(alone) as it:
        kept = it.config_map("kept", a="1")
        await it.sync(it.config_map("ours", a="1"), kept)
        mark = f"{fleet}/default/web:/ConfigMap:{world.namespace}/%s"
        for name, owner in (
            ("copied", mark % "another"),
            ("unapplied", mark % "unapplied"),
            ("theirs", f"other/default/web:/ConfigMap:{world.namespace}/theirs"),
        ):
            body = it.config_map(name, theirs="yes")
            body["metadata"]["labels"] = {FLEET_LABEL: fleet}
            body["metadata"]["annotations"] = {OWNER_ANNOTATION: owner}
            await world.create(body)
        await world.change(
            it.key("kept"), {"metadata": {"annotations": {"shoal.dev/prune": "Never"}}}
        )
    async with bench(alone, {}) as again:
        seen = await sweep(again)

    assert [key.name for key in seen] == ["ours"]


async def test_what_may_not_be_listed_everywhere_is_told_and_found_where_we_are(
    alone: Subject, world: PlaneWorld, plane: ControlPlane, shoal_host: Callable[..., Host]
) -> None:
    """Of a credential that reaches one namespace: the kind counts as not swept."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]
    root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{world.namespace}"
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "guest"}}
    group = "rbac.authorization.k8s.io"
    async with plane.client() as admin:
        await admin.create(f"{root}/roles", {**api, "kind": "Role", "rules": rules})
        binding: Mapping[str, Any] = {
            **api,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "guest"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "guest"}],
        }
        await admin.create(f"{root}/rolebindings", binding)
    host = replace(shoal_host(), fleet=alone.host.fleet)
    endpoint = await endpoint_of(plane, host, "guest")
    guest = Subject(KubernetesTarget(patience_seconds=2), "dev", endpoint, host, world)
    async with bench(alone) as it:
        await it.sync(it.config_map("one", a="1"), it.config_map("two", a="1"))
    rows = {key: row for key, row in it.inventory.items() if key.name == "one"}
    async with bench(guest, rows) as again:
        parts = [part for part in await parts_of(again) if part.kind == CONFIG_MAP]

    assert [one.key.name for part in parts for one in part.found] == ["one", "two"]
    assert not any(part.is_whole for part in parts)
    assert isinstance(parts[-1].error, ForbiddenByCluster)
    assert parts[-1].error.next_step.startswith("grant list on configmaps")


async def test_a_group_whose_server_is_down_is_told_and_ends_nothing(
    alone: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    services, group = "/apis/apiregistration.k8s.io/v1/apiservices", f"silent.{world.namespace}"
    async with bench(alone) as it:
        await it.sync(it.config_map("ours", a="1"))
    async with plane.client() as client:
        await client.create(services, unanswered_api(group))
        try:
            async with bench(alone, {}) as again:
                parts = await parts_of(again)
        finally:
            await client.delete(f"{services}/v1.{group}")

    (silent,) = [part for part in parts if part.error is not None]
    assert silent.kind == GroupKind(group, "")
    assert isinstance(silent.error, ServerBusy)
    assert [one.key.name for part in parts for one in part.found] == ["ours"]


async def test_an_object_that_no_row_knows_is_counted_until_it_has_one(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        ignored = it.config_map("ignored", a="1")
        await it.sync(it.config_map("known", a="1"), it.config_map("hole", a="1"), ignored)
    rows = {key: row for key, row in it.inventory.items() if key.name == "known"}
    async with bench(alone, rows) as again:

        async def is_counted() -> bool:
            return (await again.session.probe()).unknown_objects == 2

        assert await wait_until(is_counted, seconds=10)
        ignored["metadata"]["annotations"] = {"shoal.dev/apply": "Ignore"}
        await again.sync(again.config_map("known", a="1"), ignored)
        left = (await again.session.probe()).unknown_objects
        await sweep(again)
        after = (await again.session.probe()).unknown_objects

    assert (left, after) == (1, 0)


async def test_what_was_found_and_lost_its_marks_is_nobodys_and_is_not_deleted(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        await it.sync(it.config_map("mine", a="1"), it.config_map("kept", a="1"))
    unmarked = {"metadata": {"annotations": {OWNER_ANNOTATION: None}}}
    async with bench(alone, {}) as again:
        await sweep(again)
        await world.change(again.key("mine"), unmarked)
        sighting = await again.until(lambda one: one.key.name == "mine" and bool(one.drift))
        results = await again.sync(again.config_map("kept", a="1"))

        assert sighting.drift is not None
        assert sighting.drift.kind is DriftKind.TAKEN
        assert results["mine"].status is ResultStatus.FORGOTTEN
        assert await world.read(again.key("mine")) is not None


async def test_replicas_that_somebody_scales_are_not_taken_back_from_what_was_found(
    alone: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web", replicas=2)
    async with bench(alone) as it:
        await it.sync(body)
    async with world.plane.client() as client:
        await client.patch(f"{path_of(key)}/scale", {"spec": {"replicas": 5}})
    async with bench(alone, {}) as again:
        await sweep(again)
        results = await again.sync(body)

        assert statuses(results) == {"web": ResultStatus.UNCHANGED}
        assert (await world.read(key) or {})["spec"]["replicas"] == 5


async def test_what_is_created_once_is_left_as_it_is_when_it_was_found(
    alone: Subject, world: PlaneWorld
) -> None:
    async with bench(alone) as it:
        once = it.config_map("once", made="up")
        once["metadata"]["annotations"] = {"shoal.dev/apply": "IfNotPresent"}
        await it.sync(once)
    before = await world.read(it.key("once"))
    async with bench(alone, {}) as again:
        await sweep(again)
        results = await again.sync({**once, "data": {"made": "up anew"}})

        assert statuses(results) == {"once": ResultStatus.UNCHANGED}
        assert await world.read(again.key("once")) == before
        assert again.inventory[again.key("once")].state is OwnedState.CONFIRMED
