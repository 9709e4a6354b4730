"""The hook specifications: what a plugin module may define, all called once, at start.

Hooks hand over objects or names; they do no I/O and start nothing. Two plugins that claim the same
name of the same seam are an error at start that names both distributions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pluggy

from shoal.binaries import Binary
from shoal.hooks.access import AccessType
from shoal.hooks.gates import Gate
from shoal.hooks.health import HealthCheck
from shoal.hooks.notifiers import NotifierType
from shoal.hooks.renderers import Renderer
from shoal.hooks.sources import SourceType
from shoal.hooks.targets import TargetType

PROJECT = "shoal"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def shoal_sources() -> Sequence[SourceType[Any]]:
    """Source types, such as `git`. Called once, before documents are read."""
    raise NotImplementedError


@hookspec
def shoal_renderers() -> Sequence[Renderer[Any]]:
    """Renderers, such as `plain`. Called once, before documents are read."""
    raise NotImplementedError


@hookspec
def shoal_access() -> Sequence[AccessType[Any]]:
    """Ways to reach a cluster, such as `kubeconfig`. Called once, before documents are read."""
    raise NotImplementedError


@hookspec
def shoal_targets() -> Sequence[TargetType]:
    """Kinds of target, such as `kubernetes`. Called once, before clusters are connected."""
    raise NotImplementedError


@hookspec
def shoal_gates() -> Sequence[Gate[Any]]:
    """Gates, such as `cel`. Called once, before documents are read."""
    raise NotImplementedError


@hookspec
def shoal_health_checks() -> Sequence[HealthCheck]:
    """Health checks for kinds. Called once, before clusters are connected."""
    raise NotImplementedError


@hookspec
def shoal_notifiers() -> Sequence[NotifierType[Any]]:
    """Destinations of Alerts, such as `webhook`. Called once, before documents are read."""
    raise NotImplementedError


@hookspec
def shoal_programs() -> Sequence[Binary]:
    """Helper programs that this plugin runs.

    Called once, at start; they are found or made before the controller's loops begin.
    """
    raise NotImplementedError


@hookspec
def shoal_commands() -> Mapping[str, str]:
    """Commands: name → `module:click_command`, imported only when it is used.

    Called once, when `shoal` starts.
    `dance` stands at the top; `cluster dance` in our group `cluster`, which is the one that is
    open to plugins.
    """
    raise NotImplementedError
