"""A real CONNECT proxy on loopback that knows names nobody else knows, and may ask for a login."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.git.authorities import Connections, join


class ConnectProxy:
    """Connects `host:port` to the loopback port that `names` gives for it; all else is refused.

    `heads` holds what each client sent before it was connected.
    """

    def __init__(self, names: Mapping[str, int], login: str = "") -> None:
        self.names = names
        self.login = login
        self.heads: list[str] = []
        self.connected: list[str] = []
        self.port = 0
        self._connections = Connections()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        await self._connections.end(self._server)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        self.heads.append(head)
        method, target, _ = head.split(" ", 2)
        port = self.names.get(target)
        if not self._may_pass(head):
            answer = b'407 Who?\r\nProxy-Authenticate: Basic realm="p"'
        elif method != "CONNECT" or port is None:
            answer = b"403 Never"
        else:
            self.connected.append(target)
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await join(reader, writer, "127.0.0.1", port)
            return
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    def _may_pass(self, head: str) -> bool:
        expected = f"Proxy-Authorization: Basic {base64.b64encode(self.login.encode()).decode()}"
        return not self.login or expected.lower() in head.lower()
