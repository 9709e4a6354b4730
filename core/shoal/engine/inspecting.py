"""What an application has on its clusters, object by object, as the engine knows it by now.

Objects are those of the inventory, and those that are wanted and not there yet; the same object on
many clusters is told once, with how it does everywhere. Nothing is asked of a cluster: which Pods
belong to a Deployment the engine does not know, only what their health says of it. Made when
somebody looks; only images are kept (`imaging`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from shoal.engine.imaging import Images
from shoal.engine.portions import in_portions
from shoal.engine.saying import SEVERITY_OF_PHASE
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.applications import TargetPhase, TreeObject, TreeView, UnwellObject
from shoal.model.health import SEVERITY, Health, HealthState
from shoal.model.identity import ObjectKey, Ref
from shoal.model.plans import EMPTY, OwnedState
from shoal.model.sightings import Drift, DriftKind

MOST_UNWELL = 20
"""Clusters that are told of one object; the others are counted."""
_IN_ONE_GO = 50  # targets between two looks of the event loop, some ms
_UNSEEN = Health(HealthState.UNKNOWN)
_WELL = (TargetPhase.SYNCED, HealthState.HEALTHY)
_BY_HAND: Mapping[DriftKind, str] = {
    DriftKind.EDITED: "changed",
    DriftKind.MISSING: "deleted",
    DriftKind.ADDED: "given more fields",
    DriftKind.TAKEN: "marked as somebody else's",
    DriftKind.UNMARKED: "robbed of our marks",
}


@dataclass(slots=True)
class _Seen:
    """One object, on the clusters that were looked at so far."""

    places: list[UnwellObject] = field(default_factory=list[UnwellObject])
    phases: Counter[TargetPhase] = field(default_factory=Counter[TargetPhase])
    healths: Counter[HealthState] = field(default_factory=Counter[HealthState])
    images: set[str] = field(default_factory=set[str])


async def view_tree(
    state: EngineState, images: Images, application: Ref, is_meant: Callable[[str], bool]
) -> TreeView:
    """The objects of an application on the clusters that are meant; the loop goes on meanwhile."""
    targets = [each for each in state.targets_of(application) if is_meant(each.key.cluster)]
    seen: dict[ObjectKey, _Seen] = {}
    async for target in in_portions(targets, _IN_ONE_GO):
        _look_at(state, images, target, seen)
    images.keep(state.targets.values())
    objects = sorted(
        (_told(key, each) for key, each in seen.items()),
        key=lambda one: (-_severity(one.phase, one.health), one.kind, one.object),
    )
    return TreeView(
        namespace=application.namespace,
        application=application.name,
        phase=max(
            (one.phase for one in objects),
            key=SEVERITY_OF_PHASE.__getitem__,
            default=TargetPhase.PENDING,
        ),
        health=_worst(HealthState(one.health) for one in objects),
        clusters=len(targets),
        silent=[each.key.cluster for each in targets if not state.is_answering(each.key.cluster)],
        objects=objects,
    )


def _worst(healths: Iterator[HealthState]) -> str:
    return max(healths, key=SEVERITY.__getitem__, default=HealthState.UNKNOWN).value


def _severity(phase: TargetPhase, health: str) -> int:
    """What a person wants to see first: what failed or is ill, then what is not done."""
    return max(SEVERITY_OF_PHASE[phase], 2 * SEVERITY[HealthState(health)])


def _told(key: ObjectKey, seen: _Seen) -> TreeObject:
    unwell = sorted(seen.places, key=lambda one: (-_severity(one.phase, one.health), one.cluster))
    return TreeObject(
        kind=str(key.group_kind),
        object=f"{key.namespace}/{key.name}" if key.namespace else key.name,
        phase=max(seen.phases, key=SEVERITY_OF_PHASE.__getitem__),
        health=_worst(iter(seen.healths)),
        clusters=seen.phases.total(),
        phases={phase.value: count for phase, count in sorted(seen.phases.items())},
        healths={health.value: count for health, count in sorted(seen.healths.items())},
        images=sorted(seen.images),
        unwell=unwell[:MOST_UNWELL],
    )


def _look_at(
    state: EngineState, images: Images, target: TargetState, seen: dict[ObjectKey, _Seen]
) -> None:
    is_answering = state.is_answering(target.key.cluster)
    rows = state.inventory(target.key.cluster)
    content = target.desired.content if target.desired else EMPTY
    running = images.of(content)
    unwell = target.unwell(state.now())
    there = {**rows.of(target.key), **rows.doubted(target.key)}
    wanted = {each.key for each in content.manifests}
    bare = {_bare(key) for key in there}
    for key in {*there, *(key for key in wanted if key not in bare)}:
        row = there[key].state if key in there else None
        is_wanted = key in wanted or _bare(key) in wanted
        phase, message = _phase(target, key, row, is_wanted=is_wanted)
        health = _health(target, unwell, key) if is_answering else _UNSEEN
        if not is_answering:
            phase, message = TargetPhase.UNKNOWN, "the cluster does not answer"
        one = seen.setdefault(key, _Seen())
        one.phases[phase] += 1
        one.healths[health.state] += 1
        one.images.update(running.get(key) or running.get(_bare(key), ()))
        if (phase, health.state) != _WELL:
            told = message or health.reason
            one.places.append(UnwellObject(target.key.cluster, phase, health.state.value, told))


def _bare(key: ObjectKey) -> ObjectKey:
    """As Git may write it: without the namespace that it is in."""
    return key._replace(namespace="")


def _phase(
    target: TargetState, key: ObjectKey, row: OwnedState | None, *, is_wanted: bool
) -> tuple[TargetPhase, str]:
    """Where one object stands, the worst that is known of it, and why."""
    if key in target.problems:
        return TargetPhase.FAILED, target.problems[key].message
    if key in target.conflicts:
        return TargetPhase.HELD, target.conflicts[key].reason
    if key in target.waiting:
        return TargetPhase.SYNCING, target.waiting[key].message
    if target.queued is not None and key in target.queued.keys:
        return TargetPhase.SYNCING, f"it waits until all of wave {target.queued.wave} is healthy"
    if target.removing is not None or (target.desired is not None and not is_wanted):
        return TargetPhase.REMOVING, "Git does not want it any more"
    if row is None:
        return TargetPhase.PENDING, "it is not there yet"
    if row is OwnedState.DOUBTED:
        return TargetPhase.UNKNOWN, "it is not known what was written to it last"
    if row is OwnedState.INTENDED:
        return TargetPhase.SYNCING, "it is being written"
    if key in target.drifted:
        return TargetPhase.DRIFTED, _drifted(target.drifted[key])
    return TargetPhase.SYNCED, ""


def _drifted(drift: Drift) -> str:
    return f"it was {_BY_HAND[drift.kind]}" + (f" by {drift.manager}" if drift.manager else "")


def _health(target: TargetState, unwell: Mapping[ObjectKey, Health], key: ObjectKey) -> Health:
    if key in target.unseen:
        return _UNSEEN
    return unwell.get(key) or target.health.get(key, _UNSEEN)
