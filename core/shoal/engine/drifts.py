"""Drift of the whole fleet, the same one told once: what `shoal drift` shows.

One person with a script changes the same field on two hundred clusters: that is one thing to decide
about. Drifts of an application are together when their kind and their masked patch are equal,
whatever the objects and clusters are called; of what was deleted there is no patch, so the object
counts. Made when somebody looks; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.changes import DriftView
from shoal.errors import UnknownName
from shoal.model.choice import nearest
from shoal.model.digests import digest_value
from shoal.model.identity import ObjectKey, Ref
from shoal.model.sightings import Drift, DriftKind
from shoal.planning.suggesting import ignore_rules

CORRECTS, REPORTS, HELD = "Correct", "Report", "Held"


class Found(NamedTuple):
    """One object that drifted on one cluster."""

    target: TargetState
    key: ObjectKey
    drift: Drift

    @property
    def id(self) -> str:
        """Short, equal for what is the same drift: `drift-` and ten hex digits."""
        what = None if self.drift.patch else self.key.text
        application = str(self.target.key.application)
        parts = (application, self.drift.kind.value, list(self.drift.patch or ()), what)
        return f"drift-{digest_value(parts)[:10]}"


@dataclass(slots=True)
class _Group:
    """The same drift, wherever it is."""

    first: Found
    objects: dict[ObjectKey, None] = field(default_factory=dict[ObjectKey, None])
    clusters: dict[str, None] = field(default_factory=dict[str, None])
    clients: dict[str, None] = field(default_factory=dict[str, None])
    since: datetime | None = None
    is_held: bool = True


def find_drifts(state: EngineState, application: Ref | None = None) -> Iterator[Found]:
    """Every object that differs from what was written, of one application or of all."""
    for key in sorted(key for key, target in state.targets.items() if target.drifted):
        target = state.targets[key]
        if application in (None, key.application) and not target.removing:
            for each in sorted(target.drifted):
                yield Found(target, each, target.drifted[each])


def choose_drifts(
    state: EngineState,
    application: Ref,
    names: Sequence[str],
    clusters: frozenset[str] | None,
) -> list[Found]:
    """The drifts of an application that a person named, by id or by object; without names, all.

    Raises UnknownName for a name that none of them has.
    """
    known = [
        each
        for each in find_drifts(state, application)
        if clusters is None or each.target.key.cluster in clusters
    ]
    for name in names:
        if not any(_is_named(each, (name,)) for each in known):
            near = nearest(name, {str(each.key) for each in known} | {each.id for each in known})
            raise UnknownName(
                f"no drift of {application} is named {name}",
                next_step=f"did you mean {near}?" if near else "see shoal drift list",
            )
    return [each for each in known if not names or _is_named(each, names)]


def view_drifts(drifts: Iterable[Found]) -> list[DriftView]:
    """Each drift once, the most widespread of an application first."""
    groups: dict[str, _Group] = {}
    for found in drifts:
        group = groups.setdefault(found.id, _Group(found))
        group.objects[found.key] = None
        group.clusters[found.target.key.cluster] = None
        group.clients[found.drift.manager] = None
        group.is_held = group.is_held and found.key in found.target.conflicts
        at = found.drift.managed_at or found.target.drifted_since.get(found.key)
        group.since = min(filter(None, (group.since, at)), default=None)
    views = [_view(name, group) for name, group in groups.items()]
    return sorted(views, key=lambda view: (view.namespace, view.application, -len(view.clusters)))


def _view(name: str, group: _Group) -> DriftView:
    target, _, drift = group.first
    return DriftView(
        id=name,
        namespace=target.key.application.namespace,
        application=target.key.application.name,
        kind=drift.kind.value,
        objects=[str(key) for key in group.objects],
        clusters=sorted(group.clusters),
        clients=sorted(filter(None, group.clients)),
        since=group.since,
        policy=HELD if group.is_held else CORRECTS if _is_corrected(target, drift) else REPORTS,
        patch=drift.patch or (),
        ignore=[rule for key in group.objects for rule in _rules(target, key, drift)],
    )


def _is_corrected(target: TargetState, drift: Drift) -> bool:
    return target.desired is not None and drift.is_corrected_by(target.desired.policy)


def _rules(target: TargetState, key: ObjectKey, drift: Drift) -> Sequence[Mapping[str, Any]]:
    """What would make this no drift any more; nothing for what is gone or was added."""
    if drift.kind is not DriftKind.EDITED or target.desired is None:
        return ()
    manifest = target.desired.content.of(key)
    return ignore_rules(key, drift.patch or (), manifest.body) if manifest else ()


def _is_named(found: Found, names: Collection[str]) -> bool:
    """Whether one of these means it: the id of its drift, or its object as people write it.

    `Deployment.apps shop/web`, `deployment.apps/shop/web` and `deployment/shop/web` are one object.
    """
    key = found.key
    where = f"{key.namespace}/{key.name}".lstrip("/")
    meant = {found.id, f"{key.group_kind}/{where}".lower(), f"{key.kind}/{where}".lower()}
    return any(name.strip().lower().replace(" ", "/") in meant for name in names)
