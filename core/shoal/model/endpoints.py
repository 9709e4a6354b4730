"""How a cluster is reached, as plain data, and what it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who we are; at most one of the two forms is set. Never shown."""

    token: str = field(default="", repr=False)
    client_certificate_file: str = ""
    client_key_file: str = field(default="", repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server: where it is, whom to trust, and how to get the current credential.

    `credential` is called when a connection is opened and again after a 401; it may read a file or
    run an allowed program, and raises AccessDenied when it has nothing to offer. While it is
    refused it is read every `credential_interval`, to see whether somebody renewed it.
    """

    server: str
    credential: Callable[[], Awaitable[Credential]]
    ca_file: str = ""
    tls_server_name: str = ""
    requests_in_flight: int = 16
    timeout: timedelta = timedelta(seconds=30)
    credential_interval: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a probe learnt. `uid` is that of the namespace `kube-system`: the cluster's identity.

    `limits` are sentences about what the credential does not allow, and what is done instead.
    """

    uid: str
    version: str
    limits: tuple[str, ...] = ()
