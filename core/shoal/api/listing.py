"""Lists as they are asked for: narrowed, sorted and cut into pages before anything is sent.

A page ends with a mark: the place, in the order asked for, of the last item on it. The next page
holds what comes after that place, whatever came or went meanwhile, so that what stays is neither
missed nor shown twice. Pure: views and a query in, a page out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from shoal.api.fields import LABELS, Field, Fields, Sort, field_named
from shoal.api.label_selecting import label_selector
from shoal.api.where import compiled
from shoal.errors import InvalidQuery

MOST = 10_000
"""Items on one page; a list without a limit is whole."""
Place = list[Any]
Mask = Callable[[Any], Any]


def as_it_is(value: Any) -> Any:
    """Nothing is hidden."""
    return value


@dataclass(frozen=True, slots=True)
class Listed:
    """A kind of list: its fields, its usual order, and the clusters that an item is about.

    `clusters` is None for what is on no cluster. The fields of `order` together tell any two items
    apart.
    """

    kind: str
    path: str
    fields: Fields
    order: Sequence[str]
    clusters: Callable[[Any], Collection[str]] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `exact` are fields and the values that each may have, `clusters` globs,
    `sort` a field, with a minus for the other way round, `after` the mark of the page before."""

    exact: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clusters: Sequence[str] = ()
    labels: str = ""
    where: str = ""
    sort: str = ""
    limit: int | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, how many come after them, and the mark to go on from; empty at the end."""

    items: Sequence[Any]
    after: str = ""
    remaining: int = 0


def page_of(
    listed: Listed, views: Sequence[Any], query: Query, now: datetime, mask: Mask = as_it_is
) -> Page:
    """The page that the query asks for; InvalidQuery when it cannot be understood.

    The place in a mark passes `mask`, for it is sent, and nobody can read it on its way.
    """
    items = narrowed(listed, views, query, now)
    keys, reverse = _sorting(listed, query, views)
    placed = sorted(((_place(keys, item), item) for item in items), key=lambda one: one[0])
    if reverse:
        placed.reverse()
    if query.after:
        mark = _read_mark(query)
        if len(mark) != len(keys):
            raise _bad_mark(query.after)
        try:
            placed = [one for one in placed if (one[0] < mark if reverse else one[0] > mark)]
        except TypeError as error:
            raise _bad_mark(query.after) from error
    limit = len(placed) if query.limit is None else query.limit
    shown = placed[:limit]
    remaining = len(placed) - len(shown)
    after = _mark(query, mask(shown[-1][0])) if remaining and shown else ""
    return Page([item for _, item in shown], after, remaining)


def narrowed(listed: Listed, views: Sequence[Any], query: Query, now: datetime) -> list[Any]:
    """The items that the query asks for, in the order given."""
    items = list(views)
    for name, values in query.exact.items():
        read = listed.fields[name].read
        items = [item for item in items if read(item) in values]
    if query.clusters:
        items = [item for item in items if _is_on(listed, item, query.clusters)]
    if query.labels:
        items = _labelled(listed, items, query.labels)
    if query.where:
        holds = compiled(query.where, listed.fields, views, what=listed.path, now=now)
        items = list(filter(holds, items))
    return items


def _is_on(listed: Listed, item: Any, globs: Sequence[str]) -> bool:
    if listed.clusters is None:
        raise InvalidQuery(f"{listed.path} are on no cluster", next_step="leave --cluster out")
    names = listed.clusters(item)
    return any(fnmatchcase(name, glob) for name in names for glob in globs)


def _labelled(listed: Listed, items: Sequence[Any], text: str) -> list[Any]:
    labels = listed.fields.get(LABELS)
    if labels is None:
        raise InvalidQuery(f"{listed.path} have no labels", next_step="use --where instead")
    selects = label_selector(text)
    return [item for item in items if selects(labels.read(item))]


def _sorting(listed: Listed, query: Query, views: Sequence[Any]) -> tuple[list[Field], bool]:
    """The fields to sort by: the one asked for, then those that tell items apart."""
    usual = [listed.fields[name] for name in listed.order]
    if not query.sort:
        return usual, False
    name = query.sort.removeprefix("-")
    chosen = field_named(listed.fields, name, views, listed.path)
    if chosen.sort in (Sort.LIST, Sort.MAPPING):
        raise InvalidQuery(f"{name} is {chosen.sort}; it cannot be sorted by")
    return [chosen, *usual], query.sort.startswith("-")


def _place(keys: Sequence[Field], item: Any) -> Place:
    return [_comparable(key, key.read(item)) for key in keys]


def _comparable(key: Field, value: Any) -> list[Any]:
    """A value as JSON that sorts as it should: what is not there comes last."""
    if value is None:
        return [1, ""]
    if str(value) in key.ranks:
        return [0, key.ranks[str(value)]]
    if isinstance(value, datetime):
        return [0, value.isoformat()]
    return [0, value.value if isinstance(value, Enum) else value]


def _mark(query: Query, place: Place) -> str:
    content = json.dumps([query.sort, place], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _read_mark(query: Query) -> Place:
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        sort, place = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError as error:
        raise _bad_mark(query.after) from error
    if sort != query.sort or not isinstance(place, list):
        raise _bad_mark(query.after)
    return place


def _bad_mark(text: str) -> InvalidQuery:
    return InvalidQuery(
        f"{text!r} is not the end of a page of this list",
        next_step="leave --continue out, or repeat the command as it was with the text it gave",
    )
