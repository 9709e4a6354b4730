"""A chaos run as a table for people and as JSON for what compares runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table
from tests.chaos.faults import KINDS
from tests.chaos.recovering import percentile
from tests.chaos.running import Outcome
from tests.chaos.schedule import Schedule


def table(outcome: Outcome) -> Table:
    """Faults by kind, with how long they held in all."""
    shown = Table("fault", "where", "times", "seconds")
    for kind, count in _faults(outcome).items():
        seconds = sum(
            (blow.ended - blow.begun).total_seconds()
            for blow in outcome.happened.blows
            if blow.kind == kind
        )
        shown.add_row(kind, KINDS[kind].place.value, str(count), f"{seconds:.0f}")
    return shown


def summary(outcome: Outcome) -> str:
    """Everything else in three lines."""
    p50, p99 = (percentile(outcome.recovered, part) for part in (0.5, 0.99))
    excused = ", ".join(f"{count} {what}" for what, count in outcome.verdict.excused.items())
    return "\n".join(
        (
            f"{len(outcome.asked)} operations, {len(outcome.writes)} writes answered, "
            f"{len(outcome.happened.blows)} faults of {len(_faults(outcome))} kinds, "
            f"{outcome.starts} starts of the controller, {outcome.approved} holds approved",
            f"recovery p50 {p50:.2f} s, p99 {p99:.2f} s; "
            f"equal {outcome.happened.peace_seconds:.0f} s after the last fault",
            f"violations {len(outcome.verdict.violations)}; excused: {excused or 'nothing'}",
        )
    )


def write(output: Path, schedule: Schedule, outcome: Outcome) -> None:
    """The same as JSON."""
    output.write_bytes(orjson.dumps(_figures(schedule, outcome), option=orjson.OPT_INDENT_2))


def _figures(schedule: Schedule, outcome: Outcome) -> Mapping[str, Any]:
    return {
        "seed": schedule.seed,
        "seconds": schedule.seconds,
        "operations": len(outcome.asked),
        "writes": len(outcome.writes),
        "violations": len(outcome.verdict.violations),
        "recovery_seconds": {
            "p50": round(percentile(outcome.recovered, 0.5), 3),
            "p99": round(percentile(outcome.recovered, 0.99), 3),
        },
        "equal_after_seconds": round(outcome.happened.peace_seconds, 1),
        "controller_starts": outcome.starts,
        "faults": _faults(outcome),
        "excused": dict(outcome.verdict.excused),
        "found": outcome.verdict.violations,
    }


def _faults(outcome: Outcome) -> dict[str, int]:
    counted = Counter(blow.kind for blow in outcome.happened.blows)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}
