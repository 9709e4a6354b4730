"""A credential that is renewed while a connection stands: no request fails because of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from aiohttp import web
from tests.kubernetes.tls_servers import Tokens, served

from shoal.errors import AccessDenied, InvalidDocument, Unauthenticated
from shoal.model.endpoints import Credential
from shoal_clusters.controlplane.certificates import Authority


async def test_a_401_reads_the_credential_again_and_repeats_when_it_changed(
    certificates: Path,
) -> None:
    tokens = Tokens()

    async def handler(request: web.BaseRequest) -> web.Response:
        is_new = request.headers["Authorization"] == "Bearer new"
        return web.Response(status=200 if is_new else 401)

    async with served(certificates, handler, tokens) as transport:
        tokens.token = "new"
        answer = await transport.request("GET", "/x")

    assert answer.status == 200
    assert tokens.reads == 2


async def test_a_401_with_the_same_credential_is_denied_and_not_asked_again(
    certificates: Path,
) -> None:
    tokens, asked = Tokens(), 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=401)

    async with served(certificates, handler, tokens) as transport:
        with pytest.raises(AccessDenied) as denied:
            await transport.request("GET", "/x")

    assert asked == 1
    assert "dev" in str(denied.value)
    assert "old" not in str(denied.value)


async def test_what_is_renewed_in_time_is_used_before_the_old_one_is_refused(
    certificates: Path,
) -> None:
    tokens, seen = Tokens(expires_at=datetime.now(UTC) + timedelta(seconds=30)), []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response()

    interval = timedelta(0)
    async with served(certificates, handler, tokens, credential_interval=interval) as transport:
        tokens.token, tokens.expires_at = "new", datetime.now(UTC) + timedelta(hours=1)
        for _ in range(3):
            await transport.request("GET", "/x")

    assert tokens.reads == 2
    assert seen == ["Bearer new"] * 3


async def test_a_clock_that_is_ahead_neither_refuses_a_credential_nor_reads_it_for_each_request(
    certificates: Path,
) -> None:
    tokens = Tokens(expires_at=datetime.now(UTC) - timedelta(hours=3))

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=401 if request.path == "/late" else 200)

    async with served(certificates, handler, tokens) as transport:
        answers = [(await transport.request("GET", "/x")).status for _ in range(20)]
        reads = tokens.reads
        with pytest.raises(Unauthenticated, match=r"refused the credential \(401\); it expired at"):
            await transport.request("GET", "/late")

    assert answers == [200] * 20
    assert reads == 1


async def test_a_client_certificate_that_is_replaced_in_its_file_is_used(
    certificates: Path, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "client.pem"

    def write(user: str) -> None:
        client = authority.sign_client(user, ())
        file.write_bytes(client.pem + client.key_pem)

    async def credential() -> Credential:
        return Credential(client_certificate_file=str(file))

    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        subject = request.transport.get_extra_info("peercert")["subject"]
        return web.Response(status=200 if ("commonName", "new") in subject[0] else 401)

    await anyio.to_thread.run_sync(write, "old")
    async with served(certificates, handler, credential) as transport:
        await anyio.to_thread.run_sync(write, "new")
        answers = [(await transport.request("GET", "/x")).status for _ in range(3)]

    assert answers == [200] * 3


async def test_a_watch_that_is_refused_uses_the_renewed_credential_the_next_time(
    certificates: Path,
) -> None:
    tokens = Tokens()

    async def handler(request: web.BaseRequest) -> web.Response:
        is_new = request.headers["Authorization"] == "Bearer new"
        return web.Response(status=200 if is_new else 401)

    async with served(certificates, handler, tokens) as transport:
        tokens.token = "new"
        found = []
        for _ in range(2):
            async with transport.stream("/w", query={}, deadline_seconds=5) as (answer, _lines):
                found.append(answer.status)

    assert found == [401, 200]


@dataclass
class Rewritten:
    """A kubeconfig that somebody is just writing, once it was read."""

    expires_at: datetime | None = None
    reads: int = 0

    async def __call__(self) -> Credential:
        self.reads += 1
        if self.reads > 1:
            raise InvalidDocument("kubeconfig prod is not YAML")
        return Credential(token="old", expires_at=self.expires_at)


async def test_a_file_that_is_just_written_costs_no_request_while_the_old_credential_counts(
    certificates: Path,
) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response()

    soon, interval = datetime.now(UTC) + timedelta(seconds=30), timedelta(0)
    rewritten = Rewritten(soon)
    async with served(certificates, handler, rewritten, credential_interval=interval) as transport:
        answers = [(await transport.request("GET", "/x")).status for _ in range(3)]

    assert answers == [200] * 3
    assert rewritten.reads == 4


async def test_a_file_that_is_just_written_is_a_matter_of_the_cluster_and_of_no_object(
    certificates: Path,
) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=401)

    async with served(certificates, handler, Rewritten()) as transport:
        with pytest.raises(AccessDenied, match="kubeconfig prod is not YAML"):
            await transport.request("PATCH", "/x", body=b"{}")
