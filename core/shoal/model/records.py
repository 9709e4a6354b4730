"""Records: the sentences of the ledger. Who did what, to what, when, why, and how it ended.

An intent is what a record will be about, written down before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shoal.model.digests import digest_value
from shoal.model.identity import TargetKey


class Deed(StrEnum):
    """What a record says happened."""

    CONTROLLER_STARTED = "controller.started"
    CONFIGURATION_CHANGED = "configuration.changed"
    CONFIGURATION_INVALID = "configuration.invalid"
    FLEET_LOADED = "fleet.loaded"
    FLEET_INVALID = "fleet.invalid"
    FLEET_RECOVERED = "fleet.recovered"
    SOURCE_CHANGED = "source.changed"
    SOURCE_FAILED = "source.failed"
    SOURCE_RECOVERED = "source.recovered"
    APPLICATION_FAILED = "application.failed"
    APPLICATION_RECOVERED = "application.recovered"
    TARGET_SYNCED = "target.synced"
    TARGET_REMOVED = "target.removed"
    TARGET_FAILED = "target.failed"
    TARGET_RECOVERED = "target.recovered"
    TARGET_INTERRUPTED = "target.interrupted"
    TARGET_CORRECTED = "target.corrected"
    TARGET_DRIFTED = "target.drifted"
    DRIFT_ENDED = "drift.ended"
    TARGET_RESET = "target.reset"
    TARGET_SHARED = "target.shared"
    TARGET_OBSERVED = "target.observed"
    TARGET_DEGRADED = "target.degraded"
    TARGET_HEALTHY = "target.healthy"
    TARGET_WAITING = "target.waiting"
    TARGET_RELEASED = "target.released"
    CLUSTER_CONNECTED = "cluster.connected"
    CLUSTER_LOST = "cluster.lost"
    CLUSTER_REFUSED = "cluster.refused"
    CLUSTER_LET_GO = "cluster.let-go"
    CLUSTER_RECOVERING = "cluster.recovering"
    CLUSTER_RECOVERED = "cluster.recovered"
    HOLD_PLACED = "hold.placed"
    HOLD_RELEASED = "hold.released"
    SYNC_REQUESTED = "sync.requested"
    REVERT_REQUESTED = "drift.revert-requested"
    STATE_RECOVERED = "state.recovered"
    STATE_RESTORED = "state.restored"
    ALERT_MUTED = "alert.muted"
    ALERT_GIVEN_UP = "alert.given-up"
    ALERT_RESENT = "alert.resent"


class Verdict(StrEnum):
    """How it ended."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a writer hands to the ledger; the ledger adds chain, seq, previous and hash.

    `who` is a git author, an API user, `shoal`, or a client named in managedFields. `body` holds
    the details (counts, masked patches, errors); it never holds a secret.
    """

    at: datetime
    who: str
    what: Deed
    why: str
    subject: str
    verdict: Verdict
    revision: str = ""
    trace_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a pass over a target is about to send: durable before its first request.

    It goes when the outcome is recorded. One that is there at a start was left by a controller that
    ended in between: nobody knows which of its objects were written. `objects` are groups of names,
    as the ledger lists them.
    """

    target: TargetKey
    at: datetime
    who: str
    why: str
    revision: str
    plan: str
    trace_id: str
    objects: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the ledger. `hash` covers everything before it, so a gap or an edit shows."""

    chain: str
    seq: int
    previous: str
    hash: str
    entry: Entry


def record_hash(chain: str, seq: int, previous: str, entry: Entry) -> str:
    """The hash of a record: SHA-256 over its canonical JSON, the previous hash included."""
    return digest_value(
        {
            "chain": chain,
            "seq": seq,
            "previous": previous,
            "at": entry.at.isoformat(),
            "who": entry.who,
            "what": entry.what,
            "why": entry.why,
            "subject": entry.subject,
            "verdict": entry.verdict,
            "revision": entry.revision,
            "trace_id": entry.trace_id,
            "body": entry.body,
        }
    )
