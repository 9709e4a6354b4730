"""Where real controllers stand beside an API server, what they make and remove is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from shoal.binaries import silent
from shoal.errors import BinaryUnavailable, ClusterUnreachable
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import read_audit_log
from shoal_clusters.controlplane.client import Client
from shoal_clusters.controlplane.controllers import USER, Controllers
from shoal_clusters.controlplane.fixtures import flavour_under_test, kubernetes_under_test
from shoal_clusters.controlplane.local import Flavour, local_fleet, locate_programs
from shoal_clusters.controlplane.programs import KUBERNETES, NEWEST
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.controlplane.workload_simulator import simulated_workloads
from shoal_clusters.controlplane.workloads import FAIL_ANNOTATION

pytestmark = pytest.mark.real
Body = dict[str, Any]
SECONDS = 60

PODS = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]},
}
SELECTOR = {"matchLabels": {"app": "web"}}


async def applied(client: Client, path: str, body: Body) -> Body:
    name = path.rpartition("/")[2]
    metadata = {"name": name, **body.get("metadata", {})}
    return await client.apply(path, {**body, "metadata": metadata}, manager="test")


async def reaches(client: Client, path: str, holds: Callable[[Body], bool]) -> bool:
    async def is_reached() -> bool:
        found = await client.find(path)
        return found is not None and holds(found)

    return await wait_until(is_reached, seconds=SECONDS)


async def goes(client: Client, path: str) -> bool:
    async def is_gone() -> bool:
        return await client.find(path) is None

    return await wait_until(is_gone, seconds=SECONDS)


def deployment(**annotations: str) -> Body:
    spec = {"replicas": 2, "selector": SELECTOR, "template": PODS, "progressDeadlineSeconds": 1}
    metadata = {"annotations": annotations}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def job(**annotations: str) -> Body:
    spec = {
        "backoffLimit": 0,
        "template": {"spec": {**PODS["spec"], "restartPolicy": "Never"}},
    }
    metadata = {"annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def condition(body: Body, kind: str) -> str:
    found = [one for one in body.get("status", {}).get("conditions", []) if one["type"] == kind]
    return f"{found[0]['status']} {found[0].get('reason', '')}".strip() if found else ""


async def test_a_deployment_gets_pods_and_endpoints_and_takes_them_along(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    inside = f"namespaces/{controlled_namespace}"
    path = f"/apis/apps/v1/{inside}/deployments/web"
    service = {"selector": {"app": "web"}, "ports": [{"port": 80, "protocol": "TCP"}]}

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(
            client,
            f"/api/v1/{inside}/services/web",
            {"apiVersion": "v1", "kind": "Service", "spec": service},
        )
        await applied(client, path, deployment())
        assert await reaches(client, path, lambda body: body["status"].get("readyReplicas") == 2)
        assert len((await client.get(f"/api/v1/{inside}/pods"))["items"]) == 2
        assert await reaches(
            client,
            f"/apis/discovery.k8s.io/v1/{inside}/endpointslices",
            lambda slices: sum(len(one["endpoints"] or ()) for one in slices["items"]) == 2,
        )

        await client.delete(path, propagationPolicy="Background")

        for kind in ("/apis/apps/v1/{}/replicasets", "/api/v1/{}/pods"):
            assert await reaches(client, kind.format(inside), lambda found: not found["items"])


async def test_a_deployment_fails_when_its_annotation_says_so(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{controlled_namespace}/deployments/web"

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, path, deployment(**{FAIL_ANNOTATION: "ImagePullBackOff"}))

        assert await reaches(
            client,
            path,
            lambda body: condition(body, "Progressing") == "False ProgressDeadlineExceeded",
        )


@pytest.mark.parametrize(
    ("annotations", "end"),
    [({}, "Complete"), ({FAIL_ANNOTATION: "Error"}, "Failed")],
    ids=["completes", "fails"],
)
async def test_a_job_ends(
    controlled_plane: ControlPlane,
    controlled_namespace: str,
    annotations: dict[str, str],
    end: str,
) -> None:
    path = f"/apis/batch/v1/namespaces/{controlled_namespace}/jobs/web"

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, path, job(**annotations))

        assert await reaches(client, path, lambda body: condition(body, end).startswith("True"))


async def test_a_daemon_set_has_a_pod_on_the_one_node(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{controlled_namespace}/daemonsets/web"
    spec = {"selector": SELECTOR, "template": PODS}

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, path, {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": spec})

        assert await reaches(client, path, lambda body: body["status"].get("numberReady") == 1)


async def test_a_stateful_set_becomes_ready_pod_by_pod(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{controlled_namespace}/statefulsets/web"
    spec = {"replicas": 2, "selector": SELECTOR, "template": PODS, "serviceName": "web"}

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, path, {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": spec})

        assert await reaches(client, path, lambda body: body["status"].get("readyReplicas") == 2)


async def test_a_namespace_goes_with_all_that_is_in_it(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    inside = f"namespaces/{controlled_namespace}"
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"colour": "blue"}}

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, f"/api/v1/{inside}/configmaps/settings", settings)
        path = f"/apis/apps/v1/{inside}/deployments/web"
        await applied(client, path, deployment())
        assert await reaches(client, path, lambda body: body["status"].get("readyReplicas") == 2)

        await client.delete(f"/api/v1/{inside}")

        assert await goes(client, f"/api/v1/{inside}")
        assert (await client.get(f"/api/v1/{inside}/pods"))["items"] == []


async def test_an_autoscaler_is_looked_after_and_says_that_there_are_no_metrics(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    inside = f"namespaces/{controlled_namespace}"
    path = f"/apis/autoscaling/v2/{inside}/horizontalpodautoscalers/web"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5}

    async with simulated_workloads([controlled_plane]), controlled_plane.client() as client:
        await applied(client, f"/apis/apps/v1/{inside}/deployments/web", deployment())
        await applied(
            client,
            path,
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec},
        )

        assert await reaches(
            client, path, lambda body: condition(body, "ScalingActive").startswith("False")
        )


async def test_the_audit_log_tells_the_controllers_from_everybody_else(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> None:
    async def is_logged() -> bool:
        entries = await read_audit_log(controlled_plane.audit_log)
        return any(
            (entry.user, entry.verb, entry.resource, entry.namespace)
            == (USER, "create", "serviceaccounts", controlled_namespace)
            for entry in entries
        )

    assert await wait_until(is_logged, seconds=5)


async def test_the_controllers_outlive_a_restart_of_their_server_and_end_with_the_fleet(
    tmp_path: Path,
) -> None:
    flavour = flavour_under_test(has_controllers=True)
    async with local_fleet(tmp_path / "fleet", ["one"], flavour=flavour) as fleet:
        cluster, process = fleet.clusters["one"], fleet.controllers["one"].process
        assert process is not None
        await cluster.kill()
        await cluster.start()
        async with cluster.client() as client:
            await client.create("/api/v1/namespaces", {"metadata": {"name": "later"}})

            account = "/api/v1/namespaces/later/serviceaccounts/default"
            assert await reaches(client, account, bool)
        assert process.is_alive()

    assert not process.is_alive()


async def test_controllers_that_cannot_start_show_the_end_of_their_log(
    clusters: Mapping[str, ControlPlane],
) -> None:
    located = await locate_programs(flavour_under_test(has_controllers=True), silent)
    assert located.controller_manager is not None
    # This server knows no user for controllers.
    broken = Controllers(clusters["dev"], located.controller_manager)

    with pytest.raises(ClusterUnreachable, match=rf"(?s)ended while starting.*kubeconfig-{USER}"):
        await broken.start()

    assert broken.process is None


async def test_controllers_of_another_version_than_their_server_are_refused(
    controlled_plane: ControlPlane, tmp_path: Path
) -> None:
    program = tmp_path / "kube-controller-manager"
    await anyio.Path(program).write_text("#!/bin/sh\necho Kubernetes v1.30.1\n")
    program.chmod(0o755)

    with pytest.raises(BinaryUnavailable, match=r"v1\.30\.1\) does not fit"):
        await Controllers(controlled_plane, program).start()


async def test_another_version_than_the_one_asked_for_is_refused(
    controlled_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = next(one for one in KUBERNETES if one != (kubernetes_under_test() or NEWEST))
    (tmp_path / "kube-apiserver").symlink_to(controlled_plane.program)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(BinaryUnavailable, match=f"and {other} was asked for"):
        async with local_fleet(tmp_path / "fleet", ["one"], flavour=Flavour(other)):
            pass
