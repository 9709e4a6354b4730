"""What is refused before it is sent: a real API server would not take it either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.kubernetes.bodies import deployment
from tests.kubernetes.planes import PlaneWorld, path_of
from tests.kubernetes.samples import prepared

from shoal.model.identity import ObjectKey
from shoal_clusters.controlplane.client import AnsweredError

pytestmark = pytest.mark.real


def config_map(**fields: Any) -> dict[str, Any]:
    metadata = {"name": "faulty", **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def secret(**data: str) -> dict[str, Any]:
    return {**config_map(), "kind": "Secret", "data": data}


def deployed(change: Callable[[Any], None]) -> dict[str, Any]:
    body = deployment("", "faulty")
    change(body["spec"]["template"]["spec"]["containers"])
    return dict(body)


def service(*ports: Any) -> dict[str, Any]:
    return {**config_map(), "kind": "Service", "spec": {"ports": list(ports)}}


FAULTS = {
    "a variable twice": deployed(
        lambda them: them[0].update(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])
    ),
    "a container twice": deployed(lambda them: them.append(dict(them[0]))),
    "a port of a container twice": deployed(
        lambda them: them[0].update(ports=[{"containerPort": 80}, {"containerPort": 80}])
    ),
    "a mount twice": deployed(
        lambda them: them[0].update(volumeMounts=[{"name": "a", "mountPath": "/a"}] * 2)
    ),
    "a port of a Service twice": service({"name": "a", "port": 80}, {"name": "b", "port": 80}),
    "values of more than 1 MiB": config_map(data={"a": "x" * (1024 * 1024 + 1)}),
    "annotations of more than 256 KiB": config_map(
        metadata={"annotations": {"a": "x" * (256 * 1024)}}
    ),
    "more than 3 MiB": config_map(data={"a": "x" * (3 * 1024 * 1024)}),
    "a value that is no base64": secret(a="not base64!"),
    "a value that is no text": config_map(data={"a": 1}),
    "a label that is no text": config_map(metadata={"labels": {"a": True}}),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_server_refuses_it_too(world: PlaneWorld, fault: str) -> None:
    body = FAULTS[fault]
    body = {**body, "metadata": {**body["metadata"], "namespace": world.namespace}}
    group = "apps" if body["kind"] == "Deployment" else ""
    path = path_of(ObjectKey(group, body["kind"], world.namespace, "faulty"))
    async with world.plane.client() as client:
        with pytest.raises(AnsweredError) as refusal:
            await client.apply(path, body, manager="shoal", force=True)

    assert prepared(body).refused
    assert refusal.value.code in (400, 413, 422, 500)
