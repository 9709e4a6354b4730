"""Views of clusters: how they answer, what will not last, and which cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WarningReason(StrEnum):
    """What a warning about a cluster is about."""

    CREDENTIAL_EXPIRES = "CredentialExpires"
    STALE = "Stale"
    FLAPPING = "Flapping"
    RECOVERING = "Recovering"
    SLOW = "Slow"
    LIMITED = "Limited"


@dataclass(frozen=True, slots=True)
class ClusterWarning:
    """What will not work for long, or not as it should. `next_step` may be empty."""

    reason: WarningReason
    message: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster: conditions are `True`, `False` or `Unknown`.

    `credential_expiry_time` is what the credential says of itself. `latency_seconds` is what all
    but one in a hundred of the last minute's requests took at most, `requests_in_flight` how many
    are sent at a time; `slow` says that this is too long. `stale_since`: something there is not
    seen, and is taken to be as it was. `transitions` counts how often it turned from answering to
    silent and back since the controller started.
    """

    name: str
    labels: dict[str, str]
    reachable: str
    authorized: str
    version: str
    circuit: str
    slow: str
    since: datetime | None
    last_contact: datetime | None
    stale_since: datetime | None
    credential_expiry_time: datetime | None
    latency_seconds: float | None
    requests_in_flight: int | None
    transitions: int
    targets: int
    objects: int
    queued: int
    reason: str
    message: str
    next_step: str
    warnings: Sequence[ClusterWarning]
    document: str


@dataclass(frozen=True, slots=True)
class SilentCluster:
    """A cluster of which nothing can be told, and why."""

    cluster: str
    reason: str
    message: str
    next_step: str
