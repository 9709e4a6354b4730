"""Whatever is sent to a listener, it goes on answering others, and holds nothing for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shoal.api import listening

GOOD = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
SECONDS = 0.3


@asynccontextmanager
async def listener(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server whose patience is short; its port."""

    async def ok(request: Request) -> PlainTextResponse:
        return PlainTextResponse("fine")

    async def slow(request: Request) -> PlainTextResponse:
        await anyio.sleep(3 * SECONDS)
        return PlainTextResponse("late")

    monkeypatch.setattr(listening, "REQUEST_SECONDS", SECONDS)
    application = Starlette(routes=[Route("/ok", ok), Route("/slow", slow)])
    bound = listening.open_tcp_socket("127.0.0.1", 0)
    port: int = bound.getsockname()[1]
    async with anyio.create_task_group() as tasks:

        async def serve(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await listening.serve_http(application, bound, local=False, task_status=task_status)

        await tasks.start(serve)
        yield port
        tasks.cancel_scope.cancel()


async def all_that_comes(client: SocketStream) -> bytes:
    """Until the other end hangs up, which must happen soon."""
    got = b""
    with anyio.fail_after(20 * SECONDS):
        while True:
            try:
                got += await client.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return got


async def answer(port: int, *requests: bytes) -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port) as client:
        for request in requests:
            await client.send(request)
        return await all_that_comes(client)


@pytest.mark.parametrize(
    "first", [b"", b"GET /ok HTTP/1.1\r\nHost: a\r\n", GOOD], ids=["nothing", "a head", "a request"]
)
async def test_who_dribbles_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    others = b""
    async with (
        listener(monkeypatch) as port,
        await anyio.connect_tcp("127.0.0.1", port) as client,
        anyio.create_task_group() as tasks,
    ):

        async def dribble() -> None:
            try:
                await client.send(first)
                while True:
                    await client.send(b"X")
                    await anyio.sleep(SECONDS / 5)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass

        tasks.start_soon(dribble)
        await all_that_comes(client)
        others = await answer(port, GOOD)
        tasks.cancel_scope.cancel()

    assert b"fine" in others


async def test_an_answer_may_take_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listener(monkeypatch) as port:
        one = await answer(port, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        two = await answer(port, GOOD + b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")

    assert b"late" in one
    assert b"fine" in two
    assert b"late" in two


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\xff\xfe" * 100 + b"\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000,
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 30_000 + b"\r\n",
        b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"GET /ok\n\n HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
async def test_what_is_no_request_is_refused_and_others_are_answered(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    async with listener(monkeypatch) as port:
        refused = await answer(port, sent)
        others = await answer(port, GOOD)

    assert not refused.startswith(b"HTTP/1.1 2")
    assert b"fine" in others
