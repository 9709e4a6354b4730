"""The transport, against small servers that misbehave on purpose."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from aiohttp import web

from shoal.errors import AccessDenied, ClusterUnreachable
from shoal.model.endpoints import Credential, Endpoint
from shoal.testing.hosts import run_in_thread
from shoal_clusters.connecting import TrustStore
from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.limiting import Limiter
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Transport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Tokens:
    """A credential that may be renewed; counts how often it was read."""

    def __init__(self, token: str = "old") -> None:
        self.token = token
        self.reads = 0

    async def __call__(self) -> Credential:
        self.reads += 1
        return Credential(token=self.token)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = create_authority("test authority")
    serving = authority.sign_server("test server")
    (folder / "ca.crt").write_bytes(authority.pem)
    (folder / "serving.pem").write_bytes(serving.pem + serving.key_pem)
    return folder


@asynccontextmanager
async def served(
    certificates: Path,
    handler: Handler,
    tokens: Tokens,
    *,
    ca_file: str | None = None,
    seconds: float = 5,
    in_flight: int = 16,
) -> AsyncIterator[Transport]:
    """A transport to a TLS server on loopback that answers with `handler`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    await anyio.to_thread.run_sync(context.load_cert_chain, certificates / "serving.pem")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    endpoint = Endpoint(
        f"https://127.0.0.1:{port}",
        tokens,
        ca_file=str(certificates / "ca.crt") if ca_file is None else ca_file,
        requests_in_flight=in_flight,
        timeout=timedelta(seconds=seconds),
    )
    try:
        async with Transport("dev", endpoint, TrustStore(), Pace(), run_in_thread) as transport:
            yield transport
    finally:
        await runner.cleanup()


async def test_a_401_reads_the_credential_again_and_repeats_when_it_changed(
    certificates: Path,
) -> None:
    tokens = Tokens()

    async def handler(request: web.Request) -> web.Response:
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

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=401)

    async with served(certificates, handler, tokens) as transport:
        with pytest.raises(AccessDenied) as denied:
            await transport.request("GET", "/x")

    assert asked == 1
    assert "dev" in str(denied.value)
    assert "old" not in str(denied.value)


async def test_a_429_is_sent_again_after_as_long_as_the_server_says(certificates: Path) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.Response(text="done")

    async with served(certificates, handler, Tokens()) as transport:
        started = anyio.current_time()
        answer = await transport.request("GET", "/x")

        assert answer.body == b"done"
        assert anyio.current_time() - started >= 1
        assert transport.limiter.capacity == 8


async def test_no_answer_within_the_deadline_is_unreachable(certificates: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        await anyio.sleep(30)
        return web.Response()

    async with served(certificates, handler, Tokens(), seconds=0.2) as transport:
        with pytest.raises(ClusterUnreachable, match=r"dev .*GET /x: timed out after 0.2 s"):
            await transport.request("GET", "/x")


async def test_a_server_that_nobody_vouches_for_is_not_spoken_to(
    certificates: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.crt").write_bytes(create_authority("another authority").pem)
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response()

    other = str(tmp_path / "other.crt")
    async with served(certificates, handler, Tokens(), ca_file=other) as transport:
        with pytest.raises(ClusterUnreachable, match="certificate is not trusted") as caught:
            await transport.request("GET", "/x")

    assert asked == 0
    assert "put that CA into the cluster's kubeconfig" in caught.value.next_step


async def test_a_closed_port_is_called_a_refused_connection() -> None:
    endpoint = Endpoint(f"https://127.0.0.1:{free_port()}", Tokens())

    async with Transport("dev", endpoint, TrustStore(), Pace(), run_in_thread) as transport:
        with pytest.raises(ClusterUnreachable, match="GET /x: connection refused") as caught:
            await transport.request("GET", "/x")

    assert "see whether its API server runs" in caught.value.next_step


async def test_a_connection_that_the_server_dropped_is_opened_anew(certificates: Path) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 2:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text=str(asked))

    async with served(certificates, handler, Tokens()) as transport:
        await transport.request("PATCH", "/x", body=b"{}")
        answer = await transport.request("PATCH", "/x", body=b"{}")

    assert answer.body == b"3"


async def test_no_more_requests_are_in_flight_than_agreed(certificates: Path) -> None:
    now = most = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await anyio.sleep(0.01)
        now -= 1
        return web.Response()

    async with (
        served(certificates, handler, Tokens(), in_flight=3) as transport,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(12):
            tasks.start_soon(transport.request, "GET", "/x")

    assert most == 3


async def test_a_probe_is_answered_while_every_slot_is_taken(certificates: Path) -> None:
    is_taken, go_on = anyio.Event(), anyio.Event()

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/slow":
            is_taken.set()
            await go_on.wait()
        return web.Response()

    async with (
        served(certificates, handler, Tokens(), in_flight=1) as transport,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(3):
            tasks.start_soon(transport.request, "GET", "/slow")
        await is_taken.wait()
        answer = await transport.request("GET", "/probe", deadline_seconds=3, is_probe=True)
        go_on.set()

        assert answer.status == 200


async def test_lines_of_a_stream_are_whole_however_they_arrive(certificates: Path) -> None:
    long = b"x" * 200_000

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (b"one\ntw", b"o\n", long, b"\nthree\nunfinished"):
            await response.write(part)
        return response

    async with (
        served(certificates, handler, Tokens()) as transport,
        transport.stream("/x", query={}, deadline_seconds=5) as (answer, lines),
    ):
        found = [line async for line in lines]

    assert answer.status == 200
    assert found == [b"one", b"two", long, b"three"]


async def test_a_silent_stream_ends_at_its_deadline(certificates: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await anyio.sleep(30)
        return response

    async with served(certificates, handler, Tokens()) as transport:
        with pytest.raises(ClusterUnreachable, match="timed out"):
            await _drain(transport, deadline_seconds=0.3)


async def _drain(transport: Transport, *, deadline_seconds: float) -> None:
    async with transport.stream("/x", query={}, deadline_seconds=deadline_seconds) as (_, lines):
        async for _ in lines:
            pass


async def test_slow_answers_halve_the_limit_and_good_ones_bring_it_back() -> None:
    now = 0.0
    limiter = Limiter(16, lambda: now)

    async def take(seconds: float) -> None:
        nonlocal now
        async with limiter.slot():
            now += seconds

    await take(2.0)
    after_one = limiter.capacity
    await take(2.0)
    after_two = limiter.capacity
    for _ in range(8 + 9):
        await take(0.01)

    assert (after_one, after_two, limiter.capacity) == (16, 8, 10)
