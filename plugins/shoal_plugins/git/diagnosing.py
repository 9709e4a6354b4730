"""A second look at a server whose TLS failed, when git's words do not say why.

GnuTLS, which git's curl has on Debian and Ubuntu, knows one sentence for every certificate that it
refuses. So the same server is asked once more by another library, without the login, and what that
says is added to what git said. Called by `running`, only after such a failure.
"""

from __future__ import annotations

import re

from shoal.errors import HttpFailed, ShoalError
from shoal.hooks.host import Host, HttpRequest
from shoal_plugins.git.addresses import Address
from shoal_plugins.git.credentials import Credential, Proxy

_REFUSED = re.compile(r"server certificate verification failed", re.IGNORECASE)
_SECONDS = 10.0


async def diagnose(
    stderr: str, address: Address, credential: Credential | None, proxy: Proxy | None, host: Host
) -> str:
    """What another TLS library says about the server, as a line; empty when that helps nothing."""
    if address.protocol != "https" or not _REFUSED.search(stderr):
        return ""
    request = HttpRequest(
        method="GET",
        url=f"{address.text}/info/refs",
        authority=credential.certificates.authority if credential else b"",
        proxy=proxy.url if proxy else "",
        deadline_seconds=_SECONDS,
    )
    try:
        await host.http.request(request)
    except HttpFailed as error:
        return f"\n{error.message}"
    except ShoalError:
        pass
    return ""
