"""The built-in renderers: `plain`, `helm` and `kustomize`, all through one pool of workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.binaries import Binary
from shoal.hooks import hookimpl
from shoal.hooks.renderers import Renderer
from shoal_plugins.rendering.helm import HelmRenderer
from shoal_plugins.rendering.kustomize import KustomizeRenderer
from shoal_plugins.rendering.plain import PlainRenderer
from shoal_plugins.rendering.program import worker_program
from shoal_plugins.rendering.worker import Workers

__all__ = [
    "HelmRenderer",
    "KustomizeRenderer",
    "PlainRenderer",
    "shoal_programs",
    "shoal_renderers",
]


@hookimpl
def shoal_renderers() -> Sequence[Renderer[Any]]:
    """The renderers of this distribution; they share their workers."""
    workers = Workers(worker_program())
    return (PlainRenderer(workers), HelmRenderer(workers), KustomizeRenderer(workers))


@hookimpl
def shoal_programs() -> Sequence[Binary]:
    """The program of the workers."""
    return (worker_program(),)
