"""The families of rows: what measures each, what its rows need, and which of them must be there.

A row that needs what a controller does not offer is left out, and said to be. A count that is held
to a limit and could have been measured must be there: no figure at all would pass any limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bench import change, cold, drift, memory, noop, prune, restart, start, templates
from bench.adapters import Offer
from bench.figures import Figures, Limit
from bench.scene import Scene


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and how long to measure, and the folder for what is written beside the figures."""

    repeats: int
    quiet_seconds: float
    output: Path


@dataclass(frozen=True, slots=True)
class Family:
    """One module's rows: patterns of their names, and what some of them need."""

    measure: Callable[[Scene, Plan], Awaitable[Figures]]
    rows: Sequence[str]
    needs: Mapping[str, Offer]


Measure = Callable[[Scene, int], Awaitable[Figures]]


def _repeated(measure: Measure, rows: Sequence[str], needs: Mapping[str, Offer]) -> Family:
    return Family(lambda scene, plan: measure(scene, plan.repeats), rows, needs)


def _measure_loop(scene: Scene, plan: Plan) -> Awaitable[Figures]:
    return cold.measure_loop(scene, plan.repeats, plan.output / "loop-held.txt")


def _measure_noop(scene: Scene, plan: Plan) -> Awaitable[Figures]:
    return noop.measure(scene, plan.quiet_seconds)


_CHANGE = ("change_all.*", "change_one.*", "unrelated.*")
_DRIFT = {
    "drift.*": Offer.HEALING,
    "drift_burst.*": Offer.HEALING,
    "drift.dispatch_ms_p99": Offer.REACTIONS,
}
_RESTART = {"restart.*": Offer.STATE, "recover.*": Offer.STATE}
_RENDER = {"render.*": Offer.TEMPLATES}
_IDLE = {"memory.*cluster*": Offer.JOINING, "memory.watched_kinds": Offer.JOINING}
_CHECK = {"noop.pages_of_the_full_check": Offer.FULL_CHECK}

FAMILIES: Mapping[str, Family] = {
    "cold": _repeated(cold.measure, ["cold.*"], {}),
    "start": _repeated(start.measure, ["start.*"], {"start.*": Offer.VERSION}),
    "loop": Family(_measure_loop, ["loop.*"], {"loop.*": Offer.RECORD}),
    "change": _repeated(change.measure, _CHANGE, {"*.renders": Offer.RECORD}),
    "drift": _repeated(drift.measure, ["drift.*", "drift_burst.*"], _DRIFT),
    "render": _repeated(templates.measure_renders, ["render.*"], _RENDER),
    "templates": _repeated(templates.measure, ["cold_*"], {"cold_*": Offer.TEMPLATES}),
    "prune": _repeated(prune.measure, ["prune.*"], {"prune.*": Offer.PRUNING}),
    "restart": _repeated(restart.measure, ["restart.*", "recover.*"], _RESTART),
    "growth": _repeated(cold.measure_growth, ["growth.*"], {}),
    "memory": _repeated(memory.measure, ["memory.*"], _IDLE),
    "noop": Family(_measure_noop, ["noop.*"], _CHECK),
}


def left_out(family: Family, offers: Collection[Offer]) -> list[str]:
    """The patterns of this family's rows that a controller with such offers has not."""
    return [rows for rows, offer in family.needs.items() if offer not in offers]


def is_offered(family: Family, offers: Collection[Offer]) -> bool:
    """Whether any row of this family is left to be measured."""
    return not set(family.rows) <= set(left_out(family, offers))


def missing_counts(
    family: Family, figures: Figures, limits: Mapping[str, Limit], offers: Collection[Offer]
) -> list[str]:
    """The counts with a limit that this family should have measured, and did not."""
    away = left_out(family, offers)
    return [
        row
        for row, limit in limits.items()
        if limit.is_count
        and _matches(row, family.rows)
        and not _matches(row, away)
        and not figures.get(row)
    ]


def _matches(row: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(row, pattern) for pattern in patterns)
