"""The transport, against small servers that misbehave on purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from aiohttp import web
from tests.kubernetes.tls_servers import Tokens, served

from shoal import __version__
from shoal.errors import ClusterUnreachable, ServerBusy
from shoal.model.endpoints import Endpoint
from shoal.testing.hosts import run_in_thread
from shoal_clusters import transport as transport_module
from shoal_clusters.connecting import TrustStore
from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.limiting import Limiter
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Answer, Transport


async def test_a_429_is_sent_again_after_as_long_as_the_server_says(certificates: Path) -> None:
    asked = 0

    async def handler(request: web.BaseRequest) -> web.Response:
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
    async def handler(request: web.BaseRequest) -> web.Response:
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

    async def handler(request: web.BaseRequest) -> web.Response:
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

    async def handler(request: web.BaseRequest) -> web.Response:
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

    async def handler(request: web.BaseRequest) -> web.Response:
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

    async def handler(request: web.BaseRequest) -> web.Response:
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

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
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
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
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


async def test_every_request_and_watch_says_who_asks(certificates: Path) -> None:
    said: list[str | None] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        said.append(request.headers.get("User-Agent"))
        return web.Response()

    async with served(certificates, handler, Tokens()) as transport:
        await transport.request("GET", "/x")
        await transport.request("PATCH", "/x", body=b"{}")
        await _drain(transport, deadline_seconds=5)

    assert said == [f"shoal/{__version__}"] * 3


async def test_refusals_of_requests_that_were_in_flight_together_halve_the_limit_once() -> None:
    now = 0.0
    limiter = Limiter(16, lambda: now)

    for _ in range(16):
        limiter.push_back(1)
    together = limiter.capacity
    now += 2
    limiter.push_back(1)

    assert (together, limiter.capacity) == (8, 4)


async def test_a_server_that_asks_for_long_patience_is_left_alone_so_long(
    certificates: Path,
) -> None:
    asked = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with served(certificates, handler, Tokens()) as transport:
        first = await transport.request("GET", "/x")
        with pytest.raises(ServerBusy) as busy:
            await transport.request("GET", "/y")

    assert (first.status, first.after_seconds) == (429, 60)
    assert asked == 1
    assert busy.value.after_seconds is not None
    assert 50 < busy.value.after_seconds <= 60
    assert "GET /y found no place" in str(busy.value)


async def test_a_date_to_retry_after_is_understood_and_nonsense_is_not() -> None:
    def after(text: str) -> float | None:
        return Answer(429, {"Retry-After": text}, b"").after_seconds

    later = after(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))

    assert later is not None
    assert 85 < later <= 90
    assert after(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
    assert [after(text) for text in ("", "soon", "-1", "7")] == [None, None, None, 7]


async def test_waiting_for_a_place_is_no_silence_of_the_server(certificates: Path) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        await anyio.sleep(0.2)
        return web.Response()

    answers: list[int] = []

    async def ask(transport: Transport) -> None:
        answers.append((await transport.request("GET", "/x")).status)

    async with (
        served(certificates, handler, Tokens(), seconds=0.35, in_flight=1) as transport,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(3):
            tasks.start_soon(ask, transport)

    assert answers == [200] * 3


async def test_the_latency_is_that_of_the_last_minute_but_for_one_answer() -> None:
    now = 0.0
    limiter = Limiter(16, lambda: now)
    nothing = limiter.latency_seconds
    for seconds in (0.1, 5.0, 0.2, 0.1):
        limiter.saw(seconds)
    one_slow = limiter.latency_seconds
    limiter.saw(4.0)
    two_slow = limiter.latency_seconds
    now += 61
    limiter.saw(0.3)

    assert (nothing, one_slow, two_slow, limiter.latency_seconds) == (None, 0.2, 4.0, 0.3)


async def test_a_member_that_sends_without_end_does_not_take_the_memory_of_all(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "_MOST_BYTES", 1_000_000)
    sent = 0

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 100_000)
            sent += 100_000

    async with served(certificates, handler, Tokens()) as transport:
        with pytest.raises(ClusterUnreachable, match="answered GET /x with more than"):
            await transport.request("GET", "/x")

    assert sent < 20_000_000  # what fits into buffers of the network


async def test_nobody_is_sent_elsewhere(certificates: Path) -> None:
    asked: list[str] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with served(certificates, handler, Tokens()) as transport:
        answer = await transport.request("GET", "/x")
        async with transport.stream("/w", query={}, deadline_seconds=5) as (refused, _):
            pass

    assert (answer.status, refused.status) == (302, 302)
    assert asked == ["/x", "/w"]
