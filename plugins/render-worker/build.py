"""Builds the render worker into `build/`, from where the wheel's build hook packs it.

Run by `make worker`. It goes the way that Shoal itself goes at first use (`shoal.binaries`), so a
worker that is in the user's cache already is only copied.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import anyio

from shoal.binaries import locate
from shoal_plugins.rendering.program import WORKER, worker_program


async def main(destination: Path) -> None:
    """Build or find the worker and copy it."""
    program = await locate(worker_program(), progress=_show)
    destination.parent.mkdir(exist_ok=True)
    partial = destination.with_suffix(".partial")
    shutil.copy2(program, partial)
    partial.replace(destination)
    _show(f"{destination}: {worker_program().version}", 1.0)


def _show(message: str, fraction: float | None) -> None:
    if fraction in (None, 0.0, 1.0):
        sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    anyio.run(main, Path(__file__).parents[2] / "build" / WORKER)
