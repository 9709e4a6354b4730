"""How long a command takes to start: its version beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

import anyio

from bench.figures import Figures, median
from bench.scene import Scene

RUNS = 10


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `start.*`: each repeat is the ratio of two medians of ten runs, in turn."""
    command = scene.adapter.version_command()
    pairs = [await anyio.to_thread.run_sync(_pair, command) for _ in range(repeats)]
    return {
        "start.version_seconds": [ours for ours, _ in pairs],
        "start.python_seconds": [floor for _, floor in pairs],
        "start.version_over_python": [ours / floor for ours, floor in pairs],
    }


def _pair(command: Sequence[str]) -> tuple[float, float]:
    bare = (sys.executable, "-c", "pass")
    runs = [(_seconds(command), _seconds(bare)) for _ in range(RUNS)]
    return median([ours for ours, _ in runs]), median([floor for _, floor in runs])


def _seconds(command: Sequence[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started
