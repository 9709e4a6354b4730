"""A TCP proxy on loopback that does to a connection what networks do.

It stands before one server and passes bytes, unless it is told of a `Harm`: then they come late,
in drips, in one direction only, or the connection is reset in the middle of an answer. One harm at
a time, from `harm` to `heal`; what passed while bytes were swallowed is cut at the end, for no
stream goes on with a hole in it. Nothing here is chosen by chance but the jitter, which comes from
the generator that is handed in.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

import anyio
from anyio.abc import TaskGroup, TaskStatus

_HOST = "127.0.0.1"
_CHUNK = 65536
# With this a closed socket says RST instead of FIN (socket(7), SO_LINGER).
_RESET = struct.pack("ii", 1, 0)


class Direction(Enum):
    """Where bytes flow: to the server, or to the client."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Harm:
    """What is done to the bytes of every connection; the default does nothing.

    `is_refused`: nobody listens, and open connections are cut. `swallowed`: directions in which
    bytes vanish while the connection stays. `piece_bytes`: sent in pieces with `pause_seconds`
    between them, which is a drip or, with larger ones, a narrow line. `reset_after_bytes`: of
    answers, then both sides hear a reset. `cuts`: open connections are reset when it begins.
    """

    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    is_refused: bool = False
    swallowed: frozenset[Direction] = frozenset()
    piece_bytes: int = 0
    pause_seconds: float = 0.0
    reset_after_bytes: int | None = None
    cuts: bool = False


NONE = Harm()


@dataclass(eq=False, slots=True)
class _Link:
    """One connection through the proxy. Streams are asyncio's: only they can be reset."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answered: int = 0
    is_spoilt: bool = False

    def reset(self) -> None:
        """Cut both sides at once; whoever waits on them hears of it."""
        for stream in (self.client, self.server):
            if not stream.transport.is_closing():
                raw = stream.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                stream.transport.abort()


@dataclass(eq=False, slots=True)
class FaultProxy:
    """Passes connections from its port on to where `target` leads; get one from `fault_proxy`."""

    port: int
    target: Callable[[], int]
    chance: random.Random
    harm_now: Harm = NONE
    _links: set[_Link] = field(default_factory=set[_Link])
    _listening: anyio.CancelScope | None = None
    _may_listen: anyio.Event = field(default_factory=anyio.Event)

    def harm(self, harm: Harm) -> None:
        """Do this from now on, until `heal`."""
        self.harm_now = harm
        if harm.is_refused:
            self._may_listen = anyio.Event()
            if self._listening is not None:
                self._listening.cancel()
        if harm.is_refused or harm.cuts:
            self.cut()

    def heal(self) -> None:
        """Pass bytes again; connections that lost some are cut."""
        self.harm_now = NONE
        self._may_listen.set()
        for link in [each for each in self._links if each.is_spoilt]:
            link.reset()

    def cut(self) -> None:
        """Reset every open connection."""
        for link in list(self._links):
            link.reset()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled; `task_status` hears of the first time."""
        self._may_listen.set()
        async with anyio.create_task_group() as links:
            while True:
                await self._may_listen.wait()
                await self._listen(links, task_status)
                task_status = anyio.TASK_STATUS_IGNORED

    async def _listen(self, links: TaskGroup, task_status: TaskStatus[None]) -> None:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            links.start_soon(self._serve, reader, writer)

        server = await asyncio.start_server(accept, _HOST, self.port, limit=_CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        try:
            with anyio.CancelScope() as self._listening:
                task_status.started()
                await anyio.sleep_forever()
        finally:
            server.close()  # not waited for: that would last until every connection has ended

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection(_HOST, self.target(), limit=_CHUNK)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.add(link)
        try:
            async with anyio.create_task_group() as both:
                both.start_soon(self._flow, link, reader, server, Direction.REQUEST, both)
                both.start_soon(self._flow, link, answers, writer, Direction.ANSWER, both)
        finally:
            self._links.discard(link)
            for stream in (writer, server):
                stream.close()

    async def _flow(
        self,
        link: _Link,
        from_: asyncio.StreamReader,
        to: asyncio.StreamWriter,
        direction: Direction,
        both: TaskGroup,
    ) -> None:
        """Pass bytes one way until either side ends; that ends the other way, too."""
        try:
            while data := await from_.read(_CHUNK):
                await self._pass(link, to, data, direction)
        except OSError:
            pass
        both.cancel_scope.cancel()

    async def _pass(
        self, link: _Link, to: asyncio.StreamWriter, data: bytes, direction: Direction
    ) -> None:
        harm = self.harm_now
        if direction in harm.swallowed:
            link.is_spoilt = True
            return
        if harm.latency_seconds:
            jitter = harm.jitter_seconds * self.chance.uniform(-1, 1)
            await anyio.sleep(max(harm.latency_seconds + jitter, 0.0))
        if harm.reset_after_bytes is not None and direction is Direction.ANSWER:
            room = max(harm.reset_after_bytes - link.answered, 0)
            link.answered += len(data)
            if link.answered > harm.reset_after_bytes:
                await send(to, data[:room])
                link.reset()
                return
        if harm.piece_bytes:
            await self._drip(harm, to, data)
        else:
            await send(to, data)

    async def _drip(self, harm: Harm, to: asyncio.StreamWriter, data: bytes) -> None:
        for start in range(0, len(data), harm.piece_bytes):
            await send(to, data[start : start + harm.piece_bytes])
            if self.harm_now is harm:  # what is left goes at once when the line is mended
                await anyio.sleep(harm.pause_seconds)


async def send(to: asyncio.StreamWriter, data: bytes) -> None:
    """Write it, or raise an OSError as networks do."""
    if to.is_closing():  # the loop has no error of its own for that
        raise BrokenPipeError
    to.write(data)
    await to.drain()


@asynccontextmanager
async def fault_proxy(
    target: Callable[[], int], chance: random.Random, *, port: int = 0
) -> AsyncIterator[FaultProxy]:
    """A proxy for as long as the block lasts; `target` gives the port to connect to."""
    proxy = FaultProxy(port, target, chance)
    async with anyio.create_task_group() as tasks:
        await tasks.start(proxy.run)
        try:
            yield proxy
        finally:
            tasks.cancel_scope.cancel()
