"""Neighbours: other deployers that write an object of ours without changing what we wrote. Pure.

A CI job that applies the same manifests, a Helm release that was not taken out when its objects
became ours: nothing differs, so it is no drift, and with the next change of either they undo one
another. managedFields tell who owns fields beside us: deployers by the names that they give
themselves, and people's clients where they *apply*, for what these add by hand is drift. Who
controls, or writes a status, is no deployer, and neither is who owns nothing but what is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from shoal.model.policies import ByHand
from shoal.model.sightings import Neighbour
from shoal_clusters.kubernetes.adding import Path, Stays, is_kept
from shoal_clusters.kubernetes.deployers import DEPLOYERS
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.kubernetes.projecting import Fields, entries, own_entry, read_time
from shoal_clusters.kubernetes.takeover import is_by_hand

_APPLYING = ("kubectl-client-side-apply",)
"""Clients that deploy by an Update, beside all that use server-side apply."""
_PAST = ("before-first-apply",)
"""Names that stand for what was before us, and write nothing."""


def neighbours(live: Mapping[str, Any], said: ByHand, stays: Stays) -> tuple[Neighbour, ...]:
    """Who else deploys a live object, by name, each with the time of its oldest entry."""
    found: dict[str, datetime | None] = {}
    own = own_entry(live)
    for entry in entries(live):
        client = str(entry.get("manager", ""))
        if not _deploys(entry, client, said) or _is_left_over(entry, own):
            continue
        if not any(not stays(path) and not is_kept(path) for path in _paths(entry)):
            continue
        at, before = read_time(entry.get("time")), found.get(client)
        found[client] = min(filter(None, (at, before)), default=None)
    return tuple(Neighbour(client, found[client]) for client in sorted(found))


def _deploys(entry: Mapping[str, Any], client: str, said: ByHand) -> bool:
    if client == MANAGER or client in _PAST or entry.get("subresource"):
        return False
    if any(fnmatchcase(client, pattern) for pattern in said.never):
        return False
    if any(fnmatchcase(client, pattern) for pattern in DEPLOYERS):
        return True
    applies = entry.get("operation") == "Apply" or client in _APPLYING
    return applies and is_by_hand(client, said)


def _is_left_over(entry: Mapping[str, Any], own: Mapping[str, Any] | None) -> bool:
    """Whether it is older than our adoption, which inherits nothing of another version."""
    if own is None or entry.get("apiVersion") == own.get("apiVersion"):
        return False
    at, ours = read_time(entry.get("time")), read_time(own.get("time"))
    return at is not None and ours is not None and at <= ours


def _paths(entry: Mapping[str, Any]) -> Iterator[Path]:
    return _below(entry.get("fieldsV1") or {}, ())


def _below(fields: Fields, path: Path) -> Iterator[Path]:
    """Every field of a set, the innermost of each."""
    for name, below in fields.items():
        if name == ".":
            continue
        if any(each != "." for each in below):
            yield from _below(below, (*path, name))
        else:
            yield (*path, name)
