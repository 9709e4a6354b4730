"""Sockets and the HTTP server that runs in our own event loop.

The local API listens on a Unix socket of mode 0600 in the state folder; who asks is what the kernel
says of the peer. The webhook listener is a TCP socket, on loopback unless an address is given. The
server is uvicorn without its signal handlers: `shoal run` decides when it ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from asyncio import BaseTransport
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus
from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from shoal.api.running import SOCKET, answers, socket_address
from shoal.engine.users import user_name
from shoal.errors import Permanent, StateInUse

_PEER = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_STOP_SECONDS = 2  # what an answer in progress gets when the controller stops
_BACKLOG = 128
REQUEST_SECONDS = 10.0
"""For the line and the headers of a request; its body has a deadline of its own."""


def open_api_socket(state: Path) -> socket.socket:
    """Bind the API's socket for this user alone; the caller closes it.

    A socket that nobody listens on is left over from a killed controller and replaced. Blocking,
    for microseconds. Raises StateInUse when another controller answers there.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = state / SOCKET
    if answers(state):
        raise StateInUse(
            f"a controller is already running in {state}",
            next_step="stop it, or give this one another --state folder",
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket_address(path) as address:
            listener.bind(address)
        path.chmod(0o600)  # before listen(): until then nobody can connect
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def open_tcp_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes a free one. Raises Permanent when it cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise Permanent(
            f"cannot listen on {host}:{port}: {error.strerror}",
            next_step="give another address, or stop what listens there",
        ) from error
    return listener


def _peer(transport: BaseTransport) -> str:
    """Who is at the other end of a Unix socket; empty when the kernel does not say.

    Only this user and root can open the socket; that is asked again here, so that a state folder
    with wrong permissions does not open the door.
    """
    connection = transport.get_extra_info("socket")
    if connection is None or not hasattr(socket, "SO_PEERCRED"):
        return ""
    content = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(content)
    return user_name(uid) if uid in (0, os.geteuid()) else ""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on who takes too long to say what it wants (Slowloris).

    uvicorn ends a connection that says nothing between two requests, and no other: one byte now and
    then would hold it for ever, and a few hundred of them all that are served at once.
    """

    def connection_made(self, transport: Any) -> None:
        """From now on a request is waited for."""
        super().connection_made(transport)
        self._wait_for_a_request()

    def handle_events(self) -> None:
        """Read what arrived; a request whose head is whole is waited for no longer."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._patience.cancel()

    def on_response_complete(self) -> None:
        """The next request of the same connection is waited for; it may be there already."""
        self._wait_for_a_request()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _wait_for_a_request(self) -> None:
        self._patience = self.loop.call_later(REQUEST_SECONDS, self.transport.close)


class PeerProtocol(PatientProtocol):
    """HTTP/1.1 that tells each request, in `request.state.who`, which local user asks."""

    def connection_made(self, transport: Any) -> None:
        """Ask the kernel once per connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "who": _peer(transport)}


class _QuietServer(Server):
    """uvicorn that leaves signals alone, says when it accepts connections, and hardly ever wakes.

    Its own loop looks ten times a second whether it should stop; ours is told, and ticks once a
    second for the date header.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()
        self.stop = anyio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to `shoal run`."""
        yield

    async def main_loop(self) -> None:
        """Until told to stop."""
        while not await self.on_tick(0):
            with anyio.move_on_after(1):
                await self.stop.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so; answers that go on look at `request.state.ending`."""
        self.lifespan.state["ending"] = self.stop
        await super().startup(sockets)
        self.ready.set()


async def serve_http(
    application: ASGIApp,
    listener: socket.socket,
    *,
    local: bool,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled, then let answers in progress end; closes the socket.

    `local` says that the socket is a Unix socket whose peers have names. The server runs shielded,
    because uvicorn releases its connections only when it is asked to stop, not when cancelled.
    """
    config = Config(
        application,
        http=PeerProtocol if local else PatientProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=256,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _QuietServer(config)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_serve_shielded, server, listener)
            try:
                await server.ready.wait()
                task_status.started()
                await anyio.sleep_forever()
            finally:
                server.should_exit = True
                server.stop.set()
    finally:
        listener.close()


async def _serve_shielded(server: _QuietServer, listener: socket.socket) -> None:
    with anyio.CancelScope(shield=True):
        await server.serve(sockets=[listener])
