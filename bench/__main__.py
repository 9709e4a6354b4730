"""`python -m bench`: start API servers, measure a controller, print a table, write JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import anyio
from rich.console import Console

from bench import profiling
from bench.adapters import Adapter, Offer
from bench.families import FAMILIES, Plan
from bench.limits import LIMITS
from bench.loading import AdapterError, load_adapter
from bench.running import Run
from bench.scene import FLOOR_USER, STRANGER, Scene
from bench.workload import Size
from shoal_clusters.controlplane.apiserver import MASTERS
from shoal_clusters.controlplane.local import Flavour, local_fleet

OUTPUT = Path("build/bench.json")


def main() -> int:
    """Measure what the arguments say; 1 when a count is beyond its limit (walls only inform)."""
    parser = _make_parser()
    given = parser.parse_args()
    try:
        adapter = load_adapter(given.controller)
    except AdapterError as error:
        parser.error(str(error))
    if given.profile and Offer.RECORD not in adapter.offers:
        parser.error(f"{given.controller} offers no profiles")
    given.output.parent.mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 120)
    limits = {row: one for row, one in LIMITS.items() if one.is_count or not given.counts}
    run = Run(given.controller, given.output, limits, console)
    anyio.run(_measure, run, adapter, given)
    if len(given.rows) > 1 and run.figures:
        run.show(f"{_size(given)} objects, median of all repeats", run.figures)
    if run.failed:
        console.print(f"broken, missing, or beyond their limits: {', '.join(run.failed)}")
    return int(bool(run.failed))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--controller",
        metavar="MODULE:CLASS",
        default="bench.controller:Controller",
        help="the adapter of what is measured, see bench/adapters.py (default: %(default)s)",
    )
    parser.add_argument("--clusters", type=int, default=4)
    parser.add_argument("--applications", type=int, default=25)
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quiet-seconds", type=float, default=600.0)
    parser.add_argument("--rows", nargs="+", choices=[*FAMILIES], default=[*FAMILIES])
    parser.add_argument("--counts", action="store_true", help="no limits for what depends on time")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: %(default)s")
    parser.add_argument("--profile", action="store_true", help="profiles beside OUTPUT, no rows")
    return parser


async def _measure(run: Run, adapter: type[Adapter], given: argparse.Namespace) -> None:
    """All that was asked for, on API servers that end with it."""
    names = [f"bench-{index}" for index in range(given.clusters)]
    users = dict.fromkeys((adapter.user, FLOOR_USER, STRANGER), (MASTERS,))
    plan = Plan(given.repeats, given.quiet_seconds, given.output.parent)
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as folder:
        flavour = Flavour(users=users)
        async with local_fleet(Path(folder, "clusters"), names, flavour=flavour) as fleet:
            scene = Scene(fleet, Path(folder), _size(given), adapter)
            if given.profile:
                await profiling.profile(scene, plan.output, plan.quiet_seconds)
                return
            for name in given.rows:
                await run.measure(name, FAMILIES[name], scene, plan)


def _size(given: argparse.Namespace) -> Size:
    return Size(given.clusters, given.applications, given.objects)


if __name__ == "__main__":
    sys.exit(main())
