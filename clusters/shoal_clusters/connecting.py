"""TLS towards API servers: contexts built off the loop and shared, and small buffers.

A context costs up to 22 ms and half a megabyte to build, so one is made per distinct content of
CA, certificate and key, in a thread, and shared by every session of the process. Verification is
always on; there is no way to ask for less.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from pathlib import Path
from typing import Any

import aiohttp

from shoal.errors import AccessDenied
from shoal.hooks.host import ThreadRunner
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.endpoints import Credential

BUFFER_BYTES = 16 * 1024


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
                next_step="check the cluster's part of the kubeconfig",
            ) from error


def _build(ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    # Python 3.13 made VERIFY_X509_STRICT the default, which refuses the CAs that older clusters
    # made for themselves (no key usage); kubectl, and Python before, accept them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate_file:
        context.load_cert_chain(certificate_file, key_file or None)
    return context


class _SmallTLS(sslproto.SSLProtocol):
    """asyncio's TLS protocol with a read buffer of 16 instead of 256 KiB.

    The buffer is allocated per connection and never shrinks: ten watches on each of a hundred
    clusters would hold 256 MB for nothing.
    """

    max_size = BUFFER_BYTES

    def _start_shutdown(self, *_: object) -> None:
        # HTTP frames its own end, so a TLS goodbye says nothing; asyncio would wait 30 s for the
        # answer to it, and a session that ends would leave its watches' sockets open behind it.
        socket: Any = self._transport
        if socket is not None:
            socket.abort()


class FrugalConnector(aiohttp.TCPConnector):
    """A connector whose TLS connections are cheap to keep open.

    Neither asyncio nor aiohttp has a seam for the TLS protocol, so the connection is opened plain,
    with the TLS protocol in the place of the application's, which is all that asyncio itself does.
    """

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[Any],
        req: Any,
        timeout: aiohttp.ClientTimeout,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, Any]:
        context = kwargs.pop("ssl", None)
        hostname = kwargs.pop("server_hostname", None)
        open_plain = super()._wrap_create_connection
        plain = {
            "addr_infos": addr_infos,
            "req": req,
            "timeout": timeout,
            "client_error": client_error,
        }
        if context is None:
            return await open_plain(*args, **plain, **kwargs)
        shaken = self._loop.create_future()
        http: Any = args[0]()

        def start_tls() -> _SmallTLS:
            # Made only when there is a socket for it: one that never had any warns when it goes.
            return _SmallTLS(self._loop, http, context, shaken, False, hostname)

        tls: Any
        transport, tls = await open_plain(start_tls, **plain, **kwargs)
        try:
            async with asyncio.timeout(timeout.sock_connect):
                await shaken
        except ssl.CertificateError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
        except OSError as error:
            raise client_error(req.connection_key, error) from error
        except BaseException:
            transport.abort()
            raise
        return tls._app_transport, http
