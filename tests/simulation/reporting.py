"""What is told of many runs: on the screen while they go on, and in one file at the end."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from tests.simulation.running import Report

SHOWN = 5


@dataclass
class Tally:
    """What all runs came to."""

    seeds: int = 0
    cluster_hours: float = 0.0
    violations: int = 0
    failed_seeds: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    started_at: float = field(default_factory=time.monotonic)

    def add(self, report: Report) -> None:
        """One more run."""
        self.seeds += 1
        self.cluster_hours += report.cluster_hours
        self.violations += len(report.violations)
        self.counts.update(report.counts)
        if report.violations:
            self.failed_seeds.append(report.seed)


@dataclass
class Progress:
    """Says now and then how far it has come."""

    every_seconds: float = 30.0
    said_at: float = field(default_factory=time.monotonic)

    def follow(self, tally: Tally) -> None:
        """One more run has ended."""
        now = time.monotonic()
        if now - self.said_at >= self.every_seconds:
            self.said_at = now
            hours, seeds = f"{tally.cluster_hours:,.0f} cluster-hours", f"{tally.seeds} seeds"
            tell(f"{hours}, {seeds}, {tally.violations} violations so far")


def tell(line: str) -> None:
    """A line on the screen, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show(report: Report, hours: float) -> None:
    """What did not hold in one run, and how to see it again."""
    if not report.violations:
        tell(f"seed {report.seed}: all invariants held over {report.cluster_hours:.0f} h")
        return
    tell(f"seed {report.seed}: {len(report.violations)} violations")
    for violation in report.violations[:SHOWN]:
        tell(f"  {violation}")
    again = f"-m tests.simulation --seeds {report.seed} --hours {hours:g} --trace"
    tell(f"  see it again: {sys.executable} {again}")


def write_down(tally: Tally, output: Path) -> None:
    """The file that others read, and a line for people."""
    events = _named(tally.counts, "event ")
    body = {
        "cluster_hours": round(tally.cluster_hours, 1),
        "seeds": tally.seeds,
        "violations": tally.violations,
        "failed_seeds": sorted(tally.failed_seeds),
        "seconds": round(time.monotonic() - tally.started_at, 1),
        "faults": events,
        "holds": _named(tally.counts, "hold "),
        "writes": {name: tally.counts[name] for name in ("created", "written", "deleted")},
        "commits": tally.counts["commits"],
        "lives": tally.counts["started"],
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    tell(
        f"{tally.cluster_hours:.0f} cluster-hours, {tally.seeds} seeds, {sum(events.values())} "
        f"events of {len(events)} kinds, {tally.counts['started']} lives, "
        f"{sum(body['writes'].values())} writes, {tally.violations} violations; see {output}"
    )


def _named(counts: Counter[str], prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}
    return dict(sorted(found.items()))
