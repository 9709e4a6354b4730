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
from fnmatch import fnmatchcase
from functools import partial
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from shoal.api.fields import LABELS, Field, Fields, Sort, field_named
from shoal.api.label_selecting import label_selector
from shoal.api.where import compiled
from shoal.errors import InvalidQuery

MOST = 10_000
"""Items on one page; a list without a limit is whole."""
Place = list[Any]
Placing = Callable[[Any], Place]
Mask = Callable[[Any], Any]


def as_it_is(value: Any) -> Any:
    """Nothing is hidden."""
    return value


@dataclass(frozen=True, slots=True)
class Listed:
    """A kind of list: its fields, its usual order, and the clusters that an item is about.

    `clusters` is None for what is on no cluster. The fields of `order` together tell any two items
    apart; `comes_sorted`: views come in that order.
    """

    kind: str
    path: str
    fields: Fields
    order: Sequence[str]
    clusters: Callable[[Any], Collection[str]] | None = None
    comes_sorted: bool = False


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
    """The page that the query asks for; InvalidQuery when it cannot be understood."""
    return page_among(listed, narrowed(listed, views, query, now), views, query, mask)


def page_among(
    listed: Listed, items: Sequence[Any], views: Sequence[Any], query: Query, mask: Mask = as_it_is
) -> Page:
    """The page of the items that were chosen from the views.

    A list of fifty thousand that is whole, or begins, and is asked for in its own order is not
    sorted: that takes a hundred times as long. The place in a mark passes `mask`, for it is sent,
    and nobody can read it on its way.
    """
    is_in_order = listed.comes_sorted or query.limit is None
    if is_in_order and not (query.sort or query.after):
        limit = len(items) if query.limit is None else query.limit
        shown, remaining = items[:limit], len(items) - limit
        place = _placing(listed, query, views)
        after = _mark(query, mask(place(shown[-1]))) if remaining > 0 and shown else ""
        return Page(shown, after, max(0, remaining))
    return _sorted_page(listed, items, query, _placing(listed, query, views), mask)


def _sorted_page(
    listed: Listed, items: Sequence[Any], query: Query, place: Placing, mask: Mask
) -> Page:
    reverse = query.sort.startswith("-")
    placed = [(place(item), item) for item in items]
    if query.after:
        mark = _read_mark(query, len(place(items[0])) if items else 0)
        try:
            placed = [one for one in placed if (one[0] < mark if reverse else one[0] > mark)]
        except TypeError as error:
            raise _bad_mark(query.after) from error
    limit = len(placed) if query.limit is None else min(query.limit, len(placed))
    choose = nlargest if reverse else nsmallest
    shown = choose(limit, placed, key=itemgetter(0))
    remaining = len(placed) - len(shown)
    after = _mark(query, mask(shown[-1][0])) if remaining and shown else ""
    return Page([item for _, item in shown], after, remaining)


def narrowed(listed: Listed, views: Sequence[Any], query: Query, now: datetime) -> list[Any]:
    """The items that the query asks for, in the order given."""
    return list(filter(choosing(listed, views, query, now), views))


def choosing(
    listed: Listed, views: Sequence[Any], query: Query, now: datetime
) -> Callable[[Any], bool]:
    """Whether the query asks for an item of these views; what is cheap to say is asked first."""
    tests: list[Callable[[Any], bool]] = [
        partial(_is_one_of, listed.fields[name].read, values)
        for name, values in query.exact.items()
    ]
    if query.clusters:
        if listed.clusters is None:
            raise InvalidQuery(f"{listed.path} are on no cluster", next_step="leave --cluster out")
        tests.append(partial(_is_on, listed.clusters, query.clusters))
    if query.labels:
        tests.append(_labelled(listed, query.labels))
    if query.where:
        tests.append(compiled(query.where, listed.fields, views, what=listed.path, now=now))
    return lambda item: all(test(item) for test in tests)


def _is_one_of(read: Callable[[Any], Any], values: Sequence[str], item: Any) -> bool:
    return read(item) in values


def _is_on(clusters: Callable[[Any], Collection[str]], globs: Sequence[str], item: Any) -> bool:
    return any(fnmatchcase(name, glob) for name in clusters(item) for glob in globs)


def _labelled(listed: Listed, text: str) -> Callable[[Any], bool]:
    labels = listed.fields.get(LABELS)
    if labels is None:
        raise InvalidQuery(f"{listed.path} have no labels", next_step="use --where instead")
    selects = label_selector(text)
    return lambda item: selects(labels.read(item))


def _placing(listed: Listed, query: Query, views: Sequence[Any]) -> Placing:
    """What gives an item's place: by the field asked for, then by those that tell items apart.

    A place is made of what JSON can say; what is not there comes last.
    """
    keys = [_ordering(listed.fields[name]) for name in listed.order]
    name = query.sort.removeprefix("-")
    if name:
        chosen = field_named(listed.fields, name, views, listed.path)
        if chosen.sort in (Sort.LIST, Sort.MAPPING):
            raise InvalidQuery(f"{name} is {chosen.sort}; it cannot be sorted by")
        keys.insert(0, _ordering(chosen))
    return lambda item: [key(item) for key in keys]


def _ordering(key: Field) -> Callable[[Any], Any]:
    """How values of a field are compared: states from good to bad, all else as it is."""
    read, ranks = key.read, key.ranks
    if ranks:
        return lambda item: [0, ranks.get(str(read(item)), len(ranks))]
    if key.sort is Sort.TIME:
        return lambda item: [1, ""] if (at := read(item)) is None else [0, at.isoformat()]
    return lambda item: [1, ""] if (value := read(item)) is None else [0, value]


def _mark(query: Query, place: Place) -> str:
    content = json.dumps([query.sort, place], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _read_mark(query: Query, length: int) -> Place:
    """The place in a mark; of an empty list any will do."""
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        sort, place = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError as error:
        raise _bad_mark(query.after) from error
    if sort != query.sort or not isinstance(place, list) or len(place) != (length or len(place)):
        raise _bad_mark(query.after)
    return place


def _bad_mark(text: str) -> InvalidQuery:
    return InvalidQuery(
        f"{text!r} is not the end of a page of this list",
        next_step="leave --continue out, or repeat the command as it was with the text it gave",
    )
