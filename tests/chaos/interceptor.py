"""Faults that only HTTP knows, behind the server's own certificate.

A TCP proxy before an API server sees ciphertext: it cannot answer 429, cut a watch in the middle of
a line, or keep one write and deliver it when its client has gone. The interceptor can, for it ends
TLS as the server itself would, with the certificate and key that the test's server has, and speaks
to the server as the client would. The `FaultProxy` sends connections here while it is wanted.

A write that is kept gets an `Audit-ID`, which the API server notes in its audit log: whoever judges
knows exactly which writes came late by the network's doing.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import orjson
from anyio.abc import SocketAttribute, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener, TLSStream

_HOST = "127.0.0.1"
_HEAD_BYTES = 65536
_GONE = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    anyio.IncompleteRead,
    anyio.DelimiterNotFound,
    OSError,
)
_WRITES = frozenset({"PATCH", "POST", "PUT", "DELETE"})
_REASONS: Mapping[int, str] = {
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


@dataclass(frozen=True, slots=True)
class Trick:
    """What is done to requests; the default passes all of them.

    `status`: answered instead of the server, for `part` of the requests, with `retry_after` where
    that is given; `only_watches` spares all others. `watch_bytes`: an answered watch is cut after
    so many. `hold_seconds`: a write's client is cut off, and it is delivered so much later.
    """

    status: int = 0
    part: float = 1.0
    retry_after: int | None = None
    only_watches: bool = False
    watch_bytes: int | None = None
    hold_seconds: float | None = None


PASS = Trick()


@dataclass(frozen=True, slots=True)
class _Request:
    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def is_watch(self) -> bool:
        return b"watch=true" in self.head.split(b"\r\n", 1)[0]

    @property
    def is_dry_run(self) -> bool:
        return b"dryRun=" in self.head.split(b"\r\n", 1)[0]

    def named(self, audit_id: str) -> bytes:
        """The request with an id that its audit entry will have."""
        return self.head + f"\r\nAudit-ID: {audit_id}\r\n\r\n".encode() + self.body

    @property
    def text(self) -> bytes:
        """As it came."""
        return self.head + b"\r\n\r\n" + self.body


@dataclass(eq=False, slots=True)
class Interceptor:
    """Ends TLS before one API server; get one from `interceptor`.

    `late` are the audit ids of writes that were kept; `answered` counts answers of its own.
    """

    folder: Path
    server_port: int
    chance: random.Random
    port: int = 0
    trick: Trick = PASS
    late: set[str] = field(default_factory=set[str])
    answered: int = 0
    _shown: ssl.SSLContext = field(init=False)
    _trusted: ssl.SSLContext = field(init=False)
    _deliveries: TaskGroup = field(init=False)

    def __post_init__(self) -> None:
        self._shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.renew()

    def renew(self) -> None:
        """Show the certificate that the server's folder holds now, and trust its authority."""
        self._shown.load_cert_chain(self.folder / "serving.crt", self.folder / "serving.key")
        self._trusted = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))

    async def serve(self, client: TLSStream) -> None:
        """One connection of a client; ends when either side does."""
        try:
            async with client, await self._connect() as server, anyio.create_task_group() as both:
                link = _Link(client, server)
                both.start_soon(link.pass_answers, both.cancel_scope)
                await self._pass_requests(link)
                both.cancel_scope.cancel()
        except* _GONE:
            pass

    async def _connect(self) -> TLSStream:
        return await anyio.connect_tcp(
            _HOST,
            self.server_port,
            tls_hostname=_HOST,
            ssl_context=self._trusted,
            tls_standard_compatible=False,
        )

    async def _pass_requests(self, link: _Link) -> None:
        incoming = BufferedByteReceiveStream(link.client)
        while True:
            request = await _read(incoming)
            trick = self.trick
            is_meant = request.is_watch or not trick.only_watches
            if trick.status and is_meant and self.chance.random() < trick.part:
                self.answered += 1
                await link.client.send(_answer(trick))
                continue
            if trick.hold_seconds is not None and _is_write(request):
                self._deliveries.start_soon(self._deliver, request, trick.hold_seconds)
                return
            link.cut_after = trick.watch_bytes if request.is_watch else None
            await link.server.send(request.text)

    async def _deliver(self, request: _Request, seconds: float) -> None:
        """Send what was kept, when nobody waits for its answer any more."""
        audit_id = f"late-{self.chance.getrandbits(64):016x}"
        self.late.add(audit_id)
        await anyio.sleep(seconds)
        try:
            async with await self._connect() as server:
                await server.send(request.named(audit_id))
                with anyio.move_on_after(5):
                    await server.receive()
        except _GONE:
            return  # the server is away: it was lost after all


@dataclass(eq=False, slots=True)
class _Link:
    client: TLSStream
    server: TLSStream
    cut_after: int | None = None

    async def pass_answers(self, scope: anyio.CancelScope) -> None:
        """Hand answers on, and end the connection in the middle of one that is to be cut."""
        try:
            while True:
                data = await self.server.receive()
                if self.cut_after is not None and len(data) > self.cut_after:
                    await self.client.send(data[: self.cut_after])
                    break
                if self.cut_after is not None:
                    self.cut_after -= len(data)
                await self.client.send(data)
        except _GONE:
            pass
        scope.cancel()


def _is_write(request: _Request) -> bool:
    return request.method in _WRITES and not request.is_dry_run


async def _read(incoming: BufferedByteReceiveStream) -> _Request:
    head = await incoming.receive_until(b"\r\n\r\n", _HEAD_BYTES)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return _Request(head, await incoming.receive_exactly(length) if length else b"")


def _answer(trick: Trick) -> bytes:
    body = orjson.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "so it was arranged",
            "reason": _REASONS[trick.status],
            "code": trick.status,
        }
    )
    lines = [
        f"HTTP/1.1 {trick.status} {_REASONS[trick.status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if trick.retry_after is not None:
        lines.append(f"Retry-After: {trick.retry_after}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def interceptor(
    folder: Path, server_port: int, chance: random.Random
) -> AsyncIterator[Interceptor]:
    """An interceptor for as long as the block lasts; `folder` is the API server's."""
    it = Interceptor(folder, server_port, chance)
    plain = await anyio.create_tcp_listener(local_host=_HOST)
    it.port = plain.extra(SocketAttribute.local_port)
    listener = TLSListener(plain, it._shown, standard_compatible=False)
    async with listener, anyio.create_task_group() as tasks:
        it._deliveries = tasks
        tasks.start_soon(listener.serve, it.serve)
        try:
            yield it
        finally:
            tasks.cancel_scope.cancel()
