"""`make simulate`: many seeds on all cores, what failed made small, and the counts written down.

python -m tests.simulation --seeds 1-400            these seeds
python -m tests.simulation --cluster-hours 10000    as many as it takes
python -m tests.simulation --seconds 80             as many as fit into the time
python -m tests.simulation --seeds 17 --trace       one seed, line by line
python -m tests.simulation --replay FILE            a schedule that was written down
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulation.reporting import Progress, Tally, show, tell, write_down
from tests.simulation.running import Report, run
from tests.simulation.schedule import Scenario, scenario_of
from tests.simulation.shrinking import shrink
from tests.simulation.workers import reports

FAILURES = Path("build/simulate-failures")
OUTPUT = Path("build/simulate.json")
SHRINK_SECONDS = 120.0


@dataclass
class Budget:
    """When it is enough."""

    cluster_hours: float
    seconds: float
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.seconds if self.seconds else float("inf")

    def is_spent(self, tally: Tally) -> bool:
        """Whether no further seed is to be begun."""
        return time.monotonic() >= self.until or (
            self.cluster_hours > 0 and tally.cluster_hours >= self.cluster_hours
        )


def main() -> int:
    """Run what was asked for; 1 when an invariant did not hold, 130 when it was ended."""
    asked = _arguments()
    if asked.replay is not None:
        return _show_one(Scenario.from_json(asked.replay.read_bytes()))
    seeds = _seeds(asked.seeds)
    if asked.trace:
        return _show_one(scenario_of(next(seeds), hours=asked.hours))
    return _show_many(seeds, asked)


def _show_many(seeds: Iterator[int], asked: argparse.Namespace) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    # A loop takes this one for its end, while a schedule is made small.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    tally, progress, ended = Tally(), Progress(), 0
    budget = Budget(asked.cluster_hours, asked.seconds)
    found = reports(seeds, asked.hours, asked.workers, lambda: budget.is_spent(tally))
    try:
        with closing(found):
            for report in found:
                tally.add(report)
                progress.follow(tally)
                if report.violations:
                    show(report, asked.hours)
                    make_small(report, asked.hours, asked.shrink_seconds)
    except KeyboardInterrupt:
        ended = 130
    write_down(tally, asked.output)
    return ended or int(tally.violations > 0)


def make_small(report: Report, hours: float, seconds: float) -> None:
    """Write down the smallest schedule that still fails, and say how to see it again."""
    scenario, broken = scenario_of(report.seed, hours=hours), report.violations[0].invariant

    def fails(tried: Scenario) -> bool:
        return any(each.invariant == broken for each in run(tried).violations)

    small = shrink(scenario, fails, seconds=seconds)
    FAILURES.mkdir(parents=True, exist_ok=True)
    path = FAILURES / f"{broken}-{report.seed}.json"
    path.write_bytes(small.as_json())
    tell(f"  {len(small.events)} of {len(scenario.events)} events are left, in {path}")
    for event in small.events:
        tell(f"    {event}")
    tell(f"  replay it: {sys.executable} -m tests.simulation --replay {path}")


def _show_one(scenario: Scenario) -> int:
    report = run(scenario, listening=True)
    tell("\n".join(report.lines))
    show(report, scenario.hours)
    return 1 if report.violations else 0


def _seeds(text: str) -> Iterator[int]:
    """`1-400`, `7`, or `7-` for all from there on."""
    first, dash, last = text.partition("-")
    if not dash:
        return iter((int(first),))
    return iter(range(int(first), int(last) + 1)) if last else itertools.count(int(first))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1-", help="1-400, 7, or 7- for all from there on")
    parser.add_argument("--hours", type=float, default=4.0, help="virtual hours of events per seed")
    parser.add_argument("--cluster-hours", type=float, default=0.0, help="stop after so many")
    parser.add_argument("--seconds", type=float, default=0.0, help="begin no seed after so many")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shrink-seconds", type=float, default=SHRINK_SECONDS)
    parser.add_argument("--trace", action="store_true", help="show one seed line by line")
    parser.add_argument("--replay", type=Path, help="run a schedule that was written down")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    asked = parser.parse_args()
    ends = asked.cluster_hours or asked.seconds or asked.trace or asked.replay
    if asked.seeds.endswith("-") and not ends:
        parser.error("give an end of the seeds, --cluster-hours or --seconds")
    return asked


if __name__ == "__main__":
    sys.exit(main())
