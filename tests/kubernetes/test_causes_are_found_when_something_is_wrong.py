"""Why something is not healthy is fetched then and only then, on a real API server.

No kubelet and no controller is there: pods, ReplicaSets and events are written as these would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import anyio
import pytest
from tests.kubernetes.bodies import deployment, job
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Sighting
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes.investigating import Cadence, Investigator
from shoal_clusters.kubernetes.register import Outbox, Register
from shoal_clusters.kubernetes.session import KubernetesTarget
from shoal_clusters.transport import Answer, Transport

pytestmark = pytest.mark.real
IMAGE = 'Back-off pulling image "app:1"'


@pytest.fixture
def quick(subject: Subject) -> Subject:
    """The same, with no time between looks."""
    cadence = Cadence(progressing=0, again=0.05, most=0.05, between=0)
    return replace(subject, target=KubernetesTarget(cadence=cadence))


def web(world: PlaneWorld) -> ObjectKey:
    return ObjectKey("apps", "Deployment", world.namespace, "web")


def saying(text: str) -> Callable[[Sighting], bool]:
    return lambda one: one.health is not None and text in one.health.reason


async def observed(world: PlaneWorld, key: ObjectKey, **status: Any) -> str:
    """The controller has seen the newest generation; the uid."""
    async with world.plane.client() as client:
        live = await client.get(path_of(key))
        seen = {"observedGeneration": live["metadata"]["generation"], **status}
        await client.patch(f"{path_of(key)}/status", {"status": seen})
        return str(live["metadata"]["uid"])


async def add(world: PlaneWorld, api: str, plural: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create an object in the namespace, with its status."""
    root = f"{api}/namespaces/{world.namespace}/{plural}"
    status = body.pop("status", None)
    async with world.plane.client() as client:
        made: dict[str, Any] = await client.create(root, body)
        if status:
            name = made["metadata"]["name"]
            await client.patch(f"{root}/{name}/status", {"status": status})
        return made


def owned(name: str, owner: tuple[str, str, str], **labels: str) -> dict[str, Any]:
    kind, of, uid = owner
    version = "batch/v1" if kind == "Job" else "apps/v1"
    reference = {"apiVersion": version, "kind": kind, "name": of, "uid": uid, "controller": True}
    return {"name": name, "labels": labels, "ownerReferences": [reference]}


async def add_replica_set(world: PlaneWorld, uid: str, **status: Any) -> str:
    template = deployment(world.namespace, "web")["spec"]["template"]
    body = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            **owned("web-1", ("Deployment", "web", uid), app="web", **{"pod-template-hash": "1"}),
            "annotations": {"deployment.kubernetes.io/revision": "1"},
        },
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        "status": status,
    }
    made = await add(world, "/apis/apps/v1", "replicasets", body)
    return str(made["metadata"]["uid"])


async def add_pod(
    world: PlaneWorld, owner: tuple[str, str, str], status: dict[str, Any], **labels: str
) -> str:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": owned("web-1-a", owner, **labels),
        "spec": {"containers": [{"name": "app", "image": "app:1"}]},
        "status": status,
    }
    made = await add(world, "/api/v1", "pods", body)
    return str(made["metadata"]["uid"])


async def add_event(world: PlaneWorld, uid: str, kind: str, reason: str, message: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"event.{reason.lower()}"},
        "involvedObject": {"kind": kind, "namespace": world.namespace, "name": "x", "uid": uid},
        "reason": reason,
        "message": message,
        "type": "Warning",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    await add(world, "/api/v1", "events", body)


def container(**waiting: str) -> dict[str, Any]:
    one = {"name": "app", "image": "app:1", "imageID": "", "ready": False, "restartCount": 0}
    return {"phase": "Pending", "containerStatuses": [{**one, "state": {"waiting": waiting}}]}


PARTS = {"app": "web", "pod-template-hash": "1"}


async def broken_image(it: Bench, world: PlaneWorld) -> None:
    """A Deployment whose only pod cannot get its image."""
    await it.sync(deployment(world.namespace, "web"))
    uid = await observed(world, web(world))
    replica_set = await add_replica_set(world, uid, replicas=1)
    status = container(reason="ImagePullBackOff", message=IMAGE)
    await add_pod(world, ("ReplicaSet", "web-1", replica_set), status, **PARTS)


async def test_a_deployment_names_the_container_and_its_image(
    quick: Subject, world: PlaneWorld
) -> None:
    async with bench(quick) as it:
        await broken_image(it, world)
        first = await it.until(saying("ImagePullBackOff"))
        second = await it.until(lambda one: one.health is not None and one.health.is_blocked)

        reason = f"container app of pod web-1-a: ImagePullBackOff: {IMAGE}"
        told = Health(HealthState.PROGRESSING, f"0 of 2 replicas are updated; {reason}")
        assert first.health == told
        assert second.health == told._replace(is_blocked=True)


async def test_a_quota_is_named_when_no_pod_can_be_made(quick: Subject, world: PlaneWorld) -> None:
    async with bench(quick) as it:
        await it.sync(deployment(world.namespace, "web"))
        uid = await observed(world, web(world))
        failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
        await add_replica_set(world, uid, replicas=0, conditions=[failure])
        sighting = await it.until(saying("quota"))

        assert sighting.health is not None
        assert sighting.health.reason.endswith("; no pod can be made: exceeded quota: small")


async def test_a_mount_that_fails_is_told_by_the_event_of_the_pod(
    quick: Subject, world: PlaneWorld
) -> None:
    async with bench(quick) as it:
        await it.sync(deployment(world.namespace, "web"))
        uid = await observed(world, web(world))
        replica_set = await add_replica_set(world, uid, replicas=1)
        status = container(reason="ContainerCreating")
        pod = await add_pod(world, ("ReplicaSet", "web-1", replica_set), status, **PARTS)
        await add_event(world, pod, "Pod", "FailedMount", 'secret "tls" not found')
        sighting = await it.until(saying("FailedMount"))

        assert sighting.health is not None
        assert sighting.health.reason.endswith(
            '; pod web-1-a has not started yet: FailedMount: secret "tls" not found'
        )


async def test_a_job_names_the_exit_code_of_its_pod(quick: Subject, world: PlaneWorld) -> None:
    key = ObjectKey("batch", "Job", world.namespace, "web")
    async with bench(quick) as it:
        await it.sync(job(world.namespace, "web"))
        async with world.plane.client() as client:
            live = await client.get(path_of(key))
        uid, labels = live["metadata"]["uid"], live["spec"]["selector"]["matchLabels"]
        one = {"name": "app", "image": "app:1", "imageID": "", "ready": False, "restartCount": 0}
        ended = {"exitCode": 3, "reason": "Error"}
        status = {
            "phase": "Failed",
            "containerStatuses": [{**one, "state": {"terminated": ended}}],
        }
        await add_pod(world, ("Job", "web", uid), status, **labels)
        sighting = await it.until(saying("exit code"))

        assert sighting.health is not None
        assert sighting.health.reason == (
            "it has not started yet; container app of pod web-1-a: it ends with exit code 3"
        )


async def test_a_claim_says_what_its_events_say(quick: Subject, world: PlaneWorld) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": world.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    key = ObjectKey("", "PersistentVolumeClaim", world.namespace, "data")
    async with bench(quick) as it:
        await it.sync(claim)
        uid = it.inventory[key].uid
        message = "no storage class is set"
        await add_event(world, uid, "PersistentVolumeClaim", "FailedBinding", message)
        sighting = await it.until(saying("FailedBinding"))

        assert sighting.health == Health(
            HealthState.PROGRESSING, f"no volume is bound to it yet; FailedBinding: {message}"
        )


async def test_a_cause_goes_with_the_trouble_and_stays_until_then(
    quick: Subject, world: PlaneWorld
) -> None:
    async with bench(quick) as it:
        await broken_image(it, world)
        await it.until(saying("ImagePullBackOff"))
        it.seen.clear()
        await observed(world, web(world), replicas=1, updatedReplicas=1)
        moved = await it.until(saying("1 of 2 replicas are updated"))
        counted = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        await observed(world, web(world), **dict.fromkeys(counted, 2))
        healthy = await it.until_health("web", HealthState.HEALTHY)

        assert moved.health is not None
        assert "ImagePullBackOff" in moved.health.reason
        assert healthy.health == Health(HealthState.HEALTHY)


async def test_nothing_is_asked_about_what_is_healthy_or_only_just_progressing(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        start = await audit_position(plane.audit_log)
        await broken_image(it, world)
        await it.sync(deployment(world.namespace, "web"), it.config_map("witness", a="1"))
        await it.until_health("witness", HealthState.HEALTHY)

        entries = await read_audit_log(plane.audit_log, since=start)
        asked = {entry.resource for entry in entries if entry.user == "shoal"}
        assert asked.isdisjoint({"pods", "replicasets", "events"})


async def test_one_look_costs_at_most_three_requests(
    quick: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(quick) as it:
        await it.sync(deployment(world.namespace, "web"))
        uid = await observed(world, web(world))
        replica_set = await add_replica_set(world, uid, replicas=1)
        status = container(reason="ContainerCreating")
        await add_pod(world, ("ReplicaSet", "web-1", replica_set), status, **PARTS)
        await it.until(saying("has not started yet"))
        start = await audit_position(plane.audit_log)
        asked: list[str] = []
        with anyio.fail_after(20):
            while asked.count("replicasets") < 3:
                await anyio.sleep(0.02)
                entries = await read_audit_log(plane.audit_log, since=start)
                asked = [entry.resource for entry in entries if entry.user == "shoal"]

        looks = asked.count("replicasets") + 1  # one may have begun before
        assert 1 <= asked.count("pods") <= looks
        assert 1 <= asked.count("events") <= looks


async def test_who_may_not_list_pods_gets_no_cause_and_is_not_asked_again(
    subject: Subject, world: PlaneWorld
) -> None:
    asked: list[str] = []

    class Refusing:
        cluster = "dev"

        async def request(self, method: str, path: str, **_: Any) -> Answer:
            asked.append(path.rpartition("/")[2])
            return Answer(403, {}, b"")

    register, outbox = Register({}), Outbox()
    cadence = Cadence(progressing=0, again=0, most=0, between=0)
    investigator = Investigator(cast(Transport, Refusing()), register, outbox, cadence=cadence)
    key = web(world)
    row = Owned(
        TargetKey(Ref("default", "web"), "dev"), key, "uid", "", "", b"", OwnedState.CONFIRMED
    )
    health = Health(HealthState.DEGRADED, "the rollout made no progress within its deadline")
    async with anyio.create_task_group() as tasks:
        investigator.worded(row, deployment(world.namespace, "web"), health)
        tasks.start_soon(investigator.run)
        with anyio.fail_after(5):
            while "events" not in asked:
                await anyio.sleep(0)
            for _ in range(100):
                await anyio.sleep(0)
        tasks.cancel_scope.cancel()

    assert sorted(asked) == ["events", "replicasets"]
    assert investigator.worded(row, deployment(world.namespace, "web"), health) == health
