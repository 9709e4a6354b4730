"""A scenario: which fleet, and what happens to it when; an explicit list, derived from a seed.

Everything that a run draws beside the list (latencies, jitter, the order of tasks) comes from
streams that are named and seeded apart, so that a list from which entries were taken still means
the same. That is what makes shrinking possible.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

FOREVER = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens at a virtual second, and lasts.

    `subject` is a cluster, an application or an Alert, `number` is what the event draws from.
    """

    at: float
    kind: str
    subject: str = ""
    seconds: float = FOREVER
    number: int = 0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.at:9.1f} s  {self.kind} {self.subject}{lasting}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run is made from; the same scenario is the same run.

    `waiting` are pairs of applications: the first waits for the second.
    """

    seed: int
    hours: float
    clusters: tuple[str, ...]
    applications: tuple[str, ...]
    events: tuple[Event, ...]
    alerts: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()

    def stream(self, name: str) -> random.Random:
        """A stream of random numbers of its own, whatever else is drawn."""
        return random.Random(f"{self.seed} {name}")

    def waited_for_by(self, name: str) -> list[str]:
        """The applications that an application waits for."""
        return [earlier for later, earlier in self.waiting if later == name]

    def with_events(self, events: Sequence[Event]) -> Scenario:
        """The same fleet, and these events only."""
        return replace(self, events=tuple(events))

    def without(self, name: str) -> Scenario:
        """The same, without a cluster, an application or an Alert, and what happens to it."""
        return replace(
            self,
            clusters=tuple(each for each in self.clusters if each != name),
            applications=tuple(each for each in self.applications if each != name),
            alerts=tuple(each for each in self.alerts if each != name),
            waiting=tuple(pair for pair in self.waiting if name not in pair),
            events=tuple(each for each in self.events if each.subject != name),
        )

    def as_json(self) -> bytes:
        """For a file; `from_json` reads it back."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, text: bytes) -> Scenario:
        """A scenario that was written down."""
        found: dict[str, Any] = orjson.loads(text)
        return cls(
            seed=found["seed"],
            hours=found["hours"],
            clusters=tuple(found["clusters"]),
            applications=tuple(found["applications"]),
            events=tuple(Event(**each) for each in found["events"]),
            alerts=tuple(found.get("alerts", ())),
            waiting=tuple((later, earlier) for later, earlier in found.get("waiting", ())),
        )


@dataclass(frozen=True, slots=True)
class Sort:
    """How often a kind of event happens beside the others, to what, and how long it lasts."""

    weight: float
    subjects: str
    lasts: Callable[[random.Random], float] = lambda draw: FOREVER


def _short(draw: random.Random) -> float:
    return round(draw.uniform(1, 60), 1)


def _long(draw: random.Random) -> float:
    return round(draw.choice((draw.uniform(5, 90), draw.uniform(60, 1500))), 1)


SORTS: Mapping[str, Sort] = {
    # Git
    "commit": Sort(10, "application"),
    "revert": Sort(1.5, "application"),
    "source fails": Sort(1.5, "application", _long),
    "source stalls": Sort(1, "application", _long),
    # the fleet's documents
    "application removed": Sort(1.2, "application", _long),
    "cluster removed": Sort(0.8, "cluster", _long),
    "relabelled": Sort(0.8, "cluster", _long),
    "document broken": Sort(1, "any", _long),
    "fleet unreadable": Sort(1, "", _long),
    "fleet empty": Sort(0.5, "", _long),
    # clusters
    "unreachable": Sort(2, "cluster", _long),
    "hangs": Sort(2, "cluster", _long),
    "slow": Sort(1.5, "cluster", _long),
    "answers lost": Sort(2.5, "cluster", _long),
    "applies lost": Sort(1.5, "cluster", _short),
    "flapping": Sort(1, "cluster", _long),
    "credential refused": Sort(1, "cluster", _long),
    "busy": Sort(1.5, "cluster", _long),
    "another cluster answers": Sort(1, "cluster", _long),
    "replaced": Sort(0.3, "cluster"),
    "rolled back": Sort(1, "cluster"),
    "partial discovery": Sort(1, "cluster", _long),
    "watch dropped": Sort(2, "cluster", _long),
    "session breaks": Sort(1.5, "cluster", _short),
    "objects refused": Sort(1.5, "cluster", _long),
    "unhealthy": Sort(1.5, "cluster", _long),
    # strangers
    "edited": Sort(3, "cluster"),
    "fields added": Sort(1.5, "cluster"),
    "deleted": Sort(2.5, "cluster"),
    "emptied": Sort(0.5, "cluster"),
    "fought over": Sort(0.7, "cluster", _long),
    "taken": Sort(0.7, "cluster"),
    "in the way": Sort(1, "cluster"),
    # Alerts, and who is told
    "receiver fails": Sort(3, "alert", _long),
    "alert muted": Sort(1, "alert", _long),
    "alert removed": Sort(0.7, "alert", _long),
    # people
    "suspended": Sort(2, "application", _long),
    "approves all": Sort(2.5, ""),
    "syncs": Sort(1, "application"),
    "gate refuses": Sort(1, "application", _long),
    # Shoal itself
    "killed": Sort(3, "", lambda draw: round(draw.uniform(1, 30), 1)),
    "killed at work": Sort(4, "", lambda draw: round(draw.uniform(1, 30), 1)),
    "database lost": Sort(0.4, ""),
    "database put back": Sort(0.6, "", _long),
    "store full": Sort(1.5, "", _long),
    "store slow": Sort(1, "", _long),
}


def scenario_of(seed: int, *, hours: float = 4.0) -> Scenario:
    """The scenario of a seed."""
    draw = random.Random(f"scenario {seed}")
    clusters = tuple(f"c{number}" for number in range(draw.randint(2, 6)))
    applications = tuple(f"a{number}" for number in range(draw.randint(1, 4)))
    alerts = tuple(f"al{number}" for number in range(draw.choice((0, 1, 1, 2))))
    subjects = {
        "cluster": clusters,
        "application": applications,
        "alert": alerts,
        "any": (*clusters, *applications, *alerts),
        "": ("",),
    }
    chosen = _chosen_sorts(draw, subjects)
    seconds = hours * 3600
    count = int(draw.choice((10, 25, 50)) * hours)
    events = [_event(draw, chosen, seconds, subjects) for _ in range(count)]
    first = [Event(0.0, "commit", name, number=draw.randrange(1 << 30)) for name in applications]
    ordered = sorted([*first, *events], key=lambda event: event.at)
    waiting = waiting_of(applications, draw)
    return Scenario(seed, hours, clusters, applications, tuple(ordered), alerts, waiting)


def waiting_of(
    applications: Sequence[str], draw: random.Random, likely: float = 0.4
) -> tuple[tuple[str, str], ...]:
    """Who waits for whom, mostly nobody: later ones for earlier ones, so no circle is made."""
    if draw.random() >= likely:
        return ()
    return tuple(
        (later, earlier)
        for number, later in enumerate(applications)
        for earlier in applications[:number]
        if draw.random() < 0.6
    )


def _chosen_sorts(draw: random.Random, subjects: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The sorts of this seed: not all at once, lest one fault hides what another would show."""
    named = [name for name, sort in SORTS.items() if subjects[sort.subjects]]
    most = draw.choice((4, 8, 16, len(named)))
    chosen = {*draw.sample(named, most), "commit"}
    return {name: SORTS[name].weight for name in named if name in chosen}


def _event(
    draw: random.Random,
    chosen: Mapping[str, float],
    seconds: float,
    subjects: Mapping[str, Sequence[str]],
) -> Event:
    kind = draw.choices(list(chosen), list(chosen.values()))[0]
    sort = SORTS[kind]
    # Things come in bursts: half of all within ten minutes of a quarter of the run.
    at = draw.uniform(0, seconds)
    if draw.random() < 0.5:
        at = draw.randrange(4) * seconds / 4 + draw.uniform(0, 600)
    return Event(
        at=round(min(at, seconds - 1), 1),
        kind=kind,
        subject=draw.choice(subjects[sort.subjects]),
        seconds=sort.lasts(draw),
        number=draw.randrange(1 << 30),
    )
