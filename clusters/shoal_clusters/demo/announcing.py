"""Announces pushes to the controller's webhook listener, signed, as a forge does."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field

import aiohttp

from shoal_clusters.demo.git_server import Push

_ANNOUNCE_SECONDS = 5.0  # as forges do: a listener that is slow has to find out by itself


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where one source's webhook is, and the secret that its requests are signed with."""

    url: str
    token: bytes = field(repr=False)

    async def announce(self, push: Push) -> None:
        """Tell of a push; when nobody listens, the source's interval will find it."""
        body = json.dumps({"ref": push.ref, "before": push.before, "after": push.after}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Delivery": secrets.token_hex(16),
            "X-Hub-Signature-256": f"sha256={_signature(self.token, body)}",
        }
        timeout = aiohttp.ClientTimeout(total=_ANNOUNCE_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, data=body, headers=headers) as response,
            ):
                await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return


def _signature(token: bytes, body: bytes) -> str:
    return hmac.new(token, body, hashlib.sha256).hexdigest()
