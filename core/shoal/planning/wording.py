"""Events in the words of people: the same on many clusters is one topic, and a batch has one title.

Read on a telephone at night: what happened, where, why, and what to do, the worst first. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shoal.model.alerts import Batch, Event, EventKind, Outgoing, Purpose, Stage, Topic
from shoal.model.digests import digest_parts
from shoal.model.documents import Alert
from shoal.model.records import Record
from shoal.planning.noticing import ending, notice

_DONE: Mapping[tuple[EventKind, Stage], tuple[str, str]] = {
    (EventKind.FAILED, Stage.BEGAN): ("failed", "failed"),
    (EventKind.FAILED, Stage.ENDED): ("recovered", "recovered"),
    (EventKind.DEGRADED, Stage.BEGAN): ("is not healthy", "are not healthy"),
    (EventKind.DEGRADED, Stage.ENDED): ("is healthy again", "are healthy again"),
    (EventKind.HELD, Stage.BEGAN): ("is held", "are held"),
    (EventKind.HELD, Stage.ENDED): ("is held no more", "are held no more"),
    (EventKind.DRIFTED, Stage.BEGAN): ("was changed by hand", "were changed by hand"),
    (EventKind.DRIFTED, Stage.HAPPENED): ("was changed much at once", "were changed much at once"),
    (EventKind.DRIFTED, Stage.ENDED): ("is equal to Git again", "are equal to Git again"),
    (EventKind.UNREACHABLE, Stage.BEGAN): ("does not answer", "do not answer"),
    (EventKind.UNREACHABLE, Stage.ENDED): ("answers again", "answer again"),
    (EventKind.INVALID, Stage.BEGAN): ("cannot be read in full", "cannot be read in full"),
    (EventKind.INVALID, Stage.ENDED): ("can be read in full again", "can be read in full again"),
    (EventKind.SYNCED, Stage.HAPPENED): ("was synced", "were synced"),
    (EventKind.CORRECTED, Stage.HAPPENED): ("was corrected", "were corrected"),
    (EventKind.REMOVED, Stage.HAPPENED): ("was removed", "were removed"),
}
_ORDER = (Stage.BEGAN, Stage.HAPPENED, Stage.ENDED)
_MOST_NAMED = 3
"""Clusters in a title; a topic lists them all."""


def worded(outgoing: Outgoing, records: Mapping[int, Record], alert: Alert, fleet: str) -> Batch:
    """The batch as it is sent; the same whenever it is made of the same records."""
    events = _events(outgoing, records)
    topics = topics_of(events, alert.metadata.namespace)
    return Batch(
        id=outgoing.id,
        alert=alert.ref,
        fleet=fleet,
        at=outgoing.at,
        purpose=outgoing.purpose,
        title=_title(events, topics, outgoing.purpose),
        topics=topics,
        events=events,
        open_troubles=outgoing.open_troubles,
        link=alert.spec.link or "",
    )


def trial(alert: Alert, fleet: str, who: str, now: datetime) -> Batch:
    """A batch that says nothing but that it arrived."""
    return Batch(
        id=f"test-{digest_parts((str(alert.ref), who, now.isoformat()))[:16]}",
        alert=alert.ref,
        fleet=fleet,
        at=now,
        purpose=Purpose.TEST,
        title=f"a test of alert {alert.ref}, asked for by {who}",
        link=alert.spec.link or "",
    )


def _events(outgoing: Outgoing, records: Mapping[int, Record]) -> tuple[Event, ...]:
    """What is told, in the order of the ledger."""
    began = (
        event
        for seq in outgoing.news
        if seq in records
        for event in notice(records[seq])
        if event.stage is not Stage.ENDED
    )
    ended = (
        ending(records[each.seq], each.trouble) for each in outgoing.endings if each.seq in records
    )
    return tuple(sorted((*began, *ended), key=lambda event: event.seq))


def topics_of(events: Iterable[Event], namespace: str) -> tuple[Topic, ...]:
    """One for each thing that happened to each application, source or to clusters; worst first.

    Names of the Alert's own namespace are told without it.
    """
    alike: dict[tuple[Stage, EventKind, str], list[Event]] = {}
    for event in events:
        alike.setdefault((event.stage, event.kind, _about(event)), []).append(event)
    ordered = sorted(alike.items(), key=lambda item: _rank(item[0]))
    return tuple(_topic(about, many, namespace) for (_, _, about), many in ordered)


def _rank(key: tuple[Stage, EventKind, str]) -> tuple[int, int, str]:
    stage, kind, about = key
    return _ORDER.index(stage), list(EventKind).index(kind), about


def _about(event: Event) -> str:
    """What happened to: clusters go together, for one network leads to many."""
    if event.application:
        return event.application
    return "" if event.cluster else event.subject


def _topic(about: str, events: Sequence[Event], namespace: str) -> Topic:
    first, last = events[0], events[-1]
    clusters = tuple(dict.fromkeys(event.cluster for event in events if event.cluster))
    return Topic(
        title=_sentence(about, first, clusters, namespace),
        kind=first.kind,
        stage=first.stage,
        clusters=clusters,
        message=_message(events),
        change=last.change,
        who=last.who if last.change else "",
        revision=last.revision,
        next_step=last.next_step,
    )


def _sentence(about: str, event: Event, clusters: Sequence[str], namespace: str) -> str:
    one, many = _DONE[event.kind, event.stage]
    if not about:
        if len(clusters) == 1:
            return f"cluster {clusters[0]} {one}"
        return f"{_places(clusters)} {many}"
    name = about.removeprefix(f"{namespace}/")
    if name == "fleet":
        name = "the fleet"
    at = "from" if event.kind is EventKind.REMOVED else "on"
    return f"{name} {one}" + (f" {at} {_places(clusters)}" if clusters else "")


def _places(clusters: Sequence[str]) -> str:
    if len(clusters) > _MOST_NAMED:
        return f"{len(clusters)} clusters"
    *others, last = clusters
    return f"{', '.join(others)} and {last}" if others else last


def _message(events: Sequence[Event]) -> str:
    """What most of them say, without the name of the cluster; and how many say something else."""
    said = Counter(_nameless(event) for event in events if event.message)
    if not said:
        return ""
    ((most, _),) = said.most_common(1)
    told = next(event.message for event in events if _nameless(event) == most)
    others = len(said) - 1
    shown = told.removeprefix(f"{events[0].cluster}: ") if len(events) == 1 else told
    if not others:
        return shown
    return f"{shown} (and {'another reason' if others == 1 else f'{others} other reasons'})"


def _nameless(event: Event) -> str:
    return event.message.replace(event.cluster, "") if event.cluster else event.message


def _title(events: Sequence[Event], topics: Sequence[Topic], purpose: Purpose) -> str:
    if not topics:
        return "nothing that is still recorded"
    began = {event.trouble for event in events if event.stage is Stage.BEGAN}
    ended = {event.trouble for event in events if event.stage is Stage.ENDED}
    if began and began == ended:
        topics = [topic for topic in topics if topic.stage is not Stage.ENDED]
    more = f" (and {len(topics) - 1} more)" if len(topics) > 1 else ""
    over = ", and that is over" if began and began == ended else ""
    still = "still: " if purpose is Purpose.REMINDER else ""
    return f"{still}{topics[0].title}{over}{more}"
