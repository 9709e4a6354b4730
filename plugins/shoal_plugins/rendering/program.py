"""The render worker as a helper program: where it comes from and how it is built.

A wheel for a platform brings it along (`bin/`); otherwise it is built once from the Go module of
ours, which lies beside this package in a checkout and inside of it where it was installed, and kept
in the user's cache. A program of that name on PATH is not taken: what renders is part of Shoal, and
another version would render something else. Used by `worker`, which awaits `locate`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from shoal import __version__
from shoal.binaries import Binary, Recipe
from shoal_plugins.rendering.packing import worker_version

WORKER = "shoal-render-worker"
_HERE = Path(__file__).parent
_KUSTOMIZE = "5.8.1"  # the release whose library `api` v0.21.1 is


@cache
def worker_program() -> Binary:
    """The worker that belongs to this Shoal. Reads the sources: call it from a thread."""
    sources = worker_sources()
    version = worker_version(__version__, sources)
    return Binary(
        name=WORKER,
        version=version,
        recipe=Recipe(folder=sources, package=".", ldflags=_ldflags(version, sources)),
        packaged=_HERE / "bin" / WORKER,
        is_taken_from_path=False,
    )


def _ldflags(version: str, sources: Path) -> str:
    """Templates and labels can show the versions of Helm and Kustomize: those of the releases."""
    helm = re.search(r"helm\.sh/helm/v4 (v\S+)", (sources / "go.mod").read_text())
    assert helm is not None, "go.mod requires Helm"
    return (
        f"-s -w -X main.version={version} -X helm.sh/helm/v4/internal/version.version={helm[1]} "
        f"-X sigs.k8s.io/kustomize/api/provenance.version=kustomize/v{_KUSTOMIZE}"
    )


def worker_sources() -> Path:
    """The folder of the Go module: a copy inside the package, or the checkout's own."""
    installed = _HERE / "render_worker"
    return installed if installed.is_dir() else _HERE.parent.parent / "render-worker"
