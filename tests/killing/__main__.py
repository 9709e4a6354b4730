"""Goes through every step of every scene: `make kill-steps`, or `python -m tests.killing`.

Prints how many steps each scene has, and stops at the first that leaves something wrong; the same
scene and step can be asked for again. The order of concurrent steps differs from run to run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import click
from tests.fleet.harness import PLUGINS
from tests.killing.children import Children, children
from tests.killing.performing import Performance
from tests.killing.scenes import SCENES

from shoal.composition.loading import Plugins, load_plugins
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.local import local_fleet

_REPORT = Path("build/kill-steps.json")


def main() -> int:
    """Kill at each step that was asked for; 1 when one left something wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.killing", description=__doc__)
    parser.add_argument("--scenes", nargs="*", default=list(SCENES), choices=list(SCENES))
    parser.add_argument("--first", type=int, default=1, help="the first step (default: 1)")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth step")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shoal-kill-") as folder:
        return anyio.run(partial(_all, Path(folder), given.scenes, given.first, given.every))


async def _all(folder: Path, scenes: Sequence[str], first: int, every: int) -> int:
    plugins = load_plugins(PLUGINS)
    report: dict[str, int] = {}
    with children(folder / "runs.log") as forking:
        async with local_fleet(folder / "fleet", ["dev"]) as fleet:
            for scene in scenes:
                steps = await _scene(
                    folder, plugins, fleet.clusters["dev"], forking, scene, (first, every)
                )
                if steps is None:
                    return 1
                report[scene] = steps
    kills = sum(report.values())
    click.echo(f"killed {kills} times in {len(report)} scenes; all ended as Git says")
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(json.dumps({"kills": kills, "violations": 0, "steps": report}, indent=2))
    return 0


async def _scene(
    folder: Path,
    plugins: Plugins,
    cluster: ControlPlane,
    forking: Children,
    scene: str,
    asked: tuple[int, int],
) -> int | None:
    """How often it was killed; None when something was wrong afterwards."""
    began = time.monotonic()
    async with cluster.client() as admin:
        performance = Performance(scene, folder, plugins, cluster, admin, forking)
        for step in itertools.count(*asked):
            try:
                if not await performance.perform(step):
                    break
            except AssertionError as error:
                click.echo(f"{scene}, step {step}: {error}\n{performance.told()}", err=True)
                return None
    kills, seconds = len(performance.steps), time.monotonic() - began
    click.echo(f"{scene}: killed at {kills} steps, {seconds:.0f} s")
    return kills


if __name__ == "__main__":
    sys.exit(main())
