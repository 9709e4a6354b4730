"""`python -m bench`: start API servers, measure, print a table, write `build/bench.json`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import orjson
from rich.console import Console
from rich.table import Table

from bench import cold
from bench.cold import FLOOR_USER
from bench.workload import Size
from shoal_clusters.controlplane.apiserver import USERS
from shoal_clusters.controlplane.local import local_fleet

OUTPUT = Path("build/bench.json")
# What each row must reach: at most this. None: told, not judged.
LIMITS: Mapping[str, float | None] = {
    "cold.writes_per_object": 1.0,
    "cold.other_requests_per_cluster": 3 * 4 + 6,
    "cold.wall_seconds": None,
    "cold.floor_wall_seconds": None,
    "cold.wall_over_floor": 1.3,
    "cold.cpu_over_floor": 3.0,
    "cold.server_cpu_over_floor": 1.2,
}


def main() -> int:
    """Measure what the arguments say; 1 when a count is beyond its limit (walls only inform)."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--clusters", type=int, default=4)
    parser.add_argument("--applications", type=int, default=25)
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    size = Size(given.clusters, given.applications, given.objects)
    figures = anyio.run(_measure, size, given.repeats)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(orjson.dumps({"size": str(size), **figures}, option=orjson.OPT_INDENT_2))
    _print(size, figures)
    return int(figures["cold.writes_per_object"]["median"] != 1.0)


async def _measure(size: Size, repeats: int) -> dict[str, Any]:
    names = [f"bench-{index}" for index in range(size.clusters)]
    users = {**USERS, FLOOR_USER: ("system:masters",)}
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as folder:
        async with local_fleet(Path(folder, "clusters"), names, users=users) as fleet:
            return await cold.measure(fleet, Path(folder), size, repeats)


def _print(size: Size, figures: Mapping[str, Any]) -> None:
    table = Table(title=f"{size} objects, median of all repeats", title_justify="left")
    for column in ("row", "median", "must reach", "repeats"):
        table.add_column(column)
    for key, figure in figures.items():
        limit = LIMITS[key]
        reached = "" if limit is None else f"≤ {limit:g} {_mark(figure['median'], limit)}"
        table.add_row(key, f"{figure['median']:g}", reached, str(figure["repeats"]))
    Console().print(table)


def _mark(value: float, limit: float) -> str:
    return "✔" if value <= limit else "✖"


if __name__ == "__main__":
    sys.exit(main())
