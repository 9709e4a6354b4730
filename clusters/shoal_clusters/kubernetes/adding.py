"""Adding: fields that somebody added by hand to an object of ours, and how to be rid of them.

A forced apply leaves what others own. Of that, the fields whose every owner is on the takeover list
are drift; what a controller owns too, or alone, is kept. They are found in managedFields alone, so
nothing has to be remembered of them, and removed by one JSON Patch of nothing but `remove`: it
holds no value. What has a reason to stay although a person's client wrote it stands in tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from shoal.model.digests import digest_parts
from shoal.model.pointers import pointer
from shoal.model.policies import ByHand
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.kubernetes.projecting import (
    Fields,
    changed_by,
    entries,
    find_item,
    own_entry,
)
from shoal_clusters.kubernetes.takeover import is_by_hand

Path: TypeAlias = tuple[str, ...]
"""Elements of FieldsV1, from the root: `f:spec`, `k:{"name":"app"}`."""

KEPT_FIELDS: Mapping[Path, str] = {
    ("f:status",): "what a controller reports; it is written anew whatever is done to it",
    ("f:spec", "f:replicas"): "who leaves the number out of Git leaves it to who scales; taken "
    "away, it would be 1",
    ("f:spec", "f:finalizers"): "a Namespace that waits for something must not be let go",
}
"""Fields that stay whoever added them, each with its reason."""

KEPT_ANNOTATIONS: Mapping[str, str] = {
    "kubectl.kubernetes.io/restartedAt": "a restart that somebody asked for; taken away, the Pods "
    "would start a second time",
    "cattle.io/timestamp": "the same, from Rancher's Redeploy",
    "deployment.kubernetes.io/revision": "the count of the Deployment controller, copied by "
    "clients that write whole objects",
    "deprecated.daemonset.template.generation": "counted by the API server in the name of whoever "
    "changes a DaemonSet",
    "control-plane.alpha.kubernetes.io/leader": "who leads; written by clients of every name",
    "shoal.dev/prune": "the one annotation of a live object that Shoal obeys",
}
"""Annotations, of the object or of its pod template, that stay, each with its reason."""

_METADATA = ("f:labels", "f:annotations")
"""All of metadata that is ever removed: finalizers and ownerReferences stand for a promise."""


class Addition(NamedTuple):
    """One field, or item of a list, that was added: as FieldsV1 and as a pointer into `live`."""

    path: Path
    pointer: str


Stays: TypeAlias = Callable[[Path], bool]
"""Whether a path is somebody else's business: an `ignore` rule, or the server puts it back."""


def additions(
    live: Mapping[str, Any], said: ByHand, stays: Stays = lambda path: False
) -> tuple[Addition, ...]:
    """What was added by hand, in the order in which it can be removed by these pointers."""
    hands, others = _owned(live, said)
    if not hands:
        return ()
    return tuple(_added(hands, others, live, (), (), lambda path: is_kept(path) or stays(path)))


def has_strangers(live: Mapping[str, Any]) -> bool:
    """Whether anybody but us, and but who reports a status, owns fields: of most nobody does."""
    return any(
        entry.get("manager") != MANAGER and not entry.get("subresource") for entry in entries(live)
    )


def drift_of(live: Mapping[str, Any], added: Sequence[Addition], owned_digest: str) -> Drift:
    """The drift that additions are: by which client, when, and how they are removed."""
    by = changed_by(live, nested(one.path for one in added))
    digest = digest_parts((owned_digest, *("".join(one.path) for one in added)))
    return Drift(DriftKind.ADDED, digest, by.manager, by.at, removal(added))


def removal(added: Sequence[Addition]) -> tuple[Mapping[str, Any], ...]:
    """The JSON Patch that takes them away; it says no value, so there is nothing to mask."""
    return tuple({"op": "remove", "path": one.pointer} for one in added)


def _owned(live: Mapping[str, Any], said: ByHand) -> tuple[Fields, Fields]:
    """What people's clients own, and what everybody else owns, ourselves included.

    What was written in another version of the API has other names there: it counts as others'.
    """
    own = own_entry(live)
    version = own.get("apiVersion") if own else None
    by_hand = [
        entry
        for entry in entries(live)
        if own and entry.get("apiVersion") == version and _is_hand(entry, said)
    ]
    hands: Fields | None = None
    others: Fields | None = None
    for entry in entries(live) if by_hand else ():
        fields = entry.get("fieldsV1") or {}
        if any(entry is each for each in by_hand):
            hands = union(hands, fields)
        else:
            others = union(others, fields)
    return hands or {}, others or {}


def _is_hand(entry: Mapping[str, Any], said: ByHand) -> bool:
    manager = str(entry.get("manager", ""))
    return manager != MANAGER and not entry.get("subresource") and is_by_hand(manager, said)


def union(one: Fields | None, other: Fields) -> Fields:
    """What is in either; a node without anything below it is the value itself."""
    if one is None:
        return other
    if not one or not other:
        return {**one, **other, ".": {}} if one or other else {}
    return {name: union(one.get(name), other[name]) for name in other} | {
        name: below for name, below in one.items() if name not in other
    }


def nested(paths: Iterable[Path]) -> Fields:
    """The field set of these paths, each of them whole."""
    found: dict[str, Any] = {}
    for path in paths:
        below = found
        for step in path:
            below = below.setdefault(step, {})
    return found


def _added(
    hands: Fields,
    others: Fields,
    live: Any,
    path: Path,
    steps: tuple[str | int, ...],
    stays: Stays,
) -> Iterator[Addition]:
    """Below one node that is not the hands' alone: what there is theirs alone."""
    for name, below, at, value in _children(hands, live):
        its_path, its_steps = (*path, name), (*steps, at)
        if stays(its_path) or _is_key_field(path, name):
            continue
        is_member = not below or "." in below
        if name not in others and is_member and not _any_stays(below, its_path, stays):
            yield Addition(its_path, pointer(its_steps))
        elif below:
            yield from _added(below, others.get(name) or {}, value, its_path, its_steps, stays)


def _any_stays(fields: Fields, path: Path, stays: Stays) -> bool:
    """Whether anything below must stay, so that the whole cannot go."""
    return any(
        stays((*path, name)) or _any_stays(below, (*path, name), stays)
        for name, below in fields.items()
        if name != "."
    )


def _children(fields: Fields, live: Any) -> Iterator[tuple[str, Fields, str | int, Any]]:
    """(element, below it, its step in a pointer, its value), items of lists from the end on.

    From the end, because each removal moves the items behind it.
    """
    if isinstance(live, dict):
        for name, below in fields.items():
            field = name[2:]
            if name.startswith("f:") and field in live:
                yield name, below, field, live[field]
    elif isinstance(live, list):
        found = []
        for name, below in fields.items():
            at = _index(name, live)
            if at is not None:
                found.append((at, name, below))
        for at, name, below in sorted(found, key=lambda one: one[0], reverse=True):
            yield name, below, at, live[at]


def _index(name: str, items: list[Any]) -> int | None:
    kind, element = name[:2], name[2:]
    if kind == "k:":
        return find_item(items, tuple(orjson.loads(element).items()))
    if kind == "v:":
        value = orjson.loads(element)
        return items.index(value) if value in items else None
    return None


def _is_key_field(path: Path, name: str) -> bool:
    """Whether it is what an item of a list is found by; it goes with the item or not at all."""
    return bool(path) and path[-1].startswith("k:") and name[2:] in orjson.loads(path[-1][2:])


def is_kept(path: Path) -> bool:
    """Whether a field stays although a deployer or a person wrote it, by the tables above."""
    if path[0] == "f:metadata" and path[1:2] and path[1] not in _METADATA:
        return True
    if path[-2:-1] == ("f:annotations",) and path[-1][2:] in KEPT_ANNOTATIONS:
        return True
    return any(path[: len(kept)] == kept for kept in KEPT_FIELDS)
