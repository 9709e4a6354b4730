"""What happens when: a list made from a seed, before anything runs.

Each cluster has a track of its own, on which one fault follows the other with a rest between them;
so have the controller and Git. Kinds are drawn from a bag that is filled again only when it is
empty, so a short run meets as many kinds as it has time for. Commits and strangers have their times
here, too; what exactly they change comes from generators of the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import KINDS, Kind, Place
from tests.chaos.strangers import Mischief

_BEGIN_SECONDS = 4.0
_REST_SECONDS = {Place.CLUSTER: (7.0, 15.0), Place.CONTROLLER: (8.0, 20.0), Place.GIT: (4.0, 10.0)}
_COMMIT_SECONDS = (1.8, 3.6)
_MISCHIEF_SECONDS = (0.8, 1.6)
# More of what has to be healed than of what has to be left alone.
_MISCHIEF = (
    *(Mischief.EDIT,) * 4,
    *(Mischief.DELETE,) * 2,
    *(Mischief.ADD_FIELD,) * 2,
    Mischief.TAKE_LABEL,
    Mischief.KEEP_OWN,
    Mischief.CHANGE_OWN,
    Mischief.COPY_MARKS,
    Mischief.REMOVE_OWN,
)


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: from `at` seconds after the beginning, at `where`, for `seconds`."""

    at: float
    kind: str
    where: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.kind} at {self.where} for {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Nuisance:
    """One thing that a stranger does."""

    at: float
    what: Mischief
    cluster: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """All of a run. `tracks` are faults by place, each in the order of time."""

    seed: int
    seconds: float
    tracks: Sequence[Sequence[Strike]] = field(repr=False)
    commits: Sequence[float] = field(repr=False)
    nuisances: Sequence[Nuisance] = field(repr=False)

    @property
    def strikes(self) -> list[Strike]:
        """Every fault, by time."""
        return sorted((each for track in self.tracks for each in track), key=lambda one: one.at)


def make_schedule(
    seed: int, seconds: float, clusters: Sequence[str], kinds: Sequence[str] = tuple(KINDS)
) -> Schedule:
    """The same for the same arguments; `kinds` narrows it to some faults."""
    chance = random.Random(f"schedule {seed}")
    chosen = [KINDS[name] for name in kinds]
    tracks = _cluster_tracks(chance, seconds, clusters, chosen)
    for place in (Place.CONTROLLER, Place.GIT):
        bag = _Bag(chance, [kind for kind in chosen if kind.place is place])
        tracks.append(list(_track(chance, seconds, place.value, bag)))
    commits = list(_ticks(chance, seconds, _COMMIT_SECONDS))
    nuisances = [
        Nuisance(at, chance.choice(_MISCHIEF), chance.choice(clusters))
        for at in _ticks(chance, seconds, _MISCHIEF_SECONDS)
    ]
    return Schedule(seed, seconds, tracks, commits, nuisances)


class _Bag:
    """Kinds in random order, each as often as its weight says."""

    def __init__(self, chance: random.Random, kinds: Sequence[Kind]) -> None:
        self._chance = chance
        self._kinds = [kind for kind in kinds for _ in range(kind.weight)]
        self._left: list[Kind] = []

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def draw(self) -> Kind:
        if not self._left:
            self._left = self._chance.sample(self._kinds, k=len(self._kinds))
        return self._left.pop()


def _cluster_tracks(
    chance: random.Random, seconds: float, clusters: Sequence[str], kinds: Sequence[Kind]
) -> list[list[Strike]]:
    """One bag for all clusters: whoever has rested longest is struck next."""
    bag = _Bag(chance, [kind for kind in kinds if kind.place is Place.CLUSTER])
    tracks: dict[str, list[Strike]] = {name: [] for name in clusters}
    free = {name: _BEGIN_SECONDS + chance.uniform(0, 6) for name in clusters}
    while bag:
        where = min(free, key=lambda name: (free[name], name))
        strike = _strike(chance, free[where], bag.draw(), where)
        if strike.at + strike.seconds > seconds:
            break
        tracks[where].append(strike)
        rest = chance.uniform(*_REST_SECONDS[Place.CLUSTER])
        free[where] = strike.at + strike.seconds + rest
    return list(tracks.values())


def _track(chance: random.Random, seconds: float, where: str, bag: _Bag) -> Iterator[Strike]:
    at = _BEGIN_SECONDS + chance.uniform(0, 6)
    while bag:
        kind = bag.draw()
        strike = _strike(chance, at, kind, where)
        if strike.at + strike.seconds > seconds:
            return
        yield strike
        at = strike.at + strike.seconds + chance.uniform(*_REST_SECONDS[kind.place])


def _strike(chance: random.Random, at: float, kind: Kind, where: str) -> Strike:
    return Strike(round(at, 2), kind.name, where, round(chance.uniform(*kind.seconds), 2))


def _ticks(chance: random.Random, seconds: float, between: tuple[float, float]) -> Iterator[float]:
    at = 2.0
    while at < seconds:
        yield round(at, 2)
        at += chance.uniform(*between)
