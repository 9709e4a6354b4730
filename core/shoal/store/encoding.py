"""Values as rows and rows as values: one pair of functions per table, no I/O.

Times must be aware and are stored in UTC with microseconds, so that text sorts as time. JSON is
canonical. A value that cannot be stored raises ValueError or TypeError, which is a bug of ours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
from sqlalchemy import RowMapping

from shoal.model.alerts import Stream, StreamKey
from shoal.model.digests import canonical
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Grant, Owned
from shoal.model.records import Deed, Entry, Intent, Record, Verdict
from shoal.store.states import SourceState, TargetState

Row = dict[str, Any]


def time_text(at: datetime) -> str:
    """The stored form of a time: `2026-03-01T09:30:00.000000+00:00`."""
    if at.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def optional_time_text(at: datetime | None) -> str | None:
    """`time_text`, or None for a time that never was."""
    return None if at is None else time_text(at)


def read_optional_time(text: str | None) -> datetime | None:
    """The way back of `optional_time_text`."""
    return None if text is None else datetime.fromisoformat(text)


def owned_row(owned: Owned) -> Row:
    """An inventory row; reading back shares strings, so it lives in `loading`."""
    return {
        "cluster": owned.target.cluster,
        "key": owned.key.text,
        "application": str(owned.target.application),
        "uid": owned.uid,
        "desired_digest": owned.desired_digest,
        "owned_digest": owned.owned_digest,
        "baseline": owned.baseline,
        "state": owned.state.value,
    }


def grant_row(grant: Grant) -> Row:
    """A grant as a row."""
    return {
        "target": str(grant.target),
        "revision": grant.revision,
        "by": grant.by,
        "since": time_text(grant.since),
        "traceparent": grant.traceparent,
    }


def read_grant(row: RowMapping) -> Grant:
    """A row as a grant."""
    return Grant(
        target=TargetKey.parse(row["target"]),
        revision=row["revision"],
        by=row["by"],
        since=datetime.fromisoformat(row["since"]),
        traceparent=row["traceparent"],
    )


def hold_row(hold: Hold) -> Row:
    """A hold as a row."""
    return {
        "id": hold.id,
        "subject": hold.subject,
        "cause": hold.cause.value,
        "reason": hold.reason,
        "by": hold.by,
        "since": time_text(hold.since),
        "content": hold.content,
        "until": optional_time_text(hold.until),
        "group": hold.group,
    }


def read_hold(row: RowMapping) -> Hold:
    """A row as a hold."""
    return Hold(
        subject=row["subject"],
        cause=HoldCause(row["cause"]),
        reason=row["reason"],
        by=row["by"],
        since=datetime.fromisoformat(row["since"]),
        content=row["content"],
        until=read_optional_time(row["until"]),
        group=row["group"],
    )


def approval_row(approval: Approval) -> Row:
    """An approval as a row."""
    return {
        "hold": approval.hold,
        "subject": approval.subject,
        "content": approval.content,
        "by": approval.by,
        "reason": approval.reason,
        "at": time_text(approval.at),
        "until": time_text(approval.until),
    }


def read_approval(row: RowMapping) -> Approval:
    """A row as an approval."""
    return Approval(
        hold=row["hold"],
        subject=row["subject"],
        content=row["content"],
        by=row["by"],
        reason=row["reason"],
        at=datetime.fromisoformat(row["at"]),
        until=datetime.fromisoformat(row["until"]),
    )


def target_row(state: TargetState) -> Row:
    """A target's last outcome as a row."""
    return {
        "target": str(state.target),
        "status": str(state.status),
        "at": time_text(state.at),
        "revision": state.revision,
        "desired_digest": state.desired_digest,
        "plan_hash": state.plan_hash,
        "synced_revision": state.synced_revision,
        "synced_at": optional_time_text(state.synced_at),
        "trace_id": state.trace_id,
        "reason": state.reason,
        "error": state.error,
        "details": canonical(state.details).decode(),
    }


def read_target(row: RowMapping) -> TargetState:
    """A row as a target's last outcome."""
    return TargetState(
        target=TargetKey.parse(row["target"]),
        status=row["status"],
        at=datetime.fromisoformat(row["at"]),
        revision=row["revision"],
        desired_digest=row["desired_digest"],
        plan_hash=row["plan_hash"],
        synced_revision=row["synced_revision"],
        synced_at=read_optional_time(row["synced_at"]),
        trace_id=row["trace_id"],
        reason=row["reason"],
        error=row["error"],
        details=orjson.loads(row["details"]),
    )


def intent_row(intent: Intent) -> Row:
    """An intent as a row."""
    return {
        "target": str(intent.target),
        "at": time_text(intent.at),
        "who": intent.who,
        "why": intent.why,
        "revision": intent.revision,
        "plan": intent.plan,
        "trace_id": intent.trace_id,
        "objects": canonical(intent.objects).decode(),
    }


def read_intent(row: RowMapping) -> Intent:
    """A row as an intent."""
    return Intent(
        target=TargetKey.parse(row["target"]),
        at=datetime.fromisoformat(row["at"]),
        who=row["who"],
        why=row["why"],
        revision=row["revision"],
        plan=row["plan"],
        trace_id=row["trace_id"],
        objects=orjson.loads(row["objects"]),
    )


def source_row(state: SourceState) -> Row:
    """A source's last revision as a row."""
    return {"source": str(state.source), "revision": state.revision, "digest": state.digest}


def read_source(row: RowMapping) -> SourceState:
    """A row as a source's last revision."""
    return SourceState(Ref.parse(row["source"]), row["revision"], row["digest"])


def stream_row(key: StreamKey, stream: Stream) -> Row:
    """A destination of an Alert as a row; the cursor has a column for whoever looks."""
    content = msgspec.json.encode(stream).decode()
    return {"stream": str(key), "cursor": stream.cursor, "content": content}


def read_stream(row: RowMapping) -> tuple[StreamKey, Stream]:
    """A row as a destination of an Alert."""
    return StreamKey.parse(row["stream"]), msgspec.json.decode(row["content"], type=Stream)


def stored_entry(entry: Entry) -> Entry:
    """The entry as it will be read back: the time in UTC, the body as JSON gives it."""
    if entry.at.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    body = orjson.loads(canonical(entry.body))
    return replace(entry, at=entry.at.astimezone(UTC), body=body)


def record_row(record: Record) -> Row:
    """A record of the ledger as a row."""
    entry = record.entry
    return {
        "chain": record.chain,
        "seq": record.seq,
        "previous": record.previous,
        "hash": record.hash,
        "at": time_text(entry.at),
        "who": entry.who,
        "what": entry.what.value,
        "why": entry.why,
        "subject": entry.subject,
        "verdict": entry.verdict.value,
        "revision": entry.revision,
        "trace_id": entry.trace_id,
        "body": canonical(entry.body).decode(),
    }


def read_record(row: RowMapping) -> Record:
    """A row as a record; raises ValueError when somebody edited it into something unreadable."""
    entry = Entry(
        at=datetime.fromisoformat(row["at"]),
        who=row["who"],
        what=Deed(row["what"]),
        why=row["why"],
        subject=row["subject"],
        verdict=Verdict(row["verdict"]),
        revision=row["revision"],
        trace_id=row["trace_id"],
        body=orjson.loads(row["body"]),
    )
    return Record(row["chain"], row["seq"], row["previous"], row["hash"], entry)
