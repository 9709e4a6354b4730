"""A real API server takes the manifests that deploy Shoal, and its Pod where nothing more is."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping

import pytest
from tests.deploy.manifests import base, moved, one, pod
from tests.fleet.harness import path_of

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError, Client

pytestmark = pytest.mark.real


@pytest.fixture
async def admin(clusters: Mapping[str, ControlPlane]) -> AsyncIterator[Client]:
    async with clusters["dev"].client() as client:
        yield client


@pytest.fixture
async def place(admin: Client) -> str:
    """A namespace as the base makes it, under another name."""
    body = moved(one("Namespace"), f"shoal-{secrets.token_hex(4)}")
    await admin.create("/api/v1/namespaces", body)
    return str(body["metadata"]["name"])


async def test_every_object_of_the_base_is_taken_without_an_unknown_field(
    admin: Client, place: str
) -> None:
    for body in base():
        if body["kind"] != "Namespace":
            mine = moved(body, place)
            query = {"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"}
            taken = await admin.patch(path_of(mine), mine, form="apply", **query)

            assert taken["metadata"]["name"] == body["metadata"]["name"]


async def test_its_pod_is_admitted_where_pods_are_restricted(admin: Client, place: str) -> None:
    mine = moved(pod(), place)
    made = await admin.request(
        "POST", path_of(mine).rpartition("/")[0], body=mine, parameters={"dryRun": "All"}
    )

    assert made["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("missing", ["runAsNonRoot", "seccompProfile"])
async def test_a_pod_that_leaves_one_of_these_out_is_not_admitted_there(
    admin: Client, place: str, missing: str
) -> None:
    mine = moved(pod(), place)
    del mine["spec"]["securityContext"][missing]

    with pytest.raises(AnsweredError, match="restricted"):
        await admin.create(path_of(mine).rpartition("/")[0], mine)
