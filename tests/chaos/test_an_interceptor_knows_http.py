"""Each trick of the interceptor, before a real API server and behind its own certificate."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import anyio
import orjson
import pytest
from tests.chaos.interceptor import Interceptor, Trick, interceptor

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError, Client, connect

pytestmark = pytest.mark.real


@asynccontextmanager
async def intercepted(plane: ControlPlane) -> AsyncIterator[tuple[Interceptor, Client]]:
    """An interceptor before this server, and a client that speaks to it."""
    port = int(plane.server.rpartition(":")[2])
    async with interceptor(plane.folder, port, random.Random(1)) as it:
        access = replace(plane.access("shoal"), server=f"https://127.0.0.1:{it.port}")
        async with connect(access) as client:
            with anyio.fail_after(20):
                yield it, client


def config_map(namespace: str, name: str) -> tuple[str, dict[str, object]]:
    metadata = {"name": name, "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return f"/api/v1/namespaces/{namespace}/configmaps", body


async def test_requests_and_answers_pass(clusters: Mapping[str, ControlPlane]) -> None:
    async with intercepted(clusters["dev"]) as (_, client):
        for _ in range(3):
            assert (await client.get("/version"))["gitVersion"]


@pytest.mark.parametrize("status", [410, 429, 500, 503])
async def test_it_answers_in_the_servers_place(
    clusters: Mapping[str, ControlPlane], status: int
) -> None:
    async with intercepted(clusters["dev"]) as (it, client):
        it.trick = Trick(status=status, retry_after=3)
        with pytest.raises(AnsweredError) as refused:
            await client.get("/version")
        it.trick = Trick(status=status, only_watches=True)

        assert (refused.value.code, refused.value.retry_after) == (status, "3")
        assert await client.get("/version")


async def test_a_watch_is_cut_in_the_middle_of_an_event(
    clusters: Mapping[str, ControlPlane], namespace: str
) -> None:
    path, body = config_map(namespace, "seen")
    async with intercepted(clusters["dev"]) as (it, client):
        version = (await client.get(path))["metadata"]["resourceVersion"]
        await client.create(path, body)
        it.trick = Trick(watch_bytes=450)
        events = client.watch(path, version)

        # What came is no whole line, so there is no event and no end that could be trusted.
        with pytest.raises((aiohttp.ClientError, StopAsyncIteration)):
            await anext(events)


async def test_a_write_is_delivered_when_its_client_has_gone(
    clusters: Mapping[str, ControlPlane], namespace: str
) -> None:
    plane = clusters["dev"]
    path, body = config_map(namespace, "late")
    async with intercepted(plane) as (it, client), plane.client() as direct:
        it.trick = Trick(hold_seconds=0.2)
        with pytest.raises(aiohttp.ClientError):
            await client.create(path, body)
        assert await direct.find(f"{path}/late") is None
        while await direct.find(f"{path}/late") is None:
            await anyio.sleep(0.02)
        (audit_id,) = it.late
        while not _is_logged(plane, audit_id):
            await anyio.sleep(0.02)


def _is_logged(plane: ControlPlane, audit_id: str) -> bool:
    lines = plane.audit_log.read_bytes().splitlines()
    return any(audit_id.encode() in line and orjson.loads(line) for line in lines)
