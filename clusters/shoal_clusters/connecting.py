"""Connections to API servers: TLS contexts built off the loop and shared, and an end without wait.

A context costs up to 22 ms and half a megabyte to build, so one is made per distinct content of
CA, certificate and key, in a thread, and shared by every session of the process. Verification is
always on; there is no way to ask for less.

TLS says that somebody with a trusted certificate answers, and not which cluster: one that is built
anew at the same address may have the same authority. So nothing is written over a connection before
it was asked, since that connection was made, who answers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import anyio

from shoal.errors import AccessDenied
from shoal.hooks.host import ThreadRunner
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.endpoints import Credential


class TrustStore:
    """TLS contexts by the content of their files; shared by the sessions of all clusters."""

    _MOST = 1024

    def __init__(self) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def context(
        self, ca_file: str, credential: Credential, run_in_thread: ThreadRunner
    ) -> ssl.SSLContext:
        """The context for this trust and client certificate; reads the files each time."""
        return await run_in_thread(self._context, ca_file, credential)

    def _context(self, ca_file: str, credential: Credential) -> ssl.SSLContext:
        files = (ca_file, credential.client_certificate_file, credential.client_key_file)
        try:
            name = digest_parts(digest_bytes(Path(f).read_bytes()) if f else "" for f in files)
            if name not in self._contexts:
                # A bound, not a policy: contexts of rotated certificates would pile up for ever.
                if len(self._contexts) >= self._MOST:
                    self._contexts.clear()
                self._contexts[name] = _build(*files)
            return self._contexts[name]
        except (OSError, ssl.SSLError) as error:
            raise AccessDenied(
                f"the CA, client certificate or key cannot be used: {error}",
                next_step="check the files that the Cluster's access names",
            ) from error


def _build(ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    # Python 3.13 made VERIFY_X509_STRICT the default, which refuses the CAs that older clusters
    # made for themselves (no key usage); kubectl, and Python before, accept them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate_file:
        context.load_cert_chain(certificate_file, key_file or None)
    return context


class ProvingConnector(aiohttp.TCPConnector):
    """Kept connections; whoever gets one to write over it gets one that leads where it should.

    `prove` is set by who knows the cluster: it asks, over another new connection, who answers, and
    raises when it is another one. Many connections that are made together are proven together.
    """

    def __init__(self, *, keepalive_timeout: float) -> None:
        super().__init__(limit=0, keepalive_timeout=keepalive_timeout)
        self.prove: Callable[[], Awaitable[None]] | None = None
        self._numbers: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._made = 0
        self._proven = 0
        self._proving = anyio.Lock()

    async def connect(self, req: Any, traces: Any, timeout: Any) -> aiohttp.connector.Connection:
        """A connection of the pool, or a new one; closed again when it is not to be used."""
        connection = await super().connect(req, traces, timeout)
        try:
            number = self._number(connection.protocol)
            if req.method not in _READS and self.prove is not None:
                await self._until_proven(number, self.prove)
        except BaseException:
            connection.close()
            raise
        return connection

    def _number(self, protocol: object) -> int:
        known = self._numbers.get(protocol)
        if known is None:
            self._made += 1
            known = self._numbers[protocol] = self._made
        return known

    async def _until_proven(self, number: int, prove: Callable[[], Awaitable[None]]) -> None:
        while number > self._proven:
            async with self._proving:
                if number > self._proven:
                    made = self._made
                    await prove()
                    self._proven = made


_READS = frozenset({"GET", "HEAD"})


class AbruptResponse(aiohttp.ClientResponse):
    """A response whose connection ends at once when it is closed, unless it is kept for others.

    HTTP frames its own end, so a TLS goodbye says nothing; but the loop waits up to 30 s for the
    answer to it, and a session that ends would leave its watches' sockets open behind it, and those
    of answers after which the server hangs up.
    """

    _line: asyncio.Transport | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Begin to read; a short answer has given its connection back when this returns."""
        self._line = connection.transport
        return await super().start(connection)

    def close(self) -> None:
        """Abort the connection if it is still this response's, or ends; then close as usual."""
        line = self._line
        if line is not None and (self.connection is not None or line.is_closing()):
            line.abort()
        super().close()
