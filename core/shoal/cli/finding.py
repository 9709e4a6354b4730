"""Finding what a person named: one item of a kind, or UnknownName with the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from shoal.api.client import Client, Given
from shoal.cli.kinds import (
    ALERT,
    APPLICATION,
    CLUSTER,
    DRIFT,
    EVENT,
    HOLD,
    PLUGIN,
    RECORDED,
    SOURCE,
    TARGET,
    Kind,
    split_name,
)
from shoal.cli.narrowing import Narrowing
from shoal.cli.progress import saying_progress
from shoal.cli.tables import Item
from shoal.errors import UnknownName

Query = Mapping[str, Given]
ALL = Narrowing()
USUAL_RECORDS = 100
MOST_RECORDS = 1000  # that the API gives at once
_NAMED_BY: Mapping[Kind, Sequence[str]] = {
    HOLD: ("id", "subject"),
    DRIFT: ("id",),
    PLUGIN: ("plugin", "name"),
}
"""The kinds whose names the API does not know: fields that a name may be."""
_IN_NAMESPACES = (APPLICATION, TARGET, SOURCE, ALERT)


def query_of(kind: Kind, name: str | None, narrowing: Narrowing = ALL) -> Query:
    """The parameters of the API's list that narrow it to what was asked for."""
    query = dict(narrowing.query)
    if name is None:
        return query
    if kind in RECORDED:
        return {**query, "subject": name}
    if kind is TARGET:
        application, _, at = name.partition("@")
        if at:
            query["cluster"] = at
        if not application:
            return query
        where, what = split_name(application, narrowing.namespace)
        return {**query, "namespace": where, "application": what}
    if kind in (APPLICATION, SOURCE, ALERT):
        where, what = split_name(name, narrowing.namespace)
        return {**query, "namespace": where, "name": what}
    return {**query, "name": name} if kind is CLUSTER else query


@dataclass(frozen=True, slots=True)
class Found:
    """A list, or a page of it: `after` leads to the next one, where `remaining` more are, and
    `seen` is up to where the ledger was read."""

    items: list[Item]
    after: str = ""
    remaining: int | None = None
    seen: int = 0


def list_items(client: Client, kind: Kind, name: str | None, query: Query) -> Found:
    """The items asked for; UnknownName when a name was given that nothing has."""
    if kind in RECORDED:
        return list_records(client, kind, query)
    answer = client.get(kind.path, **query)
    items: list[Item] = answer["items"]
    if name is not None and kind in _NAMED_BY:
        items = [item for item in items if name in (item[key] for key in _NAMED_BY[kind])]
    if name is not None and not items:
        refuse(client, kind, name)
    told = answer.get("metadata") or {}
    return Found(items, told.get("continue", ""), told.get("remainingItemCount"))


def list_records(client: Client, kind: Kind, query: Query) -> Found:
    """The newest records asked for, however far back; where it takes long, it is said how far."""
    limit = int(str(query.get("limit") or USUAL_RECORDS))
    found: list[Item] = []
    seen, after = 0, str(query.get("continue") or "")
    with saying_progress() as say:
        while True:
            left = {**query, "limit": min(limit - len(found), MOST_RECORDS)}
            answer = client.get(kind.path, **{**left, "continue": after or None})
            told = answer["metadata"]
            seen, after = seen or int(told["resourceVersion"]), told.get("continue", "")
            found += answer["items"]
            if not after or len(found) >= limit:
                return Found(found, after, seen=seen)
            say(f"looking for {kind.plural}: {len(found)} found down to record {after}")


def find_one(client: Client, kind: Kind, name: str, namespace: str | None = None) -> Item:
    """The one item of this name."""
    if kind in RECORDED:
        return _find_record(client, kind, name)
    narrowing = Narrowing(namespace=namespace if kind in _IN_NAMESPACES else None)
    return list_items(client, kind, name, query_of(kind, name, narrowing)).items[0]


def _find_record(client: Client, kind: Kind, name: str) -> Item:
    """A record by its seq, `CHAIN/SEQ` or `SEQ`."""
    seq = name.rpartition("/")[2]
    if seq.isascii() and seq.isdigit() and len(seq) < 18:
        newest: Query = {"limit": 1, "continue": str(int(seq) + 1)}
        for item in client.items(EVENT.path, **newest):
            if str(item["seq"]) == seq:
                return item
    raise UnknownName(
        f"there is no {kind.name.lower()} {name}",
        next_step=f"name one by its number: `shoal get {kind.plural} -o name` shows them",
    )


def refuse(client: Client, kind: Kind, name: str) -> NoReturn:
    """Raise UnknownName, with what was probably meant."""
    known = {kind.identity(item): item for item in client.items(kind.path)}
    meant = difflib.get_close_matches(name, _spellings(known), n=1, cutoff=0.6)
    raise UnknownName(
        f"there is no {kind.name.lower()} {name}"
        + (f"; did you mean {meant[0]}?" if meant else ""),
        next_step=f"`shoal get {kind.path}` shows all of them",
    )


def _spellings(known: Mapping[str, Item]) -> list[str]:
    """Full names, and what may be typed for them in the namespace `default`."""
    return [
        *known,
        *(name.removeprefix("default/") for name in known if name.startswith("default/")),
    ]
