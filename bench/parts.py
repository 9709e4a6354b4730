"""The parts of a change alone, each by itself: what a floor is made of beside the applies.

`git fetch` of the same commit by the git command into a mirror, and rendering of the changed
folders by the renderer in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import anyio

from bench.forms import Form
from bench.scene import Living


async def make_mirror(it: Living, mirror: Path) -> Path:
    """A mirror for the floor, as the controller has one of its own."""
    command = ["git", "clone", "-q", "--mirror", it.repository_url, str(mirror)]
    await anyio.run_process(command)
    return mirror


async def fetch_alone(mirror: Path) -> float:
    """Seconds of fetching what is new."""
    return await anyio.to_thread.run_sync(_fetch, mirror)


async def render_alone(form: Form, root: Path, folders: Sequence[str]) -> float:
    """Seconds of rendering these folders of a work tree, one after the other."""
    command = [sys.executable, "-m", "bench.rendering", form, str(root), *folders]
    printed = (await anyio.run_process(command, stderr=None)).stdout
    return float(json.loads(printed)["wall"])


def _fetch(mirror: Path) -> float:
    started = time.monotonic()
    subprocess.run(["git", "--git-dir", str(mirror), "fetch", "-q", "origin"], check=True)
    return time.monotonic() - started
