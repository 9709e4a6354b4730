"""Each harm of the fault proxy, seen by a client of a server that echoes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from tests.chaos.proxy import Direction, FaultProxy, Harm, fault_proxy, send

_CUT = (anyio.BrokenResourceError, anyio.EndOfStream)


async def echo(stream: SocketStream) -> None:
    async with stream:
        try:
            while True:
                await stream.send(await stream.receive())
        except _CUT:
            return


@asynccontextmanager
async def proxied() -> AsyncIterator[FaultProxy]:
    """A proxy before a server that sends back what it gets."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        port = listener.extra(SocketAttribute.local_port)
        tasks.start_soon(listener.serve, echo)
        async with fault_proxy(lambda: port, random.Random(1)) as proxy:
            with anyio.fail_after(10):
                yield proxy
            tasks.cancel_scope.cancel()


async def connect(proxy: FaultProxy) -> SocketStream:
    return await anyio.connect_tcp("127.0.0.1", proxy.port)


async def ask(stream: SocketStream, text: bytes = b"hello") -> bytes:
    await stream.send(text)
    answer = b""
    while len(answer) < len(text):
        answer += await stream.receive()
    return answer


async def until(proxy: FaultProxy, *, listens: bool) -> None:
    """Try to connect until it can, or cannot; the test's deadline ends it."""
    while True:
        try:
            await (await connect(proxy)).aclose()
        except OSError:
            if not listens:
                return
        else:
            if listens:
                return


async def is_silent(stream: SocketStream) -> bool:
    with anyio.move_on_after(0.1):
        await ask(stream)
        return False
    return True


async def test_bytes_pass_both_ways() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        assert await ask(stream) == b"hello"


async def test_latency_delays_each_way_and_ends() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        proxy.harm(Harm(latency_seconds=0.05, jitter_seconds=0.01))
        started = time.monotonic()
        await ask(stream)
        slow = time.monotonic() - started
        proxy.heal()

        assert slow >= 0.08
        assert await ask(stream) == b"hello"


async def test_nobody_listens_and_what_was_open_is_cut() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        await ask(stream)
        proxy.harm(Harm(is_refused=True))
        with pytest.raises(_CUT):
            await ask(stream)
        await until(proxy, listens=False)
        proxy.heal()
        await until(proxy, listens=True)

        async with await connect(proxy) as again:
            assert await ask(again) == b"hello"


async def test_an_answer_is_reset_in_its_middle() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        proxy.harm(Harm(reset_after_bytes=3))
        await stream.send(b"hello")
        heard, cut = b"", None
        while cut is None:
            try:
                heard += await stream.receive()
            except _CUT as error:
                cut = error

        assert heard in (b"", b"hel")  # a reset may overtake what was sent before it
        assert isinstance(cut.__cause__, ConnectionResetError)


@pytest.mark.parametrize("swallowed", list(Direction))
async def test_one_direction_is_silent_and_the_connection_is_cut_at_the_end(
    swallowed: Direction,
) -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        proxy.harm(Harm(swallowed=frozenset({swallowed})))
        assert await is_silent(stream)
        proxy.heal()

        with pytest.raises(_CUT):
            await ask(stream)


async def test_an_idle_connection_survives_silence() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        await ask(stream)
        proxy.harm(Harm(swallowed=frozenset(Direction)))
        proxy.heal()

        assert await ask(stream) == b"hello"


async def test_a_drip_comes_in_pieces_and_whole() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        proxy.harm(Harm(piece_bytes=2, pause_seconds=0.01))
        started = time.monotonic()

        assert await ask(stream, b"0123456789") == b"0123456789"
        assert time.monotonic() - started >= 0.04


async def test_a_cut_resets_what_is_open_and_nothing_else() -> None:
    async with proxied() as proxy, await connect(proxy) as stream:
        await ask(stream)
        proxy.harm(Harm(cuts=True))

        with pytest.raises(_CUT):
            await ask(stream)
        async with await connect(proxy) as again:
            assert await ask(again) == b"hello"


async def test_a_line_that_has_closed_meanwhile_is_an_error_of_the_network() -> None:
    async with proxied() as proxy:
        _, to = await asyncio.open_connection("127.0.0.1", proxy.port)
        to.close()
        with pytest.raises(BrokenPipeError):
            await send(to, b"late")
        await to.wait_closed()
