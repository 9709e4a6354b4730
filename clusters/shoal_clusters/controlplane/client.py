"""A plain client of one API server as one user: requests by path, and watches.

For what stands beside Shoal: waiting until a control plane is ready, the workload simulator, the
demo's assertions, tests that do by hand what a person would do with kubectl. Shoal itself reaches
clusters by `shoal_clusters.transport`, which knows limits, retries and classes of errors; this
client knows none of them.
"""

from __future__ import annotations

import io
import ssl
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import orjson
from anyio import to_thread

from shoal_clusters.connecting import AbruptResponse
from shoal_clusters.controlplane.kubeconfig import Access

_REQUEST_SECONDS = 30.0
_QUIET_SECONDS = 60.0  # a watch without news is asked to end before this, and is begun again
_FIRST_SECONDS = 5.0  # a watch answers at once, and goes on
_CONTENT_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class AnsweredError(Exception):
    """An API server answered with an error; `code`, `message` and all else are its own."""

    def __init__(
        self, code: int, message: str, *, body: bytes = b"", retry_after: str | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.body = body
        self.retry_after = retry_after


class Client:
    """Requests to one API server; get one from `connect`."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self.access = access
        self._session = session

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        parameters: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request; raises AnsweredError, or what aiohttp raises when there is no answer."""
        response = await self._session.request(
            method,
            path,
            params=parameters,
            data=None if body is None else io.BytesIO(orjson.dumps(body)),
            headers={"Content-Type": content_type},
        )
        try:
            content = await response.read()
        finally:
            response.close()  # one that was read to its end has given its connection back
        if response.status >= 400:
            raise AnsweredError(
                response.status,
                _message(content),
                body=content,
                retry_after=response.headers.get("Retry-After"),
            )
        is_json = response.content_type == "application/json"
        return orjson.loads(content) if is_json else {"text": content.decode()}

    async def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """One object or list."""
        return await self.request("GET", path, parameters=parameters)

    async def find(self, path: str) -> dict[str, Any] | None:
        """One object, or None when it is not there."""
        try:
            return await self.get(path)
        except AnsweredError as error:
            if error.code == 404:
                return None
            raise

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection `path`."""
        return await self.request("POST", path, body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an object."""
        return await self.request("PUT", path, body)

    async def patch(
        self, path: str, body: object, *, form: str = "merge", **parameters: str
    ) -> dict[str, Any]:
        """Patch an object; `form` is merge, json (RFC 6902) or apply (server-side)."""
        content_type = _CONTENT_TYPES[form]
        return await self.request(
            "PATCH", path, body, parameters=parameters, content_type=content_type
        )

    async def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> dict[str, Any]:
        """Apply an object on the server's side, as `manager`."""
        options = {"fieldManager": manager, "force": str(force).lower()}
        return await self.patch(path, body, form="apply", **options)

    async def delete(self, path: str, **parameters: str) -> dict[str, Any]:
        """Delete an object, or with a collection's path all that the parameters select."""
        return await self.request("DELETE", path, parameters=parameters)

    async def watch(self, path: str, resource_version: str) -> AsyncGenerator[dict[str, Any], None]:
        """Events of a collection, until the server ends the watch; then begin again."""
        parameters = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "45",
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_QUIET_SECONDS)
        # Shielded, for a connection that is being made when its task is cancelled stays open.
        with anyio.fail_after(_FIRST_SECONDS, shield=True):
            response = await self._session.get(path, params=parameters, timeout=timeout)
        try:
            if response.status >= 400:
                raise AnsweredError(response.status, _message(await response.read()))
            rest = b""
            # An event may be longer than a line that aiohttp agrees to read, so lines are ours.
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield orjson.loads(line)
        finally:
            response.close()


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Client]:
    """A client for as long as the block lasts."""
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    context = await to_thread.run_sync(_ssl_context, access)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    session = aiohttp.ClientSession(
        access.server,
        headers=headers,
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS),
        response_class=AbruptResponse,
    )
    try:
        yield Client(access, session)
    finally:
        with anyio.CancelScope(shield=True):
            # A TLS goodbye says nothing, and waiting for the answer to it may take half a minute.
            await connector.close(abort_ssl=True)
            await session.close()
            # Aborted sockets are closed by the loop's next turn.
            await anyio.lowlevel.checkpoint()


def _ssl_context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.authority_pem.decode())
    if access.certificate_pem is not None and access.key_pem is not None:
        # OpenSSL loads a client's certificate from files only.
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder) / "client.pem"
            pem.touch(mode=0o600)
            pem.write_bytes(access.certificate_pem + access.key_pem)
            context.load_cert_chain(pem)
    return context


def _message(content: bytes) -> str:
    try:
        return str(orjson.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:200].strip()
