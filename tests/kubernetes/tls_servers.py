"""Small TLS servers on loopback that misbehave on purpose, and a transport to one of them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio.to_thread
from opentelemetry.metrics import Meter
from tests.tls_serving import Handler, serving_tls

from shoal.model.endpoints import Credential, Endpoint
from shoal.testing.hosts import run_in_thread
from shoal_clusters.connecting import TrustStore
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Transport


@dataclass
class Tokens:
    """A credential that may be renewed; counts how often it was read."""

    token: str = "old"
    expires_at: datetime | None = None
    reads: int = 0

    async def __call__(self) -> Credential:
        self.reads += 1
        return Credential(token=self.token, expires_at=self.expires_at)


@asynccontextmanager
async def served(
    certificates: Path,
    handler: Handler,
    credential: Callable[[], Awaitable[Credential]],
    *,
    ca_file: str | None = None,
    seconds: float = 5,
    in_flight: int = 16,
    credential_interval: timedelta = timedelta(seconds=10),
    meter: Meter | None = None,
) -> AsyncIterator[Transport]:
    """A transport to a TLS server on loopback that answers with `handler`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    await anyio.to_thread.run_sync(context.load_cert_chain, certificates / "serving.pem")
    await anyio.to_thread.run_sync(context.load_verify_locations, certificates / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL  # as an API server: who is nobody is refused later
    async with serving_tls(handler, context) as port:
        endpoint = Endpoint(
            f"https://127.0.0.1:{port}",
            credential,
            ca_file=str(certificates / "ca.crt") if ca_file is None else ca_file,
            requests_in_flight=in_flight,
            timeout=timedelta(seconds=seconds),
            credential_interval=credential_interval,
        )
        trust, pace = TrustStore(), Pace()
        async with Transport("dev", endpoint, trust, pace, run_in_thread, meter) as transport:
            yield transport
