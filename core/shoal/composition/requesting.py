"""The HTTP that plugins are lent: one request, one answer, under rules that no plugin can change.

https only (http to this machine), certificates always checked, no redirect followed, no cookie, no
`.netrc`, a deadline and a size for every answer. `HTTPS_PROXY` and `NO_PROXY` of the process hold,
never for this machine. Requests are rare (a token per hour), so each has a connection of its own.
"""

from __future__ import annotations

import os
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
import anyio

from shoal import __version__
from shoal.errors import BudgetExceeded, HttpFailed, Permanent
from shoal.hooks.host import HttpAnswer, HttpRequest, ThreadRunner
from shoal.model.loopback import is_loopback


class HttpClient:
    """Sends the requests of all plugins."""

    def __init__(self, run_in_thread: ThreadRunner) -> None:
        self._run_in_thread = run_in_thread

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """Send it once; see `shoal.hooks.host.Http`."""
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        is_here = is_loopback(host)
        if not host or parts.scheme not in ("https", "http") or parts.username is not None:
            raise Permanent("a plugin asked for a URL that is not https://host/…")
        if parts.scheme == "http" and not is_here:
            raise Permanent(f"http is allowed to this machine only, and {host} is another one")
        proxy = "" if is_here else request.proxy or _proxy_of_process(host)
        # Reading the system's authorities takes 20 ms.
        context = await self._run_in_thread(_context, request.authority)
        try:
            with anyio.fail_after(request.deadline_seconds):
                return await _send(request, host, context, proxy)
        except TimeoutError:
            raise HttpFailed(
                f"{host} did not answer within {request.deadline_seconds:g} s"
            ) from None
        except aiohttp.ClientHttpProxyError as error:
            raise HttpFailed(
                f"the proxy before {host} answered with status {error.status}"
            ) from None
        except ssl.SSLError as error:
            raise HttpFailed(f"{host} cannot be reached by TLS: {_cause(error)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise HttpFailed(f"{host} cannot be reached: {_cause(error)}") from None


async def _send(request: HttpRequest, host: str, context: ssl.SSLContext, proxy: str) -> HttpAnswer:
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session,
        session.request(
            request.method,
            request.url,
            data=request.body or None,
            headers={"User-Agent": f"shoal/{__version__}", **request.headers},
            proxy=proxy or None,
            allow_redirects=False,
        ) as response,
    ):
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > request.most_bytes:
                raise BudgetExceeded(f"{host} answered with more than {request.most_bytes} bytes")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(response.status, headers, bytes(body))


def _context(authority: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority.decode("ascii"))
    return context


def _proxy_of_process(host: str) -> str:
    if proxy_bypass(host):
        return ""
    proxy = getproxies_environment().get("https", "")
    # curl, and so git, takes `proxy.example:3128` too.
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _cause(error: BaseException) -> str:
    """The innermost reason in the system's words; aiohttp's own would repeat addresses."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {inner.verify_message.rstrip('.')}"
    if isinstance(inner, ssl.SSLError):
        return (inner.reason or "the handshake failed").replace("_", " ").lower()
    if isinstance(inner, aiohttp.ClientConnectorDNSError) or type(inner).__name__ == "gaierror":
        return "its name is not known"
    if isinstance(inner, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    if isinstance(inner, aiohttp.ClientPayloadError):
        return "its answer ended too early"
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno).lower()
    return type(inner).__name__
