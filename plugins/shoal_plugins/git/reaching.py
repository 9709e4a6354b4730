"""From what people wrote to a remote that git may call: the address, and what its secrets give.

Secrets are read anew for each fetch, so that a rotated one works at the next. A token of a GitHub
App that the forge refuses is traded for a new one, once. Called by `source`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio

from shoal.errors import InvalidSource
from shoal.hooks.host import Host
from shoal.model.identity import Ref
from shoal_plugins.git.addresses import Address
from shoal_plugins.git.credentials import (
    Credential,
    Proxy,
    read_credential,
    read_proxy,
    with_token,
)
from shoal_plugins.git.github_apps import read_app
from shoal_plugins.git.identities import OpenedKeys
from shoal_plugins.git.installation_tokens import InstallationTokens
from shoal_plugins.git.lending import forget_lent
from shoal_plugins.git.running import Remote
from shoal_plugins.git.specification import GitSpec


class Reaching:
    """Makes the remotes of all sources; keeps the tokens of apps and opened keys."""

    def __init__(self, tokens: InstallationTokens | None = None) -> None:
        self._tokens = tokens or InstallationTokens()
        self._opened = OpenedKeys()
        self._forgetting = anyio.Lock()
        self._is_clean = False

    async def remote(self, source: Ref, spec: GitSpec, host: Host) -> Remote:
        """Where git may connect to for this source, and with what."""
        address = spec.address
        if address.is_local and host.base_folder is None:
            raise InvalidSource(
                "a local path is refused, because the fleet is not a local folder",
                next_step="use an https:// address",
            )
        await self._clean(host)
        proxy = None
        if spec.proxy_secret_ref is not None:
            name = spec.proxy_secret_ref.name
            values = await host.secrets.read(source.namespace, name)
            proxy = read_proxy(values, f"{source.namespace}/{name}")
        credential = None
        if spec.secret_ref is not None:
            name = spec.secret_ref.name
            credential = await self._credential(source.namespace, name, address, proxy, host)
        return Remote(address, address.location(host.base_folder or Path("/")), credential, proxy)

    async def _credential(
        self, namespace: str, name: str, address: Address, proxy: Proxy | None, host: Host
    ) -> Credential:
        secret = f"{namespace}/{name}"
        values = await host.secrets.read(namespace, name)
        credential = await host.run_in_thread(
            read_credential, values, secret, address, self._opened
        )
        if address.is_ssh or credential.authorization:
            return credential
        app = await host.run_in_thread(read_app, values, credential, address, proxy)
        if app is None:
            return credential
        token = await self._tokens.token(app, host)
        return with_token(credential, token, partial(self._tokens.give_up, app, token))

    async def _clean(self, host: Host) -> None:
        async with self._forgetting:
            if not self._is_clean:
                await host.run_in_thread(forget_lent, host.cache_folder)
                self._is_clean = True
