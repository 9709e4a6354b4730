"""Renderers: how a folder becomes Kubernetes objects. So far one: `plain`, the files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.renderers import Renderer
from shoal_plugins.rendering.plain import PlainRenderer

__all__ = ["PlainRenderer", "shoal_renderers"]


@hookimpl
def shoal_renderers() -> Sequence[Renderer[Any]]:
    """Hand over the renderers of this plugin."""
    return (PlainRenderer(),)
