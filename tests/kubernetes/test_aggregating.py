"""Groups of other servers, on a real API server: looked at before anything is created there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import crd, widget
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.errors import OwnershipConflict
from shoal.model.identity import ObjectKey
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.connecting import TrustStore
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes import aggregating
from shoal_clusters.kubernetes.aggregating import Aggregation
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Transport

pytestmark = pytest.mark.real
_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


def resource(group: str, version: str = "v1") -> Resource:
    return Resource(group, version, "Widget", "widgets", is_namespaced=True)


def api_service(group: str) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 1,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": "default", "name": "elsewhere"},
        },
    }


async def test_a_group_that_a_service_answers_for_is_known_by_its_api_service(
    subject: Subject, world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregating, "REFRESH_SECONDS", 0.0)
    group = f"elsewhere.{world.namespace}.test"
    endpoint = await endpoint_of(world.plane, subject.host)
    run = subject.host.run_in_thread
    async with (
        Transport("dev", endpoint, TrustStore(), Pace(), run) as transport,
        world.plane.client() as client,
    ):
        aggregation = Aggregation(transport)
        before = await aggregation.serves(resource(group))
        await client.create(_SERVICES, api_service(group))
        try:
            after = await aggregation.serves(resource(group))
        finally:
            await client.delete(f"{_SERVICES}/v1.{group}")

        assert (before, after) == (False, True)
        assert not await aggregation.serves(
            Resource("apps", "v1", "Deployment", "deployments", True)
        )


async def test_built_in_kinds_and_known_groups_cost_no_request(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    group = f"known.{world.namespace}.test"
    async with bench(subject) as it:
        await it.sync(crd(group), widget(group, world.namespace, "one", size=1))
        start = await audit_position(plane.audit_log)
        await it.sync(
            crd(group),
            widget(group, world.namespace, "one", size=1),
            widget(group, world.namespace, "two", size=1),
            it.config_map("three", a="1"),
        )
        entries = await read_audit_log(plane.audit_log, since=start)

        assert [one for one in entries if one.user == "shoal" and "apiservices" in one.path] == []


async def test_what_such_a_server_keeps_is_looked_at_before_it_is_created(
    subject: Subject, world: PlaneWorld, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = f"far.{world.namespace}.test"
    async with bench(subject) as it:
        first = widget(group, world.namespace, "first", size=1)
        await it.sync(crd(group), first)
        async with plane.client() as client:
            path = f"/apis/{group}/v1/namespaces/{world.namespace}/widgets"
            await client.create(path, widget(group, world.namespace, "taken", size=1))

        async def is_far(self: Aggregation, found: Resource) -> bool:
            return found.group == group

        monkeypatch.setattr(Aggregation, "serves", is_far)
        start = await audit_position(plane.audit_log)
        results = await it.sync(
            crd(group),
            first,
            widget(group, world.namespace, "taken", size=2),
            widget(group, world.namespace, "free", size=2),
        )
        entries = await read_audit_log(plane.audit_log, since=start)
        ours = [one for one in entries if one.user == "shoal" and one.verb in ("get", "patch")]
        verbs = {name: [one.verb for one in ours if one.name == name] for name in ("taken", "free")}

        assert isinstance(results["taken"].error, OwnershipConflict)
        assert results["free"].error is None
        assert verbs == {"taken": ["get"], "free": ["get", "patch"]}
        key = ObjectKey(group, "Widget", world.namespace, "taken")
        assert (await world.read(key) or {})["spec"] == {"size": 1}
