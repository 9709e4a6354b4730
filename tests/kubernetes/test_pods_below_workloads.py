"""The Pods of a workload are found by owner references, on a real API server; bounded, and said."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld
from tests.kubernetes.test_causes_are_found_when_something_is_wrong import (
    IMAGE,
    PARTS,
    add_pod,
    add_replica_set,
    container,
    observed,
    web,
)

from shoal.hooks.targets import DescendingSession
from shoal.model.descents import Descent
from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.kubernetes import descending
from shoal_clusters.kubernetes.descending import Workload, descend, health_of_pod
from shoal_clusters.transport import Answer, Transport


@pytest.mark.real
async def test_a_deployment_has_the_pods_of_its_replica_sets(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web"), it.config_map("witness", a="1"))
        uid = await observed(world, web(world))
        replica_set = await add_replica_set(world, uid, replicas=1)
        status = container(reason="ImagePullBackOff", message=IMAGE)
        await add_pod(world, ("ReplicaSet", "web-1", replica_set), status, **PARTS)
        stranger = {"app": "web", "of": "somebody-else"}
        session = it.session
        assert isinstance(session, DescendingSession)
        found = await session.pods(it.desired().target)
        async with world.plane.client() as client:
            body = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "stranger", "labels": stranger},
                "spec": {"containers": [{"name": "app", "image": "app:1"}]},
            }
            await client.create(f"/api/v1/namespaces/{world.namespace}/pods", body)
        again = await session.pods(it.desired().target)

    (pod,) = found.pods
    assert (pod.owner, pod.name, pod.through) == (web(world), "web-1-a", "ReplicaSet web-1")
    assert pod.health == Health(
        HealthState.DEGRADED, f"container app of pod web-1-a: ImagePullBackOff: {IMAGE}"
    )
    assert found.gaps == ()
    assert again == found


class Server:
    """Answers lists with these Pods, or with a status; `asked` are paths and queries."""

    def __init__(self, *pods: dict[str, Any], status: int = 200, goes_on: str = "") -> None:
        self.pods, self.status, self.goes_on = pods, status, goes_on
        self.asked: list[tuple[str, str]] = []

    async def request(self, method: str, path: str, query: Any, **_: Any) -> Answer:
        self.asked.append((path, query["labelSelector"]))
        listed = {"metadata": {"continue": self.goes_on}, "items": self.pods}
        return Answer(self.status, {}, orjson.dumps(listed))


def workload(kind: str, name: str = "web", group: str = "apps", **spec: Any) -> Workload:
    key = ObjectKey(group, kind, "shop", name)
    return Workload(key, f"uid-{name}", {"spec": spec})


def a_pod(name: str, owner: str, **metadata: Any) -> dict[str, Any]:
    reference = {"uid": owner, "controller": True}
    return {
        "metadata": {"name": name, "ownerReferences": [reference], **metadata},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


async def below(server: Server, *asked: Workload) -> Descent:
    return await descend(cast(Transport, server), asked)


async def test_pods_are_asked_for_by_selector_and_told_by_their_owner() -> None:
    server = Server(a_pod("a", "uid-web"), a_pod("b", "somebody-else"))

    found = await below(server, workload("StatefulSet", selector={"matchLabels": {"app": "web"}}))

    assert server.asked == [("/api/v1/namespaces/shop/pods", "app=web")]
    assert [(pod.name, pod.through, pod.health.state) for pod in found.pods] == [
        ("a", "", HealthState.HEALTHY)
    ]


async def test_the_pods_of_a_job_are_those_of_its_uid() -> None:
    server = Server()

    await below(server, workload("Job", group="batch"))

    assert server.asked == [("/api/v1/namespaces/shop/pods", "controller-uid=uid-web")]


async def test_what_may_not_be_listed_is_said_once() -> None:
    chosen = {"matchLabels": {"app": "web"}}
    both = [workload("DaemonSet", name, selector=chosen) for name in ("a", "b")]

    found = await below(Server(status=403), *both)

    assert found == Descent((), ("pods may not be listed in shop",))


async def test_what_is_too_much_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descending, "MOST_WORKLOADS", 1)
    chosen = {"matchLabels": {"app": "web"}}
    server = Server(a_pod("a", "uid-a"), goes_on="more")

    found = await below(
        server, *(workload("DaemonSet", name, selector=chosen) for name in ("a", "b"))
    )

    assert len(server.asked) == 1
    assert found.gaps == (
        "only 1 of 2 workloads were looked at",
        "only 100 pods of DaemonSet.apps shop/a are shown",
    )


async def test_a_server_that_fails_is_a_gap() -> None:
    chosen = {"matchLabels": {"app": "web"}}

    found = await below(Server(status=500), workload("DaemonSet", selector=chosen))

    assert found.gaps == ("pods of DaemonSet.apps shop/web cannot be listed: HTTP 500",)


def test_a_pod_that_goes_is_not_told_as_well() -> None:
    leaving = a_pod("a", "x", deletionTimestamp="2026-01-01T00:00:00Z")
    leaving["status"]["phase"] = "Running"

    assert health_of_pod(leaving) == Health(HealthState.PROGRESSING, "it is being deleted")
