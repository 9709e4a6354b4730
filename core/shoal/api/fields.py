"""What the items of a list can be asked for: their fields by name, and the sort of their values.

Made once per kind from the view's own types, so that a field that is shown is a field that can be
asked for. `where` compares by them, `listing` sorts by them. Pure.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum, StrEnum
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

from shoal.errors import InvalidQuery
from shoal.model.choice import nearest
from shoal.model.health import HealthState

LABELS = "labels"
_ORDERS: Mapping[str, type[Enum]] = {"health": HealthState}


class Sort(StrEnum):
    """What the values of a field are, as people say it."""

    TEXT = "text"
    NUMBER = "a number"
    TIME = "a time"
    TRUTH = "true or false"
    LIST = "a list"
    MAPPING = "a mapping"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its value of an item; `ranks` order words from good to bad where they have one."""

    name: str
    sort: Sort
    read: Callable[[Any], Any]
    ranks: Mapping[str, int]


Fields = Mapping[str, Field]


def fields_of(view: type, within: str = "") -> dict[str, Field]:
    """The fields of a dataclass, found at `within` of an item."""
    hints = get_type_hints(view)
    found = {}
    for each in fields(view):
        hint = _without_none(hints[each.name])
        order = _ORDERS.get(each.name, hint)
        is_ranked = isinstance(order, type) and issubclass(order, Enum)
        ranks = {str(one.value): rank for rank, one in enumerate(order)} if is_ranked else {}
        where = f"{within}.{each.name}" if within else each.name
        found[each.name] = Field(each.name, _sort(hint), attrgetter(where), ranks)
    return found


def field_named(known: Fields, name: str, items: Sequence[Any], what: str) -> Field:
    """The field that somebody typed, a part of a mapping (`labels.env`), or the name of a label.

    Raises InvalidQuery, with what there is, for a name that no item has.
    """
    if name in known:
        return known[name]
    first, dot, rest = name.partition(".")
    if dot and first in known and known[first].sort is Sort.MAPPING:
        return _part(known[first], rest)
    labels = known.get(LABELS)
    names = sorted({key for item in items for key in labels.read(item)}) if labels else []
    if labels is not None and (name in names or not items):
        return _part(labels, name)
    near = nearest(name, [*known, *names])
    told = f"fields are {', '.join(known)}"
    raise InvalidQuery(
        f"{what} have no field {name}" + (f"; did you mean {near}?" if near else ""),
        next_step=told + (f"; labels are {', '.join(names)}" if names else ""),
    )


def _part(mapping: Field, key: str) -> Field:
    return Field(f"{mapping.name}.{key}", Sort.TEXT, lambda item: mapping.read(item).get(key), {})


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [each for each in get_args(hint) if each is not type(None)]
        return parts[0] if len(parts) == 1 else hint
    return hint


def _sort(hint: Any) -> Sort:
    origin = get_origin(hint) or hint
    if not isinstance(origin, type):
        return Sort.TEXT
    if issubclass(origin, bool):
        return Sort.TRUTH
    if issubclass(origin, (int, float)):
        return Sort.NUMBER
    if issubclass(origin, datetime):
        return Sort.TIME
    if issubclass(origin, Mapping):
        return Sort.MAPPING
    if issubclass(origin, Sequence) and not issubclass(origin, str):
        return Sort.LIST
    return Sort.TEXT


def texts(value: Any) -> list[str]:
    """What can be compared of one part of a list: the texts in it."""
    if is_dataclass(value) and not isinstance(value, type):
        return [text for each in fields(value) for text in texts(getattr(value, each.name))]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text for each in value for text in texts(each)]
    return [str(value)]
