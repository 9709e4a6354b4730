"""What a person may write into an Application about a drift: a rule to ignore it, an override.

Words only; who asked for them decides. An item of a list is named by what it is (`name=app`), never
by where it stands, and clusters by labels that fit them and no others. Where that is not possible
nothing is suggested: half a rule would do more than was asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from shoal.model.identity import ObjectKey
from shoal.model.pointers import pointer, steps_of

_CHANGING = frozenset({"add", "remove", "replace"})
# What says which object it is is nobody's to ignore, and the rules refuse it.
_IDENTITY = ("/apiVersion", "/kind", "/metadata/name", "/metadata/namespace")


def object_selector(key: ObjectKey) -> dict[str, str]:
    """The words that select this object alone."""
    parts = (("group", key.group), ("kind", key.kind), ("namespace", key.namespace))
    return {**{name: part for name, part in parts if part}, "name": key.name}


def ignore_rules(
    key: ObjectKey, patch: Iterable[Mapping[str, Any]], body: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The rules of `sync.ignore` for the fields of a patch; `body` is the object in Git.

    Empty when a field cannot be named: the whole object, or an item of a list that Git does not
    have or that has no name.
    """
    paths: dict[str, None] = {}
    for operation in patch:
        if operation["op"] not in _CHANGING:
            continue
        path = _named(operation["path"], body)
        if not path or path in _IDENTITY or path == "/metadata":
            return []
        paths[path] = None
    target = object_selector(key)
    return [{"target": target, "path": path} for path in paths if not _is_below(path, paths)]


def _is_below(path: str, others: Iterable[str]) -> bool:
    return any(path.startswith(f"{other}/") for other in others)


def _named(path: str, body: Mapping[str, Any]) -> str:
    """The path with items of lists by name; empty when one has none."""
    value: Any = body
    named = ""
    for step in steps_of(path):
        if not isinstance(value, list):
            known = isinstance(value, Mapping)
            value = value.get(step) if known else None
            named += pointer((step,))
            continue
        item = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or "/" in name:
            return ""
        value, named = item, f"{named}/name={name}"
    return named


def cluster_selector(
    chosen: Collection[str], labels: Mapping[str, Mapping[str, str]]
) -> dict[str, Any] | None:
    """A label selector for exactly these of all clusters; None when their labels do not tell.

    `labels` are by cluster, of all clusters that the application is placed on. One label is tried
    first, then one label with several values, then two labels together.
    """
    wanted = frozenset(chosen)
    if wanted == labels.keys():
        return {}
    shared = _shared(wanted, labels)
    for count in (1, 2):
        for pairs in itertools.combinations(shared, count):
            if wanted == {name for name in labels if set(pairs) <= labels[name].items()}:
                return {"matchLabels": dict(pairs)}
        if count == 1 and (expression := _one_of(wanted, labels)):
            return {"matchExpressions": [expression]}
    return None


def _shared(
    wanted: Collection[str], labels: Mapping[str, Mapping[str, str]]
) -> Sequence[tuple[str, str]]:
    """The labels that all of these clusters have with the same value, sorted."""
    first, *others = sorted(wanted)
    return sorted(
        (key, value)
        for key, value in labels[first].items()
        if all(labels[other].get(key) == value for other in others)
    )


def _one_of(
    wanted: Collection[str], labels: Mapping[str, Mapping[str, str]]
) -> dict[str, Any] | None:
    """A label whose values here are found at no other cluster."""
    for key in sorted({key for name in wanted for key in labels[name]}):
        if any(key not in labels[name] for name in wanted):
            continue
        values = {labels[name][key] for name in wanted}
        if not any(labels[name].get(key) in values for name in labels if name not in wanted):
            return {"key": key, "operator": "In", "values": sorted(values)}
    return None
