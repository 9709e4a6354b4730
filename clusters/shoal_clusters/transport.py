"""How Shoal speaks to one API server: an Endpoint in, requests and watch streams out.

The one place where clusters are spoken to over HTTP. It adds what every call needs and none may
forget: a deadline, the limiter, a turn of the loop, the credential (read again once after a 401),
TLS verification, a proof of who answers before anything is written, and one kind of error per kind
of failure. It knows nothing of objects; what a status means for an object is decided by
`kubernetes.answers`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
import anyio
import anyio.lowlevel
from opentelemetry.metrics import Meter, NoOpMeter
from yarl import URL

from shoal.errors import ClusterUnreachable, ServerBusy, Unauthenticated
from shoal.hooks.host import ThreadRunner
from shoal.model.endpoints import Endpoint
from shoal_clusters.connecting import AbruptResponse, ProvingConnector, TrustStore
from shoal_clusters.counting import Requests
from shoal_clusters.failing import unanswered
from shoal_clusters.limiting import Limiter
from shoal_clusters.pacing import Pace
from shoal_clusters.presenting import Presented

LINE_BYTES = 4 * 1024 * 1024
"""The longest watch line that is read: an object is at most 3 MiB, and JSON adds a little."""

_BUFFER_BYTES = 16 * 1024
"""Of a watch that nobody reads; there are ten on each of many clusters."""

_MOST_BYTES = 256 * 1024 * 1024
"""Of one answer: five hundred large objects. A member that sends without end must not take the
memory of the process, which is that of all clusters."""

_MOST_REFUSAL = 64 * 1024
"""Read of a watch that is refused: its status says all."""

_BUSY_TRIES = 4
_BUSY_SECONDS = 10.0
"""The longest Retry-After waited for inside one call; a longer one is the caller's to plan."""

_PLACE_SECONDS = 60.0
"""How long a call waits for a place among those in flight, beside its own deadline."""


class Answer(NamedTuple):
    """What an API server answered; the body is whole and still bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def after_seconds(self) -> float | None:
        """Retry-After, in either of its forms (RFC 9110, 10.2.3); None when there is none."""
        text = self.headers.get("Retry-After", "")
        if text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):  # no date, or one without a zone
            return None


class _Call(NamedTuple):
    """One request, as it goes through the layers below."""

    method: str
    url: URL
    path: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    is_probe: bool
    is_alone: bool


class Transport:
    """Requests and streams to one API server, from `open` to `close`.

    Counts its requests with `meter`. Raises ClusterUnreachable when there is no answer in time and
    Unauthenticated when the credential is refused; any other answer is returned.
    """

    def __init__(
        self,
        cluster: str,
        endpoint: Endpoint,
        trust: TrustStore,
        pace: Pace,
        run_in_thread: ThreadRunner,
        meter: Meter | None = None,
    ) -> None:
        self.cluster = cluster
        self._requests = Requests(meter or NoOpMeter("shoal"), cluster)
        self.limiter = Limiter(endpoint.requests_in_flight, time.monotonic)
        self._endpoint = endpoint
        self._pace = pace
        self._server = endpoint.server.rstrip("/")
        self._base = URL(self._server)
        self._presented = Presented(endpoint, trust, run_in_thread)
        self._kept: ProvingConnector
        self._calls: aiohttp.ClientSession
        self._streams: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        await self._presented.read()
        self._kept = ProvingConnector(keepalive_timeout=30)
        # trust_env would read netrc and proxies from the environment on every request: it triples
        # what a request costs and could send a credential through somebody's proxy.
        self._calls = aiohttp.ClientSession(
            connector=self._kept,
            response_class=AbruptResponse,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._streams = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            response_class=AbruptResponse,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_BUFFER_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._calls.close()
            await self._streams.close()
            # Aborted sockets are closed by the loop's next turn.
            await anyio.lowlevel.checkpoint()

    def prove_before_writing(self, prove: Callable[[], Awaitable[None]]) -> None:
        """Over each connection that is made, `prove` is asked before anything is written.

        It sends a request that `is_alone`, and raises when another cluster answers than it should.
        """
        self._kept.prove = prove

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | str = "",
        body: bytes = b"",
        content_type: str = "application/json",
        accept: str = "application/json",
        deadline_seconds: float | None = None,
        is_probe: bool = False,
        is_alone: bool = False,
    ) -> Answer:
        """One call. A 429 is sent again, after as long as the server says.

        The deadline is that of an answer; a place among those in flight is waited for beside it,
        and ServerBusy raised when there is none. Cancelling it leaves the outcome unknown, as a
        lost connection does. A probe does not wait for a place or a turn: a server that is busy
        with what it was asked is not gone. `is_alone`: over a new connection that is used for
        nothing else. A `query` that is text is encoded already.
        """
        seconds = deadline_seconds or self._endpoint.timeout.total_seconds()
        headers = {"Accept": accept}
        if body:
            headers["Content-Type"] = content_type
        url = self._url(path, query)
        call = _Call(method, url, path, headers, body, seconds, is_probe, is_alone)
        try:
            # Of asyncio, as all of aiohttp: a scope of anyio costs three times as much per call.
            async with asyncio.timeout(seconds if is_probe else seconds + _PLACE_SECONDS):
                return await self._authenticated(call)
        except TimeoutError as error:
            if is_probe:
                raise self._unreachable(
                    call.method, call.path, error, f"timed out after {seconds:g} s"
                ) from error
            raise self._busy(call) from error

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        deadline_seconds: float,
        accept: str = "application/json",
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """A watch: the answer, and lines as they come while its status is 200.

        The lines end when the server ends them; silence until the deadline, or a lost connection,
        raises ClusterUnreachable.
        """
        reads = self._presented.reads
        try:
            async with self._streams.get(
                self._url(path, query),
                headers={"Accept": accept, **self._presented.headers},
                ssl=self._presented.tls,
                server_hostname=self._endpoint.tls_server_name or None,
                timeout=aiohttp.ClientTimeout(total=deadline_seconds, sock_connect=10),
                allow_redirects=False,
            ) as response:
                self._requests.connected(response.status)
                body = b"" if response.status == 200 else await response.content.read(_MOST_REFUSAL)
                if response.status == 401:
                    await self._presented.read_since(reads)
                answer = Answer(response.status, response.headers, body)
                try:
                    async with aclosing(_lines(response.content, self.cluster)) as lines:
                        yield answer, lines
                finally:
                    response.close()
        except (aiohttp.ClientError, OSError) as error:
            self._requests.unanswered("WATCH", error)
            raise self._unreachable("WATCH", path, error) from error

    async def _authenticated(self, call: _Call) -> Answer:
        presented = self._presented
        await presented.keep_fresh()
        for _ in range(2):
            generation, reads = presented.generation, presented.reads
            answer = await self._patient(call)
            if answer.status != 401:
                return answer
            await presented.read_since(reads)
            if presented.generation == generation:
                break
        raise self._denied()

    async def _patient(self, call: _Call) -> Answer:
        """Send, and send again what the server was too busy for (429), as it says."""
        for _ in range(_BUSY_TRIES - 1):
            answer = await self._limited(call)
            if answer.status != 429:
                return answer
            after = answer.after_seconds or 1.0
            self.limiter.push_back(after)
            if call.is_probe or after > _BUSY_SECONDS:
                return answer
        return await self._limited(call)

    async def _limited(self, call: _Call) -> Answer:
        if call.is_probe:
            began = time.monotonic()
            answer = await self._answered(call)
            self.limiter.saw(time.monotonic() - began)
            return answer
        if self.limiter.pause_seconds > _BUSY_SECONDS:
            raise self._busy(call)
        # Waiting for turns is part of what the limiter learns from: when this process is what is
        # slow, more requests in flight help nobody.
        async with self.limiter.slot():
            await self._pace.turn()
            answer = await self._answered(call)
            await self._pace.turn()
            return answer

    async def _answered(self, call: _Call) -> Answer:
        """Send it, within its deadline; ClusterUnreachable when there is no answer."""
        try:
            async with asyncio.timeout(call.seconds):
                return await self._resilient(call)
        except aiohttp.ClientError as error:
            raise self._unreachable(call.method, call.path, error) from error
        except TimeoutError as error:
            self._requests.unanswered(call.method, error)
            why = f"timed out after {call.seconds:g} s"
            raise self._unreachable(call.method, call.path, error, why) from error
        except OSError as error:
            raise self._unreachable(call.method, call.path, error) from error

    async def _resilient(self, call: _Call) -> Answer:
        try:
            return await self._send(call)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # A kept connection that the server closed while it was idle. Every request of ours may
            # be sent twice: applies are idempotent, a create-only apply that did arrive is found
            # to be ours by the 409, and deletes carry preconditions.
            return await self._send(call)

    async def _send(self, call: _Call) -> Answer:
        began = time.monotonic()
        try:
            answer = await self._exchanged(call)
        except (aiohttp.ClientError, OSError) as error:
            self._requests.unanswered(call.method, error)
            raise
        self._requests.answered(call.method, answer.status, time.monotonic() - began)
        return answer

    async def _exchanged(self, call: _Call) -> Answer:
        session = self._streams if call.is_alone else self._calls
        async with session.request(
            call.method,
            call.url,
            data=call.body or None,
            headers={**call.headers, **self._presented.headers},
            ssl=self._presented.tls,
            server_hostname=self._endpoint.tls_server_name or None,
            timeout=_CONNECT,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await self._body(call, response))

    async def _body(self, call: _Call, response: aiohttp.ClientResponse) -> bytes:
        """All of it, unpacked, as long as it is not too much."""
        blocks, size = [], 0
        async for block in response.content.iter_any():
            size += len(block)
            if size > _MOST_BYTES:
                raise ClusterUnreachable(
                    f"cluster {self.cluster} answered {call.method} {call.path} with more than "
                    f"{_MOST_BYTES >> 20} MiB",
                    next_step="see what answers there; an API server sends a page at a time",
                )
            blocks.append(block)
        return b"".join(blocks)

    def _url(self, path: str, query: Mapping[str, str] | str) -> URL:
        # Put together from its parts: to parse the whole of it costs more than anything else here.
        return URL.build(
            scheme=self._base.scheme,
            authority=self._base.raw_authority,
            path=self._base.raw_path.rstrip("/") + path,
            query_string=query if isinstance(query, str) else urlencode(query),
            encoded=True,
        )

    def _denied(self) -> Unauthenticated:
        ended = self._presented.expired_at
        when = f"; it expired at {ended:%Y-%m-%d %H:%M} UTC" if ended else ""
        return Unauthenticated(
            f"cluster {self.cluster} refused the credential (401){when}",
            next_step="renew it where the Cluster's access reads it; it is read again by itself",
        )

    def _busy(self, call: _Call) -> ServerBusy:
        return ServerBusy(
            f"cluster {self.cluster} is busy: {call.method} {call.path} found no place among the "
            f"{self.limiter.capacity} requests in flight",
            after_seconds=self.limiter.pause_seconds or None,
        )

    def _unreachable(
        self, method: str, path: str, error: Exception, why: str = ""
    ) -> ClusterUnreachable:
        where = f"cluster {self.cluster} at {self._server}"
        return unanswered(where, f"{method} {path}", error, why)


_CONNECT = aiohttp.ClientTimeout(total=None, sock_connect=10)
"""Connecting alone may not use up the deadline of a call; the rest is bounded by its timeout."""


async def _lines(content: aiohttp.StreamReader, cluster: str) -> AsyncGenerator[bytes, None]:
    """Whole lines; aiohttp's own reader refuses lines longer than its buffer."""
    rest = bytearray()
    async for chunk in content.iter_any():
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            rest += head
            for line in bytes(rest).split(b"\n"):
                yield line
            rest.clear()
        rest += tail
        if len(rest) > LINE_BYTES:
            raise ClusterUnreachable(f"cluster {cluster} sent a watch event over 4 MiB")
