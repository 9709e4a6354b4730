"""Waves: what is written only when everything before it was written and seen healthy.

An object says its wave by the annotation `shoal.dev/wave`, a whole number, 0 when it says nothing;
`argocd.argoproj.io/sync-wave` is read when ours is absent, so that charts written for Argo CD keep
their order. A plan is split purely: the lowest wave that is not done yet, and what waits for it.
Corrections of drift do not wait, and deletions come when all is written, the last wave first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from shoal.errors import InvalidManifest
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Change, Plan

WAVE = "shoal.dev/wave"
ARGO_WAVE = "argocd.argoproj.io/sync-wave"
_MARKS = (WAVE.encode(), ARGO_WAVE.encode())


@dataclass(frozen=True, slots=True)
class Waves:
    """The waves of one content. `numbers` holds those that are not 0, by kind and name.

    By kind and name first, for a manifest may leave its namespace out, or give one to a kind that
    has none. `errors` are those that say no whole number.
    """

    numbers: Mapping[tuple[str, str, str], Mapping[str, int]] = field(default_factory=dict)
    errors: Mapping[ObjectKey, InvalidManifest] = field(default_factory=dict)

    def of(self, key: ObjectKey) -> int:
        """The wave of an object, by its key in the cluster."""
        found = self.numbers.get((key.group, key.kind, key.name))
        if found is None:
            return 0
        if key.namespace in found:
            return found[key.namespace]
        return found.get("", 0) if key.namespace else next(iter(found.values()))

    @property
    def is_flat(self) -> bool:
        """Whether all objects are in one wave."""
        return not self.numbers


FLAT = Waves()


def waves_of(manifests: Iterable[Manifest]) -> Waves:
    """Read the waves; only manifests that speak of one are looked into."""
    numbers: dict[tuple[str, str, str], dict[str, int]] = {}
    errors: dict[ObjectKey, InvalidManifest] = {}
    for manifest in manifests:
        if not any(mark in manifest.text for mark in _MARKS):
            continue
        key = manifest.key
        try:
            number = _number(manifest)
        except ValueError as error:
            errors[key] = InvalidManifest(
                f"{key} ({manifest.origin}): {error}", next_step="correct the annotation in Git"
            )
            continue
        if number:
            numbers.setdefault((key.group, key.kind, key.name), {})[key.namespace] = number
    return Waves(numbers, errors) if numbers or errors else FLAT


def _number(manifest: Manifest) -> int:
    annotations = (manifest.body.get("metadata") or {}).get("annotations") or {}
    ours = annotations.get(WAVE)
    if ours is not None:
        try:
            return int(str(ours))
        except ValueError:
            raise ValueError(f"annotation {WAVE} is no whole number") from None
    try:
        return int(str(annotations.get(ARGO_WAVE, 0)))
    except ValueError:
        return 0  # as Argo CD takes it


@dataclass(frozen=True, slots=True)
class Turn:
    """What a pass writes now. `later` waits for `wave`, in which `blockers` are not healthy yet."""

    now: Plan
    later: Plan
    wave: int = 0
    blockers: frozenset[ObjectKey] = frozenset()


def turn(
    plan: Plan,
    waves: Waves,
    wanted: Collection[ObjectKey],
    is_healthy: Callable[[ObjectKey], bool],
) -> Turn:
    """Split a plan: up to the lowest wave that is not done, and all that comes after it.

    `wanted` are the objects that the target has and keeps. Nothing is deleted while something waits
    to be written.
    """
    nothing = replace(plan, changes=(), refused={})
    if waves.is_flat:
        return Turn(plan, nothing)
    changed = {change.key for change in plan.changes if _waits(change.action)}
    pending = changed | plan.refused.keys()
    last = max((waves.of(key) for key in changed), default=0)
    keys = (set(wanted) | pending).difference(_deleted(plan))
    open_ = {key for key in keys if key in pending or not is_healthy(key)}
    wave = min((waves.of(key) for key in open_), default=last)
    if wave >= last:
        return Turn(plan, nothing)

    def is_now(action: Action, key: ObjectKey) -> bool:
        return action is Action.CORRECT or (_waits(action) and waves.of(key) <= wave)

    now = tuple(each for each in plan.changes if is_now(each.action, each.key))
    later = tuple(each for each in plan.changes if not is_now(each.action, each.key))
    blockers = frozenset(key for key in open_ if waves.of(key) <= wave)
    return Turn(replace(plan, changes=now), replace(nothing, changes=later), wave, blockers)


def backwards(deletions: Plan, waves: Waves) -> list[Plan]:
    """Deletions in reverse order of waves, as far as it is known in which wave an object was."""
    numbers = sorted({waves.of(change.key) for change in deletions.changes}, reverse=True)
    return [
        replace(
            deletions,
            changes=tuple(each for each in deletions.changes if waves.of(each.key) == number),
        )
        for number in numbers
    ]


def without_unreadable(plan: Plan, waves: Waves) -> Plan:
    """The plan without the objects of which nobody knows when they are to be written."""
    if not waves.errors:
        return plan
    names = {(key.group, key.kind, key.name): error for key, error in waves.errors.items()}
    refused = dict(plan.refused)
    kept: list[Change] = []
    for change in plan.changes:
        error = names.get((change.key.group, change.key.kind, change.key.name))
        if error is None or not _waits(change.action):
            kept.append(change)
        else:
            refused[change.key] = error
    return replace(plan, changes=tuple(kept), refused=refused)


def _waits(action: Action) -> bool:
    return action not in (Action.CORRECT, Action.DELETE, Action.HAND_OVER)


def _deleted(plan: Plan) -> set[ObjectKey]:
    gone = (Action.DELETE, Action.HAND_OVER)
    return {change.key for change in plan.changes if change.action in gone}
