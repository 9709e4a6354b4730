"""A TLS server on loopback whose end leaves no connection behind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HANDLERS_SECONDS = 0.1
_HANDSHAKE_SECONDS = 5.0


@asynccontextmanager
async def serving_tls(handler: Handler, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Answer every request with `handler`; yields the port."""
    server = _Server(handler)
    listener = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", 0, ssl=context, ssl_handshake_timeout=_HANDSHAKE_SECONDS
    )
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        async with anyio.create_task_group() as closing:
            closing.start_soon(listener.wait_closed)  # asked later, it waits for nobody
            await anyio.lowlevel.checkpoint()
            listener.close()
            await server.shutdown(_HANDLERS_SECONDS)


class _Server(web.Server):
    """Ends its connections without a TLS goodbye, also those whose handshake ends after it did.

    A handshake that was under way while `web.Server` shuts down becomes a connection of nobody's.
    """

    def __init__(self, handler: Handler) -> None:
        super().__init__(handler)
        self._is_shut = False

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """A handshake has ended."""
        super().connection_made(handler, transport)
        if self._is_shut:
            transport.abort()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Cancel the handlers after these seconds, and abort all connections."""
        self._is_shut = True
        transports = [handler.transport for handler in self.connections]
        await super().shutdown(timeout)
        for transport in transports:
            if isinstance(transport, asyncio.Transport):
                transport.abort()
