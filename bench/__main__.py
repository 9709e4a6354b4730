"""`python -m bench`: start API servers, measure, print a table, write `build/bench.json`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import anyio
import orjson
from rich.console import Console

from bench import change, cold, drift, memory, noop, profiling, prune, restart, start
from bench.figures import Figures, failures, make_table, summary
from bench.limits import LIMITS
from bench.scene import FLOOR_USER, STRANGER, Scene
from bench.workload import Size
from shoal_clusters.controlplane.apiserver import MASTERS, USERS
from shoal_clusters.controlplane.local import local_fleet

OUTPUT = Path("build/bench.json")

Family = Callable[[Scene, argparse.Namespace], Awaitable[Figures]]
FAMILIES: Mapping[str, Family] = {
    "cold": lambda scene, given: cold.measure(scene, given.repeats),
    "start": lambda scene, given: start.measure(scene, given.repeats),
    "loop": lambda scene, given: cold.measure_loop(
        scene, given.repeats, OUTPUT.with_name("loop-held.txt")
    ),
    "change": lambda scene, given: change.measure(scene, given.repeats),
    "drift": lambda scene, given: drift.measure(scene, given.repeats),
    "prune": lambda scene, given: prune.measure(scene, given.repeats),
    "restart": lambda scene, given: restart.measure(scene, given.repeats),
    "growth": lambda scene, given: cold.measure_growth(scene, given.repeats),
    "memory": lambda scene, given: memory.measure(scene, given.repeats),
    "noop": lambda scene, given: noop.measure(scene, given.quiet_seconds),
}


def main() -> int:
    """Measure what the arguments say; 1 when a count is beyond its limit (walls only inform)."""
    given = _arguments()
    size = Size(given.clusters, given.applications, given.objects)
    OUTPUT.parent.mkdir(exist_ok=True)
    figures: dict[str, Sequence[float]] = {}
    console = Console(width=None if sys.stdout.isatty() else 120)
    broken = anyio.run(_measure, size, given, figures, console)
    if len(given.rows) > 1 and figures:
        console.print(make_table(f"{size} objects, median of all repeats", figures, LIMITS))
    failed = [*failures(figures, LIMITS), *broken]
    if failed:
        console.print(f"broken, or beyond their limits: {', '.join(failed)}")
    return int(bool(failed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--clusters", type=int, default=4)
    parser.add_argument("--applications", type=int, default=25)
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quiet-seconds", type=float, default=600.0)
    parser.add_argument("--rows", nargs="+", choices=[*FAMILIES], default=[*FAMILIES])
    parser.add_argument("--profile", action="store_true", help="profiles into build/, no rows")
    return parser.parse_args()


async def _measure(
    size: Size,
    given: argparse.Namespace,
    figures: dict[str, Sequence[float]],
    console: Console,
) -> list[str]:
    """Fill `figures`, show each family as it ends, and give those that broke."""
    names = [f"bench-{index}" for index in range(size.clusters)]
    users: dict[str, Sequence[str]] = {**USERS, FLOOR_USER: (MASTERS,), STRANGER: (MASTERS,)}
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as folder:
        async with local_fleet(Path(folder, "clusters"), names, users=users) as fleet:
            scene = Scene(fleet, Path(folder), size)
            if given.profile:
                await profiling.profile(scene, OUTPUT.parent, given.quiet_seconds)
                return broken
            for name in given.rows:
                started = time.monotonic()
                try:
                    measured = await FAMILIES[name](scene, given)
                    figures |= measured
                    console.print(make_table(f"{name}, {size} objects", measured, LIMITS))
                except (Exception, SystemExit):  # one family that breaks costs only its own rows
                    traceback.print_exc()
                    broken.append(name)
                sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
                _write(size, figures)
    return broken


def _write(size: Size, figures: Figures) -> None:
    """After every family, so that a run that is stopped has not been for nothing."""
    content = {"size": str(size), **summary(figures)}
    OUTPUT.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    sys.exit(main())
