"""Servers on loopback whose end leaves no connection behind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HANDLERS_SECONDS = 0.1
_HANDSHAKE_SECONDS = 5.0
_AGAIN_SECONDS = 0.05


@asynccontextmanager
async def serving_tls(handler: Handler, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Answer every request with `handler`; yields the port."""
    server = web.Server(handler)
    listener = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", 0, ssl=context, ssl_handshake_timeout=_HANDSHAKE_SECONDS
    )
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        await end_server(listener, lambda: (each.transport for each in server.connections))
        await server.shutdown(_HANDLERS_SECONDS)


async def end_server(server: asyncio.Server, open_now: Callable[[], Iterable[Any]]) -> None:
    """Close it, and abort its connections until none is left; `open_now` gives their transports.

    Also those whose handshake is under way: they would become connections of nobody's. A TLS
    goodbye says nothing, and waiting for the answer to it may take half a minute.
    """
    gone = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)  # asked after the close, it waits for nobody
    server.close()
    while not gone.done():
        for transport in open_now():
            if transport is not None:  # those of uvloop are of no class that asyncio has
                transport.abort()
        await asyncio.wait({gone}, timeout=_AGAIN_SECONDS)
