"""Plugins: found by the entry-point group `shoal`, loaded once, checked before anything runs.

A plugin that cannot be imported, or whose hooks raise, is kept as a failure that names its
distribution and version; the others go on. Two plugins that claim the same name of one seam are an
error at start that names both distributions: which one would win must never depend on an order.
Built-in plugins come the same way; of others only those are imported that are named, see
`allowing`. Nothing is cached in this module; a test hands in its own list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

import pluggy

from shoal.binaries import Binary
from shoal.composition.allowing import Chosen, Named, choose, how_to_name, origin
from shoal.errors import Permanent, UnknownName
from shoal.hooks import specs
from shoal.hooks.access import AccessType
from shoal.hooks.gates import Gate
from shoal.hooks.health import HealthCheck
from shoal.hooks.notifiers import NotifierType
from shoal.hooks.renderers import Renderer
from shoal.hooks.sources import SourceType
from shoal.hooks.targets import TargetType
from shoal.model.choice import Seams, nearest

GROUP = "shoal"
# The only kind of target there is; a second one will be chosen by the Cluster document.
TARGET_TYPE = "kubernetes"


@dataclass(frozen=True, slots=True)
class Registration:
    """One thing that a plugin registered: `name` at `seam`."""

    plugin: str
    distribution: str
    version: str
    seam: str
    name: str


@dataclass(frozen=True, slots=True)
class FailedPlugin:
    """A plugin that was found and is not used, and why."""

    plugin: str
    distribution: str
    version: str
    message: str


@dataclass(frozen=True, slots=True)
class Plugins:
    """Everything that the loaded plugins registered, by seam and name."""

    sources: Mapping[str, SourceType[Any]] = field(default_factory=dict)
    renderers: Mapping[str, Renderer[Any]] = field(default_factory=dict)
    access: Mapping[str, AccessType[Any]] = field(default_factory=dict)
    targets: Mapping[str, TargetType] = field(default_factory=dict)
    gates: Mapping[str, Gate[Any]] = field(default_factory=dict)
    health_checks: Mapping[str, HealthCheck] = field(default_factory=dict)
    notifiers: Mapping[str, NotifierType[Any]] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Binary] = field(default_factory=dict)
    registrations: Sequence[Registration] = ()
    failed: Sequence[FailedPlugin] = ()
    left_out: Sequence[FailedPlugin] = ()

    @property
    def seams(self) -> Seams:
        """The models of plugins' parts of documents, as validation needs them."""
        return {
            "source": {name: plugin.spec for name, plugin in self.sources.items()},
            "renderer": {name: plugin.spec for name, plugin in self.renderers.items()},
            "access": {name: plugin.spec for name, plugin in self.access.items()},
            "gate": {name: plugin.spec for name, plugin in self.gates.items()},
            "notifier": {name: plugin.spec for name, plugin in self.notifiers.items()},
        }

    def registration(self, seam: str, name: str) -> Registration:
        """Who registered this name at this seam; KeyError when nobody did."""
        for one in self.registrations:
            if (one.seam, one.name) == (seam, name):
                return one
        raise KeyError((seam, name))


@dataclass(slots=True)
class _Found:
    """What is gathered while plugins are loaded."""

    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[tuple[str, str], Registration] = field(default_factory=dict)
    failed: list[FailedPlugin] = field(default_factory=list)


def installed_plugins() -> list[EntryPoint]:
    """The entry points of the group `shoal`, in an order that does not depend on the disk."""
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def load_plugins(
    names: Sequence[str] | None = None,
    *,
    named: Sequence[Named] = (),
    points: Iterable[EntryPoint] | None = None,
) -> Plugins:
    """Load our own plugins and those of the distributions that are `named`.

    With `names`, these plugins alone, whoever they are from: a test names what it is for. `points`
    replaces what is installed. Raises UnknownName for a name that is not installed and Permanent
    when two plugins claim one name of a seam, or a distribution is not the one that is named.
    """
    known = list(points) if points is not None else installed_plugins()
    chosen = choose(known, named) if names is None else Chosen(_choose(known, names), ())
    found = _Found()
    for point in chosen.loaded:
        _load_one(point, found)
    return Plugins(
        **{seam: MappingProxyType(found.parts.get(seam, {})) for seam in _HOOKS},
        registrations=tuple(found.owners.values()),
        failed=tuple(found.failed),
        left_out=tuple(map(_left_out, chosen.left_out)),
    )


def _choose(points: Sequence[EntryPoint], names: Sequence[str]) -> list[EntryPoint]:
    installed = {point.name for point in points}
    for name in names:
        if name not in installed:
            meant = nearest(name, installed)
            raise UnknownName(
                f"no plugin {name} is installed" + (f"; did you mean {meant}?" if meant else ""),
                next_step="`shoal plugin list` shows what is installed",
            )
    return [point for point in points if point.name in names]


def _load_one(point: EntryPoint, found: _Found) -> None:
    """Import one plugin and gather what it registers, all of it or nothing.

    Each plugin has a manager of its own, so that every result is known to be its own.
    """
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    try:
        manager.register(point.load(), name=point.name)
        manager.check_pending()
        registered = {
            seam: named for seam, (hook, read) in _HOOKS.items() for named in [read(manager, hook)]
        }
    except (Exception, SystemExit) as error:  # a plugin's border: whatever its import raises
        distribution, version = origin(point)
        message = f"{type(error).__name__}: {error}"
        found.failed.append(FailedPlugin(point.name, distribution, version, message))
        return
    for seam, parts in registered.items():
        for name, part in parts.items():
            _claim(point, seam, name, part, found)


def _claim(point: EntryPoint, seam: str, name: str, part: Any, found: _Found) -> None:
    claim = Registration(point.name, *origin(point), seam, name)
    if other := found.owners.get((seam, name)):
        raise Permanent(
            f"two plugins register {name} as {_SINGULAR[seam]}: {_described(other)} and "
            f"{_described(claim)}",
            next_step="uninstall one of the two distributions",
        )
    found.owners[seam, name] = claim
    found.parts.setdefault(seam, {})[name] = part


def _described(claim: Registration) -> str:
    return f"{claim.plugin} of {claim.distribution} {claim.version}".rstrip()


def _left_out(point: EntryPoint) -> FailedPlugin:
    message = f"not loaded, for nobody has named it: shoal --plugin {how_to_name(point)}"
    return FailedPlugin(point.name, *origin(point), message)


def _objects(manager: pluggy.PluginManager, hook: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for given in getattr(manager.hook, hook)():
        for part in given:
            if part.name in parts:
                raise ValueError(f"{hook} returns {part.name} twice")
            parts[part.name] = part
    return parts


def _names(manager: pluggy.PluginManager, hook: str) -> dict[str, Any]:
    return {name: path for given in getattr(manager.hook, hook)() for name, path in given.items()}


_Reader = Callable[[pluggy.PluginManager, str], dict[str, Any]]
_HOOKS: Mapping[str, tuple[str, _Reader]] = {
    "sources": ("shoal_sources", _objects),
    "renderers": ("shoal_renderers", _objects),
    "access": ("shoal_access", _objects),
    "targets": ("shoal_targets", _objects),
    "gates": ("shoal_gates", _objects),
    "health_checks": ("shoal_health_checks", _objects),
    "notifiers": ("shoal_notifiers", _objects),
    "commands": ("shoal_commands", _names),
    "programs": ("shoal_programs", _objects),
}
_SINGULAR = {
    "sources": "a source",
    "renderers": "a renderer",
    "access": "a way of access",
    "targets": "a target",
    "gates": "a gate",
    "health_checks": "a health check",
    "notifiers": "a notifier",
    "commands": "a command",
    "programs": "a helper program",
}
