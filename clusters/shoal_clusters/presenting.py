"""What is shown to an API server: the credential of one connection, read again when that may help.

It is read when the connection opens, once after requests were refused (sixteen that are refused
together read it once), and now and then while its end is near, so that what somebody renewed is
used before the old one stops to count. Whether it still counts is for the API server to say: clocks
differ, so nothing is refused here.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import anyio

from shoal import __version__
from shoal.errors import AccessDenied, InvalidDocument, ShoalError
from shoal.hooks.host import ThreadRunner
from shoal.model.endpoints import Credential, Endpoint
from shoal_clusters.connecting import TrustStore

USER_AGENT = f"shoal/{__version__}"
_RENEW_BEFORE = timedelta(minutes=1)
_LOOK_INTERVAL = timedelta(minutes=1)
"""How often a file is looked at once it may have been renewed; as Kubernetes' own clients do."""


class Presented:
    """The credential as headers and TLS; `generation` counts its contents, `reads` how often."""

    def __init__(self, endpoint: Endpoint, trust: TrustStore, run_in_thread: ThreadRunner) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._run_in_thread = run_in_thread
        self._renewing = anyio.Lock()
        self._credential = Credential()
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self.generation = 0
        self.reads = 0
        self.tls: ssl.SSLContext | bool = True
        self.headers: Mapping[str, str] = {}

    @property
    def expired_at(self) -> datetime | None:
        """When it ended, by what it says and by the clock of this machine."""
        ends = self._credential.expires_at
        return ends if ends is not None and ends <= datetime.now(UTC) else None

    async def read(self) -> None:
        """Read it. Raises AccessDenied when there is none to be had."""
        self.reads += 1
        self._read_at = datetime.now(UTC)
        credential = await self._given()
        tls = await self._trust.context(self._endpoint.ca_file, credential, self._run_in_thread)
        if (credential, tls) != (self._credential, self.tls):
            self.generation += 1
        self._credential, self.tls = credential, tls
        bearer = {"Authorization": f"Bearer {credential.token}"} if credential.token else {}
        self.headers = {"User-Agent": USER_AGENT, **bearer}

    async def _given(self) -> Credential:
        """As the access gives it. A kubeconfig that is being written is no fault of an object."""
        try:
            return await self._endpoint.credential()
        except InvalidDocument as error:
            raise AccessDenied(
                f"there is no credential: {error.message}", next_step=error.next_step
            ) from error

    async def read_since(self, reads: int) -> None:
        """Read it again, unless somebody else did since `reads` was noted."""
        async with self._renewing:
            if self.reads == reads:
                await self.read()

    async def keep_fresh(self) -> None:
        """Read it again when its end is near and the last look is a while ago.

        When it cannot be read just now the old one is shown on: it may count for days.
        """
        if self._credential.expires_at is not None and self._is_due(datetime.now(UTC)):
            with suppress(ShoalError):
                await self.read_since(self.reads)

    def _is_due(self, now: datetime) -> bool:
        """A clock that is ahead must not have it read for each request."""
        ends, waited = self._credential.expires_at, now - self._read_at
        if ends is not None and (last_minute := ends - _RENEW_BEFORE) <= now:
            return self._read_at < last_minute or waited >= self._endpoint.credential_interval
        return self._credential.may_be_renewed(now) and waited >= _LOOK_INTERVAL
