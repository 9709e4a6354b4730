"""What was told outside, held against the ledger: the invariants of Alerts.

Some are asked whenever a message arrives, the others at the end, of all that was recorded. Each
gives sentences for what does not hold. What a record means to somebody outside is asked of
`noticing`, which is a table; whom it concerns, what was told already and what is over, is decided
here anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import RowMapping
from tests.engine.virtual_time import START
from tests.simulation.alerts import Alert
from tests.simulation.fleet import Declared, Documents

from shoal.model.alerts import Batch, Event, Purpose, Stage, StreamKey
from shoal.model.identity import Ref
from shoal.model.records import Deed, Entry, Record
from shoal.planning.noticing import notice
from shoal.store import changes, encoding, tables
from shoal.store.changes import Change
from shoal.testing.memory_store import MemoryDisk

# A mute counts once it is stored that it was read; a slow disk takes its time for that.
UNDER_WAY_SECONDS = 30.0
Told = tuple[int, Stage, str]


@dataclass
class Heard:
    """What one place of an Alert has heard, as long as its document is there.

    `begins_after` is the last record before its first: None while nothing was stored of it. `told`
    says in which batch something was told first, `left_out` which records were given up or muted.
    """

    begins_after: int | None = None
    batches: dict[str, Batch] = field(default_factory=dict)
    told: dict[Told, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def copy(self) -> Heard:
        """As much of it, whatever is heard later."""
        return Heard(self.begins_after, dict(self.batches), dict(self.told), set(self.left_out))

    def accounts_for(self, event: Event) -> bool:
        """Whether it was told, or the ledger says why not."""
        return _as_told(event) in self.told or event.seq in self.left_out


@dataclass
class Destination:
    """A place, the Alert that leads there, and what was heard there."""

    alert: Alert
    place: str
    heard: Heard = field(default_factory=Heard)

    @property
    def key(self) -> StreamKey:
        """What the engine calls it."""
        number = self.alert.places.index(self.place)
        return StreamKey(
            Ref("default", self.alert.name), f"noting-{number + 1}" if number else "noting"
        )


class Hearing:
    """All destinations of a run."""

    def __init__(self, alerts: Mapping[str, Alert]) -> None:
        self.by_place = {
            place: Destination(alert, place) for alert in alerts.values() for place in alert.places
        }
        self._by_key = {each.key: each for each in self.by_place.values()}
        self._stored_again_at = START

    @property
    def heard(self) -> dict[str, Heard]:
        """What was heard where."""
        return {place: there.heard for place, there in self.by_place.items()}

    def forget(self, heard: Mapping[str, Heard]) -> None:
        """No more was ever heard than this: the ledger and the streams of later are no more."""
        for place, there in self.by_place.items():
            there.heard = heard.get(place, Heard())

    # -- what happens ----------------------------------------------------------------------------

    def follow(self, change: Change, last_seq: int) -> None:
        """What the disk says of streams, and of what is not told."""
        match change:
            case changes.PutStream(key):
                there = self._by_key[key]
                if there.heard.begins_after is None:
                    there.heard.begins_after = last_seq
            case changes.DropStream(key):
                self._by_key[key].heard = Heard()
            case changes.Append(entry) if entry.what in (Deed.ALERT_GIVEN_UP, Deed.ALERT_MUTED):
                self._by_key[_stream_of(entry)].heard.left_out.update(entry.body["records"])
            case changes.Append(entry) if entry.what is Deed.STATE_RECOVERED:
                self._stored_again_at = entry.at

    def arrived(
        self, place: str, batch: Batch, seen: Sequence[tuple[float, Declared]]
    ) -> Iterator[tuple[str, str]]:
        """A message was taken: what it breaks, and how."""
        there = self.by_place[place]
        first = there.heard.batches.setdefault(batch.id, batch)
        if first is not batch:
            if first != batch:
                yield "a_repeat_is_the_same_batch", f"{place} was told {batch}, and before {first}"
            return
        if batch.at - self._stored_again_at < timedelta(seconds=UNDER_WAY_SECONDS):
            seen = ()  # what was read while nothing could be stored counts a moment later
        for invariant in AT_ARRIVAL:
            for why in invariant(there, batch, seen):
                yield invariant.__name__, f"{place} was told {batch.title} in {batch.id}: {why}"
        for event in batch.events:
            there.heard.told.setdefault(_as_told(event), batch.id)

    def left(self, records: Sequence[Record], disk: MemoryDisk) -> Iterator[tuple[str, str]]:
        """At the end, with everything at rest: what should have been told, and was not."""
        streams = _streams(disk)
        events = [event for record in records for event in notice(record)]
        for there in self.by_place.values():
            if there.heard.begins_after is None:
                yield "what_an_alert_selects_is_told", f"{there.place}: nothing of it was stored"
                continue
            for event in _untold(there, events):
                yield "what_an_alert_selects_is_told", f"{there.place} was never told {event}"
            for trouble in _unended(there, events, records):
                yield "what_was_told_and_is_over_is_told", f"{there.place}: {trouble} is over"
            stream = streams.get(there.key)
            for group in stream.groups.values() if stream else ():
                for trouble in group.troubles:
                    yield "at_rest_no_trouble_goes_on", f"{there.place}: {trouble} is still open"
                if group.news or group.endings:
                    yield "at_rest_nothing_waits_to_be_told", f"{there.place}: {group}"


def a_stream_ends_only_with_its_document(change: Change, documents: Documents) -> str | None:
    """What waits is not forgotten because documents cannot be read."""
    if not isinstance(change, changes.DropStream):
        return None
    name = change.key.alert.name
    if any(name not in declared.mutes for declared in documents.told_lately()):
        return None
    return f"{change.key} is forgotten, and its document is there"


# -- at each message ---------------------------------------------------------------------------


def nothing_is_told_that_is_not_selected(
    there: Destination, batch: Batch, seen: Sequence[tuple[float, Declared]]
) -> Iterator[str]:
    for event in batch.events:
        if event.stage is not Stage.ENDED and not there.alert.selects(event):
            yield f"{event.kind} of {event.subject} is not selected"


def what_is_over_was_told_before(
    there: Destination, batch: Batch, seen: Sequence[tuple[float, Declared]]
) -> Iterator[str]:
    began = {event.trouble for event in batch.events if event.stage is Stage.BEGAN}
    began |= {trouble for _, stage, trouble in there.heard.told if stage is Stage.BEGAN}
    for event in batch.events:
        # What was given up is known by the numbers of its records only.
        if event.stage is Stage.ENDED and event.trouble not in began and not there.heard.left_out:
            yield f"{event.trouble} is over, and nobody was told that it began"


def each_event_is_told_in_one_batch(
    there: Destination, batch: Batch, seen: Sequence[tuple[float, Declared]]
) -> Iterator[str]:
    if batch.purpose is Purpose.REMINDER:
        return
    for event in batch.events:
        before = there.heard.told.get(_as_told(event))
        if before is not None and there.heard.batches[before].purpose is not Purpose.REMINDER:
            yield f"{event.kind} of {event.subject} (record {event.seq}) was told in {before}"


def nothing_is_told_while_it_is_muted(
    there: Destination, batch: Batch, seen: Sequence[tuple[float, Declared]]
) -> Iterator[str]:
    at = (batch.at - START).total_seconds()
    known = [declared for when, declared in seen if when <= at - UNDER_WAY_SECONDS][-1:]
    known += [declared for when, declared in seen if at - UNDER_WAY_SECONDS < when <= at]
    ends = [START + timedelta(seconds=each.mutes.get(there.alert.name, 0.0)) for each in known]
    if ends and all(end > batch.at for end in ends):  # to the microsecond, as documents have it
        yield f"it was muted at {at:g} s"


AT_ARRIVAL = (
    nothing_is_told_that_is_not_selected,
    what_is_over_was_told_before,
    each_event_is_told_in_one_batch,
    nothing_is_told_while_it_is_muted,
)


# -- at the end --------------------------------------------------------------------------------


def _untold(there: Destination, events: Sequence[Event]) -> Iterator[Event]:
    """What it selects and nobody was told; the same trouble that says the same is told once."""
    assert there.heard.begins_after is not None
    doubted = _ended_by_doubt(there)
    going_on: dict[str, tuple[tuple[str, str], int]] = {}
    for event in events:
        if event.stage is Stage.ENDED:
            going_on.pop(event.trouble, None)
            continue
        if not there.alert.selects(event):
            continue
        if event.stage is Stage.BEGAN:
            said, since = going_on.get(event.trouble, (("", ""), event.seq))
            says = (event.what, event.message)
            is_known = said == says and not any(
                since < seq < event.seq for seq in doubted.get(event.trouble, ())
            )
            going_on[event.trouble] = (says, since if is_known else event.seq)
            if is_known:
                continue
        if event.seq > there.heard.begins_after and not there.heard.accounts_for(event):
            yield event


def _ended_by_doubt(there: Destination) -> dict[str, list[int]]:
    """The starts by which troubles were told to be over, for nobody had met them again."""
    found: dict[str, list[int]] = {}
    for batch in there.heard.batches.values():
        for event in batch.events:
            if event.stage is Stage.ENDED and event.what == Deed.CONTROLLER_STARTED:
                found.setdefault(event.trouble, []).append(event.seq)
    return found


def _unended(
    there: Destination, events: Sequence[Event], records: Sequence[Record]
) -> Iterator[str]:
    """The troubles that were told and are over, of which nobody was told that."""
    if not there.alert.is_telling_recoveries:
        return
    began: dict[str, int] = {}
    over: dict[str, int] = {}
    for seq, stage, trouble in there.heard.told:
        latest = began if stage is Stage.BEGAN else over
        latest[trouble] = max(seq, latest.get(trouble, 0))
    started = {each.seq for each in records if each.entry.what is Deed.CONTROLLER_STARTED}
    for event in events:
        is_left_out = event.stage is Stage.ENDED and event.seq in there.heard.left_out
        if is_left_out:
            over[event.trouble] = max(event.seq, over.get(event.trouble, 0))
    last_left_out = max(there.heard.left_out & started, default=0)
    ended = {event.trouble: event.seq for event in events if event.stage is Stage.ENDED}
    for trouble, seq in began.items():
        is_over = ended.get(trouble, 0) > seq
        if is_over and max(over.get(trouble, 0), last_left_out) < seq:
            yield f"{trouble} (record {seq})"


def _as_told(event: Event) -> Told:
    return event.seq, event.stage, event.trouble or event.kind


def _stream_of(entry: Entry) -> StreamKey:
    body: Mapping[str, Any] = entry.body
    return StreamKey(Ref.parse(entry.subject.removeprefix("alert ")), body["destination"])


def _streams(disk: MemoryDisk) -> dict[StreamKey, Any]:
    rows = disk.rows.get(tables.alerts.name, {}).values()
    return dict(encoding.read_stream(cast(RowMapping, row)) for row in rows)
