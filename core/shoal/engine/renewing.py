"""Notices that a credential which was refused has been renewed.

A cluster that says 401 is left alone by an ever longer back-off, but whoever renews its credential
should not have to wait for that: while it is refused, the credential is read again every now and
then, and a connection is made at once when it is another one. No request is sent for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from shoal.hooks.host import ThreadRunner
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.endpoints import Credential, Endpoint
from shoal.planning.credentials import CredentialTrial

ReadCredential = Callable[[], Awaitable[Credential]]


@dataclass(slots=True)
class Renewal:
    """The credential of one cluster's connections; it remembers digests only."""

    run_in_thread: ThreadRunner
    is_refused: bool = False
    interval_seconds: float = 0.0
    _trial: CredentialTrial = field(default_factory=CredentialTrial)
    _used: str = ""
    _read: ReadCredential | None = None

    def noting(self, endpoint: Endpoint) -> Endpoint:
        """The same endpoint; it tells which credential was handed out last."""

        async def credential() -> Credential:
            found = await endpoint.credential()
            self._used = await self._digest(found)
            return found

        self._read = endpoint.credential
        self.interval_seconds = endpoint.credential_interval.total_seconds()
        return replace(endpoint, credential=credential)

    def refused(self) -> None:
        """The API server, or the plugin that reads it, said no."""
        self.is_refused = self._read is not None
        self._trial = self._trial.after_refusal(self._used)

    def accepted(self) -> None:
        """A request was let in."""
        self.is_refused = False
        self._trial = self._trial.after_success()

    async def is_renewed(self) -> bool:
        """Read it again: whether it is another one than was refused. Raises what reading raises."""
        if not self.is_refused or self._read is None:
            return False
        return self._trial.is_worth_trying(await self._digest(await self._read()))

    async def _digest(self, credential: Credential) -> str:
        return await self.run_in_thread(_digest, credential)


def _digest(credential: Credential) -> str:
    files = (credential.client_certificate_file, credential.client_key_file)
    parts = [credential.token.encode(), *(_content(file) for file in files)]
    return digest_parts(digest_bytes(part) for part in parts)


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes() if file else b""
    except OSError:  # whoever uses the file says what is wrong with it
        return b""
