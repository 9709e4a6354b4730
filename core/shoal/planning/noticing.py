"""What a record of the ledger means to somebody outside: which troubles begin and end with it.

Most records mean nothing to them. A trouble has a name that is the same when it begins and when it
ends, and on both sides of a restart. Whether anybody is told is decided in `alerting`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shoal.model.alerts import Event, EventKind, Stage
from shoal.model.documents import INLINE_SOURCE
from shoal.model.holds import HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.model.records import Deed, Record, Verdict

_BEGINS: Mapping[Deed, EventKind] = {
    Deed.TARGET_FAILED: EventKind.FAILED,
    Deed.APPLICATION_FAILED: EventKind.FAILED,
    Deed.SOURCE_FAILED: EventKind.FAILED,
    Deed.TARGET_DEGRADED: EventKind.DEGRADED,
    Deed.TARGET_DRIFTED: EventKind.DRIFTED,
    Deed.HOLD_PLACED: EventKind.HELD,
    Deed.CLUSTER_LOST: EventKind.UNREACHABLE,
    Deed.CLUSTER_REFUSED: EventKind.UNREACHABLE,
    Deed.FLEET_INVALID: EventKind.INVALID,
}
_ENDS: Mapping[Deed, tuple[EventKind, ...]] = {
    Deed.TARGET_SYNCED: (EventKind.FAILED,),
    Deed.TARGET_REMOVED: (EventKind.FAILED,),
    Deed.TARGET_RECOVERED: (EventKind.FAILED,),
    Deed.TARGET_HEALTHY: (EventKind.DEGRADED,),
    Deed.TARGET_RELEASED: (EventKind.FAILED, EventKind.DEGRADED, EventKind.DRIFTED),
    Deed.APPLICATION_RECOVERED: (EventKind.FAILED,),
    Deed.SOURCE_RECOVERED: (EventKind.FAILED,),
    Deed.SOURCE_CHANGED: (EventKind.FAILED,),
    Deed.DRIFT_ENDED: (EventKind.DRIFTED,),
    Deed.HOLD_RELEASED: (EventKind.HELD,),
    Deed.CLUSTER_CONNECTED: (EventKind.UNREACHABLE,),
    Deed.CLUSTER_LET_GO: (EventKind.UNREACHABLE,),
    Deed.FLEET_RECOVERED: (EventKind.INVALID,),
}
_HAPPENS: Mapping[Deed, EventKind] = {
    Deed.TARGET_SYNCED: EventKind.SYNCED,
    Deed.TARGET_CORRECTED: EventKind.CORRECTED,
    Deed.TARGET_RESET: EventKind.DRIFTED,
    Deed.TARGET_RELEASED: EventKind.REMOVED,
}
TELLING = frozenset({*_BEGINS, *_ENDS, *_HAPPENS, Deed.TARGET_OBSERVED, Deed.CONTROLLER_STARTED})
"""The only deeds that mean anything here."""
_OF_A_CHANGE = frozenset(
    {Deed.TARGET_SYNCED, Deed.TARGET_FAILED, Deed.TARGET_OBSERVED, Deed.HOLD_RELEASED}
)
"""Their `why` is the change's own: a commit's subject, or what a person said."""


def notice(record: Record) -> Iterator[Event]:
    """What a record tells: what begins, what just happened, then what ends."""
    entry = record.entry
    if entry.what is Deed.TARGET_OBSERVED:
        stage = Stage.BEGAN if entry.verdict is Verdict.FAILED else Stage.ENDED
        yield _event(record, EventKind.FAILED, stage)
        return
    if entry.what in _BEGINS and not _is_no_trouble(entry.body):
        yield _event(record, _BEGINS[entry.what], Stage.BEGAN)
    if entry.what in _HAPPENS:
        yield _event(record, _HAPPENS[entry.what], Stage.HAPPENED)
    for kind in _ENDS.get(entry.what, ()):
        yield _event(record, kind, Stage.ENDED)


def ending(record: Record, trouble: str) -> Event:
    """The end of a trouble as a record tells it; a start of the controller names none."""
    for event in notice(record):
        if event.stage is Stage.ENDED and event.trouble == trouble:
            return event
    kind, _, subject = trouble.partition(" ")
    namespace, application, cluster = _place(subject)
    return Event(
        seq=record.seq,
        at=record.entry.at,
        kind=EventKind(kind),
        stage=Stage.ENDED,
        what=record.entry.what.value,
        subject=subject,
        namespace=namespace,
        application=application,
        cluster=cluster,
        message="it was not seen again since the controller started",
        trouble=trouble,
    )


def kind_of(trouble: str) -> str:
    """The kind of event that a trouble's name begins with."""
    return trouble.partition(" ")[0]


def _is_no_trouble(body: Mapping[str, Any]) -> bool:
    """Whether a hold is one that nobody has to end: another application comes first."""
    return body.get("cause") == HoldCause.DEPENDENCY


def _event(record: Record, kind: EventKind, stage: Stage) -> Event:
    entry = record.entry
    namespace, application, cluster = _place(entry.subject)
    message, next_step = _told(record, stage)
    return Event(
        seq=record.seq,
        at=entry.at,
        kind=kind,
        stage=stage,
        what=entry.what.value,
        subject=entry.subject,
        namespace=namespace,
        application=application,
        cluster=cluster,
        who=entry.who,
        change=entry.why if entry.what in _OF_A_CHANGE else "",
        revision=entry.revision,
        message=message,
        next_step=next_step,
        trace_id=entry.trace_id,
        trouble="" if stage is Stage.HAPPENED else _trouble(record, kind),
    )


def _trouble(record: Record, kind: EventKind) -> str:
    hold = record.entry.body.get("hold", "") if kind is EventKind.HELD else ""
    return f"{kind} {record.entry.subject} {hold}".rstrip()


def _place(subject: str) -> tuple[str, str, str]:
    """Namespace, application and cluster of a subject; empty where it has none."""
    sort, blank, name = subject.partition(" ")
    if blank and sort == "cluster":
        return "", "", name
    if blank and sort == "source":
        source = Ref.parse(name)
        is_inline = source.name.startswith(INLINE_SOURCE)
        inline = f"{source.namespace}/{source.name.removeprefix(INLINE_SOURCE)}"
        return source.namespace, inline if is_inline else "", ""
    if "/" not in subject:
        return "", "", ""
    if "@" in subject:
        target = TargetKey.parse(subject)
        return target.application.namespace, str(target.application), target.cluster
    return Ref.parse(subject).namespace, subject, ""


def _told(record: Record, stage: Stage) -> tuple[str, str]:
    """What is wrong or was done, in one sentence, and what to do about it."""
    entry = record.entry
    body = entry.body
    if stage is Stage.ENDED:
        return "", ""
    if entry.what is Deed.HOLD_PLACED:
        return f"{body.get('cause')}: {entry.why}", str(body.get("release", ""))
    if entry.what is Deed.TARGET_DRIFTED:
        step = f"shoal drift list {entry.subject.partition('@')[0]}"
        return f"{body.get('object')} was {entry.why} in the cluster by {entry.who}", step
    if entry.what in (Deed.TARGET_FAILED, Deed.TARGET_OBSERVED):
        return _failure(body)
    if entry.what is Deed.TARGET_SYNCED:
        return _counts(body), ""
    if entry.what is Deed.TARGET_CORRECTED:
        objects = ", ".join(str(each.get("object")) for each in body.get("changes", ())[:3])
        return f"{entry.why or 'drift'}: {objects}", ""
    if entry.what is Deed.TARGET_DEGRADED:
        step = f"shoal describe target {entry.subject}"
        return f"{body.get('object')}: {entry.why or 'it is not healthy'}", step
    step = str(body.get("next_step", ""))
    if entry.what is Deed.FLEET_INVALID and not step:
        first = str(next(iter(body.get("problems", ())), ""))
        return f"{entry.why}: {first}" if first else entry.why, "run shoal validate"
    return entry.why, step


def _failure(body: Mapping[str, Any]) -> tuple[str, str]:
    """The error of the whole, else the first of single objects, and how many more there are."""
    if isinstance(error := body.get("error"), Mapping):
        return str(error.get("message", "")), str(error.get("next_step", ""))
    broken = [
        each
        for each in (*body.get("refused", ()), *body.get("changes", ()))
        if each.get("message") and each.get("status", "failed") == "failed"
    ]
    if not broken:
        return "it could not be applied in full", ""
    first, more = broken[0], f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    message, key = str(first["message"]), str(first.get("object", ""))
    told = message if key in message else f"{key}: {message}"
    return f"{told}{more}", str(first.get("next_step", ""))


def _counts(body: Mapping[str, Any]) -> str:
    counts: Mapping[str, int] = body.get("counts", {})
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
