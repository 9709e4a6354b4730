"""Entries of the ledger: who, what, when and why, under the trace that it happened in.

Whoever records something makes its entry here, and in the same breath it is said in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from shoal.model.records import Deed, Entry, Verdict
from shoal.telemetry.spans import trace_id

_log = structlog.get_logger(__name__)


def entry_of(
    *,
    at: datetime,
    who: str,
    what: Deed,
    why: str,
    subject: str,
    verdict: Verdict = Verdict.NOTED,
    revision: str = "",
    body: Mapping[str, Any] | None = None,
) -> Entry:
    """One entry, logged; whoever asked for it stores it."""
    _log.info(what.value, subject=subject, verdict=verdict.value, who=who, why=why)
    return Entry(
        at=at,
        who=who,
        what=what,
        why=why,
        subject=subject,
        verdict=verdict,
        revision=revision,
        trace_id=trace_id(),
        body=body or {},
    )
