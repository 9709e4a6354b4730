"""Helper programs of tests: found or made before the first test's time begins to run."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shoal.binaries import Binary, Progress, Recipe, locate, silent


def own_program(name: str, folder: Path) -> Binary:
    """A Go module of ours; its version is its own content, so that a change is built anew."""
    sources = [(folder / file).read_bytes() for file in ("main.go", "go.mod", "go.sum")]
    return Binary(
        name=name,
        version=hashlib.sha256(b"\0".join(sources)).hexdigest()[:12],
        recipe=Recipe(folder=folder, package="."),
        is_taken_from_path=False,
    )


def located(binary: Binary, progress: Progress = silent) -> Path:
    """Find or make it in a loop of its own, out of the way of those that tests have."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, locate(binary, progress=progress)).result()


def locate_needed(session: pytest.Session, needed: Mapping[str, Sequence[Binary]]) -> None:
    """Make what the tests of this run need, by the name of the fixture that needs it: once."""
    if session.config.getoption("collectonly"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")

    def progress(message: str, fraction: float | None) -> None:
        if reporter is not None and fraction in (None, 0.0, 1.0):
            reporter.write_line(message)

    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in names & needed.keys():
        for binary in needed[name]:
            located(binary, progress)
