"""`make chaos`, or `python -m tests.chaos`: does Shoal keep its promises while everything fails?

Starts API servers, a repository and a controller, does to them what the schedule of a seed says,
and judges by audit logs, ledger and clusters. Prints the schedule first and a table in the end; the
same seed is the same schedule. 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import tempfile
from pathlib import Path

import anyio
from rich.console import Console
from tests.chaos.faults import KINDS
from tests.chaos.reporting import summary, table, write
from tests.chaos.running import Order, Outcome, keep, run_chaos
from tests.chaos.schedule import Schedule, make_schedule

_OUTPUT = Path("build/chaos.json")
_KEPT = Path("build/chaos")


def main() -> int:
    """Run what the arguments say."""
    given = _parse()
    console = Console(width=None if sys.stdout.isatty() else 120, soft_wrap=True)
    logging.getLogger("anyio").setLevel(logging.CRITICAL)  # handshakes that a fault cut
    clusters = [f"chaos-{index}" for index in range(given.clusters)]
    applications = [f"app-{index}" for index in range(given.applications)]
    schedule = make_schedule(given.seed, given.seconds, clusters, given.kinds)
    _show(console, schedule)
    if given.dry:
        return 0
    order = Order(schedule, clusters, applications, given.peace_seconds)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shoal-chaos-") as name:
        folder = Path(name)
        try:
            outcome = anyio.run(
                run_chaos, order, folder, console.print, backend_options={"use_uvloop": True}
            )
        except BaseException:
            keep(folder, _KEPT)
            raise
        write(given.output, schedule, outcome)
        return _conclude(console, schedule, outcome, folder)


def _conclude(console: Console, schedule: Schedule, outcome: Outcome, folder: Path) -> int:
    console.print(table(outcome))
    console.print(summary(outcome))
    if not outcome.verdict.violations:
        return 0
    keep(folder, _KEPT)
    for violation in outcome.verdict.violations:
        console.print(f"violation: {violation}")
    console.print(f"logs: {_KEPT}; the same again: make chaos CHAOS_ARGS='--seed {schedule.seed}'")
    return 1


def _show(console: Console, schedule: Schedule) -> None:
    console.print(f"seed {schedule.seed}, {schedule.seconds:.0f} s")
    for strike in schedule.strikes:
        console.print(str(strike))
    console.print(f"{len(schedule.commits)} commits, {len(schedule.nuisances)} acts of strangers")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--clusters", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--applications", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS], default=[*KINDS], metavar="KIND")
    parser.add_argument("--peace-seconds", type=float, default=180.0, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="default: %(default)s")
    parser.add_argument("--dry", action="store_true", help="print the schedule, and do nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
