"""What is remembered beside the model's own values: the last of each target and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shoal.model.alerts import Stream, StreamKey
from shoal.model.holds import Approval, Hold
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Grant, Owned
from shoal.model.records import Intent


@dataclass(frozen=True, slots=True)
class TargetState:
    """How the last work on a target ended, for the time after a restart.

    `status` is the engine's word, stored as text. `at` is when this was decided; `synced_revision`
    and `synced_at` are of the last success and outlive failures ("Unknown, last Synced at …").
    `error` is one sentence, `reason` the stable name of the error. `details` is JSON without
    secrets: counts, failed objects.
    """

    target: TargetKey
    status: str
    at: datetime
    revision: str = ""
    desired_digest: str = ""
    plan_hash: str = ""
    synced_revision: str = ""
    synced_at: datetime | None = None
    trace_id: str = ""
    reason: str = ""
    error: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceState:
    """The last revision that a source gave, and the digest of its content."""

    source: Ref
    revision: str
    digest: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is, as it was read at start. The mappings are the caller's to change."""

    inventory: dict[str, dict[ObjectKey, Owned]] = field(default_factory=dict)
    grants: dict[TargetKey, Grant] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    targets: dict[TargetKey, TargetState] = field(default_factory=dict)
    intents: dict[TargetKey, Intent] = field(default_factory=dict)
    sources: dict[Ref, SourceState] = field(default_factory=dict)
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
