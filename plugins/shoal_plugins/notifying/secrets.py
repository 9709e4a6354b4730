"""The one value that a notifier needs of a secret."""

from __future__ import annotations

from shoal.errors import AccessDenied
from shoal.hooks.host import Host


async def read_key(host: Host, namespace: str, name: str, key: str) -> bytes:
    """The value of one key without white space around it; AccessDenied when it is not there."""
    values = await host.secrets.read(namespace, name)
    value = values.get(key, b"").strip()
    if not value:
        raise AccessDenied(
            f"the secret {namespace}/{name} has no key {key}",
            next_step=f"write it to the file {namespace}/{name}/{key} of --secrets",
        )
    return value
