"""A source, a renderer and a notifier for Shoal: the module that the entry point names.

Its hooks are called once, at start, and hand over objects; nothing else happens at import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.notifiers import NotifierType
from shoal.hooks.renderers import Renderer
from shoal.hooks.sources import SourceType
from shoal_example.http_source import HttpSource
from shoal_example.ntfy import NtfyNotifier
from shoal_example.substitute import SubstituteRenderer


@hookimpl
def shoal_sources() -> Sequence[SourceType[Any]]:
    """Sources that are one file of a web server."""
    return (HttpSource(),)


@hookimpl
def shoal_renderers() -> Sequence[Renderer[Any]]:
    """Manifests with values in them."""
    return (SubstituteRenderer(),)


@hookimpl
def shoal_notifiers() -> Sequence[NotifierType[Any]]:
    """Messages to phones."""
    return (NtfyNotifier(),)
