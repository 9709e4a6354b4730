"""A cluster that is built anew at the same address gets no write that was meant for the old one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from tests.kubernetes.tls_servers import Tokens, served

from shoal.errors import ClusterUnreachable
from shoal_clusters.kubernetes.probing import Probe
from shoal_clusters.transport import Transport

KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


@dataclass
class Cluster:
    """Answers with its uid; `uid` may change, which closes nothing. `asked` are all requests."""

    uid: str = "the-first"
    asked: list[str] = field(default_factory=list)
    connections: dict[str, object] = field(default_factory=dict)
    closes: bool = False

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        self.connections[self.asked[-1]] = request.transport
        if request.path == KUBE_SYSTEM:
            return web.json_response({"metadata": {"uid": self.uid}})
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.37.0"})
        answer = web.json_response({})
        if self.closes:
            answer.force_close()
        return answer

    def count(self, what: str) -> int:
        return self.asked.count(what)


def bound(transport: Transport) -> Probe:
    """As a session does it."""
    probe = Probe(transport)
    transport.prove_before_writing(probe.prove)
    return probe


async def test_reading_needs_no_proof_and_the_first_write_one_over_a_connection_of_its_own(
    certificates: Path,
) -> None:
    cluster = Cluster()

    async with served(certificates, cluster.answer, Tokens()) as transport:
        bound(transport)
        await transport.request("GET", "/x")
        read_only = cluster.count(f"GET {KUBE_SYSTEM}")
        await transport.request("PATCH", "/x", body=b"{}")
        written = list(cluster.asked)
        await transport.request("PATCH", "/x", body=b"{}")

    assert read_only == 0
    assert written == ["GET /x", f"GET {KUBE_SYSTEM}", "PATCH /x"]
    assert cluster.asked == [*written, "PATCH /x"]
    assert cluster.connections["PATCH /x"] is cluster.connections["GET /x"]
    assert cluster.connections[f"GET {KUBE_SYSTEM}"] is not cluster.connections["PATCH /x"]


async def test_connections_that_are_made_together_are_proven_together(certificates: Path) -> None:
    cluster = Cluster()

    async with served(certificates, cluster.answer, Tokens()) as transport:
        bound(transport)
        async with anyio.create_task_group() as tasks:
            for _ in range(16):
                tasks.start_soon(transport.request, "DELETE", "/x")

    assert cluster.count("DELETE /x") == 16
    assert cluster.count(f"GET {KUBE_SYSTEM}") <= 4


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
async def test_another_cluster_at_the_same_address_gets_no_write(
    certificates: Path, method: str
) -> None:
    cluster = Cluster(closes=True)

    async with served(certificates, cluster.answer, Tokens()) as transport:
        probe = bound(transport)
        await probe.facts()
        await transport.request(method, "/x")
        before = cluster.count(f"{method} /x")
        cluster.uid = "another"
        with pytest.raises(ClusterUnreachable) as refused:
            await transport.request(method, "/x")
        cluster.uid = "the-first"
        await transport.request(method, "/x")

    assert "another cluster answers for dev (uid another, not the-first)" in str(refused.value)
    assert before == 1
    assert cluster.count(f"{method} /x") == 2


async def test_the_cluster_that_was_met_first_stays_the_one_that_is_written_to(
    certificates: Path,
) -> None:
    cluster = Cluster()

    async with served(certificates, cluster.answer, Tokens()) as transport:
        probe = bound(transport)
        first = await probe.facts()
        cluster.uid = "another"
        second = await probe.facts()
        with pytest.raises(ClusterUnreachable):
            await transport.request("PATCH", "/x", body=b"{}")

    assert (first.uid, second.uid) == ("the-first", "another")
    assert cluster.count("PATCH /x") == 0


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"metadata": {"uid": ""}}', "null"])
async def test_what_is_no_api_server_is_said_to_be_none(certificates: Path, body: str) -> None:
    async def portal(request: web.BaseRequest) -> web.Response:
        return web.Response(text=body)

    async with served(certificates, portal, Tokens()) as transport:
        probe = bound(transport)
        for asks in (probe.facts(), transport.request("PATCH", "/x", body=b"{}")):
            with pytest.raises(ClusterUnreachable, match="as an API server does"):
                await asks
