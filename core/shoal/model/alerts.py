"""Alerts as values: what is told to people and machines outside, and how far each of them has come.

An `Event` is a record of the ledger as somebody outside understands it: something began, ended or
happened. Events that belong together leave as one `Batch`, whose id stays the same however often it
has to be sent. A `Stream` is one destination of one Alert: how far it has read the ledger, what is
still to be told, which troubles are open, and what is on its way. All of it is plain data: what
becomes of it is decided in `shoal.planning.alerting`, and carried out by `shoal.engine.alerting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shoal.model.identity import Ref


class EventKind(StrEnum):
    """What an Alert can be about. The first six are troubles: they begin, and they end."""

    FAILED = "Failed"
    DEGRADED = "Degraded"
    HELD = "Held"
    DRIFTED = "Drifted"
    UNREACHABLE = "Unreachable"
    INVALID = "Invalid"
    SYNCED = "Synced"
    CORRECTED = "Corrected"
    REMOVED = "Removed"


class Stage(StrEnum):
    """Whether a trouble begins or ends, or something just happened."""

    BEGAN = "began"
    ENDED = "ended"
    HAPPENED = "happened"


class Purpose(StrEnum):
    """Why a batch is sent: there is news, a trouble is still there, or a person tries it out."""

    NEWS = "news"
    REMINDER = "reminder"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that is told. `seq` is the number of its record in the ledger.

    `application` is `namespace/name` and `cluster` a name, each empty where there is none.
    `message` is one sentence: what is wrong, or what was done. `change` is why: the subject of a
    commit, or the reason that a person gave; `who` did that. `next_step` is what to do, often a
    command.
    `trouble` is equal for the beginning and the end of the same trouble.
    """

    seq: int
    at: datetime
    kind: EventKind
    stage: Stage
    what: str
    subject: str
    namespace: str = ""
    application: str = ""
    cluster: str = ""
    who: str = ""
    change: str = ""
    revision: str = ""
    message: str = ""
    next_step: str = ""
    trace_id: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """Events that a person reads as one: the same thing, on so many clusters.

    `title` is a sentence without a full stop: `default/web failed on 50 clusters`. The other texts
    may be empty.
    """

    title: str
    kind: EventKind
    stage: Stage
    clusters: tuple[str, ...] = ()
    message: str = ""
    change: str = ""
    who: str = ""
    revision: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent at once. A repeat of the same batch carries the same `id`.

    `alert` names the document, whose namespace is also that of its secrets. `title` and `topics`
    are for people, `events` for machines. `open_troubles` is how many of what this is about go on.
    `link` is what the document says, empty when it says none.
    """

    id: str
    alert: Ref
    fleet: str
    at: datetime
    purpose: Purpose
    title: str
    topics: tuple[Topic, ...] = ()
    events: tuple[Event, ...] = ()
    open_troubles: int = 0
    link: str = ""

    @property
    def is_recovery(self) -> bool:
        """Whether all of it is good news: what was told before is over."""
        return bool(self.events) and all(each.stage is Stage.ENDED for each in self.events)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A trouble that goes on. `seq` is the record that told it last, `print` what it said.

    `told`: it was sent; `was_told`: something else that it said before was. `doubted_at`: the
    controller started since, and knows nothing of it yet; `doubted_seq` is the record that says so.
    """

    seq: int
    print: str
    told: bool = False
    was_told: bool = False
    doubted_at: datetime | None = None
    doubted_seq: int = 0


class Ending(NamedTuple):
    """A trouble that is over, and the record that says so."""

    seq: int
    trouble: str


def records_of(news: Iterable[int], endings: Iterable[Ending]) -> list[int]:
    """The numbers of the records that tell these, each once; one record can end many troubles."""
    return sorted({*news, *(each.seq for each in endings)})


@dataclass(frozen=True, slots=True)
class Group:
    """What is told together. `news` are numbers of records that are still to be told.

    `due`: when the news are, `endings_due` when the endings are at the latest. `told_at` is when
    something of this group was sent last.
    """

    news: tuple[int, ...] = ()
    endings: tuple[Ending, ...] = ()
    due: datetime | None = None
    endings_due: datetime | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict[str, Trouble])
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A batch on its way: what it tells, since when it is tried, how often, and what came back."""

    id: str
    at: datetime
    news: tuple[int, ...] = ()
    endings: tuple[Ending, ...] = ()
    purpose: Purpose = Purpose.NEWS
    open_troubles: int = 0
    attempts: int = 0
    next_try: datetime | None = None
    error: str = ""
    next_step: str = ""


class StreamKey(NamedTuple):
    """An Alert and one of its destinations. Text form: `namespace/name>webhook`.

    `destination` is the name of its plugin, with `-2` for the second of its sort.
    """

    alert: Ref
    destination: str

    def __str__(self) -> str:
        return f"{self.alert}>{self.destination}"

    @classmethod
    def parse(cls, text: str) -> StreamKey:
        """Read `namespace/name>destination` back."""
        alert, _, destination = text.partition(">")
        return cls(Ref.parse(alert), destination)


@dataclass(frozen=True, slots=True)
class Stream:
    """How far one destination has come. `cursor` is the last record that was read.

    `delivered_at` and `delivered_title` are of the last batch that arrived; `given_up` counts those
    that were given up since.
    """

    cursor: int
    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])
    outgoing: Outgoing | None = None
    delivered_at: datetime | None = None
    delivered_title: str = ""
    given_up: int = 0
