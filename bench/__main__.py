"""`python -m bench`: start API servers, measure a controller, print a table, write JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import orjson
from rich.console import Console

from bench import profiling
from bench.adapters import Adapter, Offer
from bench.families import FAMILIES, Plan, is_offered, left_out, missing_counts
from bench.figures import Figures, failures, make_table, summary
from bench.limits import LIMITS
from bench.loading import AdapterError, load_adapter
from bench.scene import FLOOR_USER, STRANGER, Scene
from bench.workload import Size
from shoal_clusters.controlplane.apiserver import MASTERS
from shoal_clusters.controlplane.local import local_fleet

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
    figures: dict[str, Sequence[float]] = {}
    console = Console(width=None if sys.stdout.isatty() else 120)
    broken = anyio.run(_measure, adapter, given, figures, console)
    if len(given.rows) > 1 and figures:
        console.print(make_table(_title("all rows", given), figures, LIMITS))
    failed = [*failures(figures, LIMITS), *broken]
    if failed:
        console.print(f"broken, missing, or beyond their limits: {', '.join(failed)}")
    return int(bool(failed))


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
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: %(default)s")
    parser.add_argument("--profile", action="store_true", help="profiles beside OUTPUT, no rows")
    return parser


async def _measure(
    adapter: type[Adapter],
    given: argparse.Namespace,
    figures: dict[str, Sequence[float]],
    console: Console,
) -> list[str]:
    """Fill `figures`, show each family as it ends, and give what broke or is missing."""
    names = [f"bench-{index}" for index in range(given.clusters)]
    users = dict.fromkeys((adapter.user, FLOOR_USER, STRANGER), (MASTERS,))
    plan = Plan(given.repeats, given.quiet_seconds, given.output.parent)
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as folder:
        async with local_fleet(Path(folder, "clusters"), names, users=users) as fleet:
            scene = Scene(fleet, Path(folder), _size(given), adapter)
            if given.profile:
                await profiling.profile(scene, plan.output, plan.quiet_seconds)
                return broken
            for name in _offered(given.rows, adapter):
                started = time.monotonic()
                try:
                    measured = await FAMILIES[name].measure(scene, plan)
                    console.print(make_table(_title(name, given), measured, LIMITS))
                    figures |= measured
                    broken += missing_counts(name, measured, LIMITS, adapter.offers)
                except (Exception, SystemExit):  # one family that breaks costs only its own rows
                    traceback.print_exc()
                    broken.append(name)
                sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
                _write(given, figures)
    return broken


def _offered(names: Sequence[str], adapter: type[Adapter]) -> Iterator[str]:
    """The families to measure; as each has its turn, what is left out of it is said."""
    for name in names:
        away = left_out(name, adapter.offers)
        if away:
            sys.stderr.write(f"{name}: not offered by {adapter.__name__}: {', '.join(away)}\n")
        if is_offered(name, adapter.offers):
            yield name


def _size(given: argparse.Namespace) -> Size:
    return Size(given.clusters, given.applications, given.objects)


def _title(name: str, given: argparse.Namespace) -> str:
    return f"{name}, {_size(given)} objects"


def _write(given: argparse.Namespace, figures: Figures) -> None:
    """After every family, so that a run that is stopped has not been for nothing."""
    content = {"controller": given.controller, "size": str(_size(given)), **summary(figures)}
    given.output.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    sys.exit(main())
