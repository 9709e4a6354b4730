"""Finding what a person named: one item of a kind, or UnknownName with the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NoReturn

from shoal.api.client import Client
from shoal.cli.kinds import DRIFT, EVENT, HOLD, TARGET, Kind, split_name
from shoal.cli.tables import Item
from shoal.errors import UnknownName

Query = Mapping[str, str | int | None]
_PAGE = 1000  # the most records that the API gives at once
_MOST_PAGES = 20  # so that a cluster without events does not cost a read of the whole ledger


def query_of(
    kind: Kind, name: str | None, *, namespace: str | None, cluster: str | None, limit: int
) -> Query:
    """The parameters of the API's list that narrow it to what was asked for."""
    if kind is EVENT:
        return {"subject": name, "limit": limit}
    if kind is DRIFT:
        return {"namespace": namespace}
    if kind is TARGET:
        application, _, at = (name or "").partition("@")
        if not application:
            return {"namespace": namespace, "cluster": at or cluster}
        where, what = split_name(application, namespace)
        return {"namespace": where, "application": what, "cluster": at or cluster}
    if kind.name in ("Application", "Source"):
        if name is None:
            return {"namespace": namespace}
        where, what = split_name(name, namespace)
        return {"namespace": where, "name": what}
    return {} if kind is HOLD else {"name": name or cluster}


def list_items(client: Client, kind: Kind, name: str | None, query: Query) -> list[Item]:
    """The items asked for; UnknownName when a name was given that nothing has."""
    items: Sequence[Item] = client.items(kind.path, **query)
    if kind is HOLD and name is not None:
        items = [item for item in items if name in (item["id"], item["subject"])]
    if kind is DRIFT and name is not None:
        items = [item for item in items if name == item["id"]]
    if name is not None and not items and kind is not EVENT:
        refuse(client, kind, name)
    return list(items)


def list_events(
    client: Client, subject: str | None, cluster: str, *, limit: int, most_pages: int = _MOST_PAGES
) -> list[Item]:
    """The newest events about a cluster and its targets, as far back as `most_pages` pages.

    The API narrows events to one subject; those of a cluster have many.
    """
    found: list[Item] = []
    before: int | None = None
    for _ in range(most_pages):
        page = client.items("records", subject=subject, limit=_PAGE, before=before)
        found += [item for item in page if _is_about(item["subject"], cluster)]
        if len(page) < _PAGE or len(found) >= limit:
            break
        before = page[-1]["seq"]
    return found[:limit]


def _is_about(subject: str, cluster: str) -> bool:
    return subject == f"cluster {cluster}" or subject.endswith(f"@{cluster}")


def find_one(client: Client, kind: Kind, name: str, namespace: str | None) -> Item:
    """The one item of this name."""
    query = query_of(kind, name, namespace=namespace, cluster=None, limit=1)
    return list_items(client, kind, name, query)[0]


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
