"""How a cluster is reached, as plain data, and what it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WARN_BEFORE = timedelta(days=7)
_LOOK_AT_PART = 4
"""A kubelet renews a Pod's token for the last fifth of its life, and writes it within minutes."""
_WARN_AT_PART = 10
"""A tenth of its life: what machines rotate (a Pod's token, an hour) was renewed before."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who we are; at most one of the two forms is set. Never shown.

    `issued_at` and `expires_at` are what it says of itself, by the clock of whoever made it; None
    when it says nothing. `renews_itself`: it is made anew by the machine each time it is read.
    """

    token: str = field(default="", repr=False)
    client_certificate_file: str = ""
    client_key_file: str = field(default="", repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    renews_itself: bool = False

    def is_expiring(self, now: datetime) -> bool:
        """Whether somebody has to renew it soon: seven days ahead, or for the last tenth of it."""
        return self._has_begun(_WARN_AT_PART, now)

    def may_be_renewed(self, now: datetime) -> bool:
        """Whether it is worth a look if somebody renewed it: before anybody is asked to."""
        return self._has_begun(_LOOK_AT_PART, now)

    def _has_begun(self, part: int, now: datetime) -> bool:
        if self.expires_at is None or self.renews_itself:
            return False
        ahead = WARN_BEFORE
        if self.issued_at is not None:
            ahead = min(ahead, (self.expires_at - self.issued_at) / part)
        return self.expires_at - ahead <= now


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server: where it is, whom to trust, and how to get the current credential.

    `credential` is called when a connection is opened, again after a 401, and now and then when it
    is about to expire; it may read a file or run an allowed program, and raises AccessDenied when
    it has nothing to offer. While it is refused it is read every `credential_interval`, to see
    whether somebody renewed it.
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

    `limits` are sentences about what the credential does not allow, and what is done instead;
    `stale` are sentences about what is not seen at the moment and is taken to be as it was.
    `latency_seconds` is what all but one in a hundred of the last minute's answers took at most,
    `requests_in_flight` how many it gets at a time now; None where nobody measures.
    `unknown_objects` counts what was seen to carry the marks of the fleet and is in no inventory,
    `rewinds` what showed, since this session began, that the cluster went back to an earlier time.
    """

    uid: str
    version: str
    limits: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    latency_seconds: float | None = None
    requests_in_flight: int | None = None
    unknown_objects: int = 0
    rewinds: int = 0
