"""Connections to API servers: TLS contexts built off the loop and shared, and an end without wait.

A context costs up to 22 ms and half a megabyte to build, so one is made per distinct content of
CA, certificate and key, in a thread, and shared by every session of the process. Verification is
always on; there is no way to ask for less.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp

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


class AbruptResponse(aiohttp.ClientResponse):
    """A response whose connection ends at once when it is closed before its end.

    HTTP frames its own end, so a TLS goodbye says nothing; but the loop waits up to 30 s for the
    answer to it, and a session that ends would leave its watches' sockets open behind it.
    """

    def close(self) -> None:
        """Abort the connection if it is still this response's, then close as usual."""
        connection = self.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        super().close()
