"""The render worker as a helper program: where it comes from and how it is built.

A wheel for a platform brings it along (`bin/`); otherwise it is built once from the Go module of
ours, which lies beside this package in a checkout and inside of it where it was installed, and kept
in the user's cache. A program of that name on PATH is not taken: what renders is part of Shoal, and
another version would render something else. Used by `worker`, which awaits `locate`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shoal import __version__
from shoal.binaries import Binary, Recipe
from shoal_plugins.rendering.packing import worker_version

WORKER = "shoal-render-worker"
_HERE = Path(__file__).parent


@cache
def worker_program() -> Binary:
    """The worker that belongs to this Shoal. Reads the sources: call it from a thread."""
    sources = worker_sources()
    version = worker_version(__version__, sources)
    return Binary(
        name=WORKER,
        version=version,
        recipe=Recipe(folder=sources, package=".", ldflags=f"-s -w -X main.version={version}"),
        packaged=_HERE / "bin" / WORKER,
        is_taken_from_path=False,
    )


def worker_sources() -> Path:
    """The folder of the Go module: a copy inside the package, or the checkout's own."""
    installed = _HERE / "render_worker"
    return installed if installed.is_dir() else _HERE.parent.parent / "render-worker"
