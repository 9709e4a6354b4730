"""Inheriting: what becomes ours of what deployers own of an object that is adopted. Pure.

Server-side apply removes a field that leaves Git only when it is ours alone. What Helm, Flux, Argo
CD or kubectl set would stay for ever, so their entries of managedFields are joined into ours before
the first apply (as kubectl does when it turns to server-side apply: client-go/util/csaupgrade).
Entries for a subresource, and those written in another version of the API, whose fields have other
names, stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shoal.model.pointers import pointer
from shoal.model.policies import ByHand
from shoal_clusters.kubernetes.adding import Path, is_kept
from shoal_clusters.kubernetes.deployers import former_marks, is_deployer
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.kubernetes.projecting import Fields, entries, find_item, union

Body = Mapping[str, Any]
Entry = Mapping[str, Any]
_FIELDS_TYPE = "FieldsV1"


def inheritance(live: Body, wanted: Body, said: ByHand) -> list[Mapping[str, Any]]:
    """The RFC 6902 operations that make us the heir; none when there is nothing to inherit."""
    operations: list[Mapping[str, Any]] = [
        {"op": "remove", "path": pointer(("metadata", part, key))}
        for part, key in former_marks(live, wanted)
    ]
    heirlooms = [entry for entry in entries(live) if _is_inherited(entry, live, said)]
    if heirlooms:
        value = _joined(live, heirlooms)
        operations.append({"op": "replace", "path": "/metadata/managedFields", "value": value})
    return operations


def is_left_over(live: Body, said: ByHand) -> bool:
    """Whether deployers own fields of an object still: so it is after the first tracked write."""
    return any(_is_inherited(entry, live, said) for entry in entries(live))


def without_inherited(applied: Body, said: ByHand) -> Mapping[str, Any]:
    """A live object after our apply, without what an heir of its deployers would drop.

    That is what they own still, and neither we nor anybody else.
    """
    theirs: Fields = {}
    others: Fields = {}
    for entry in entries(applied):
        fields = entry.get("fieldsV1") or {}
        if _is_inherited(entry, applied, said):
            theirs = union(theirs, _heritable(fields))
        else:
            others = union(others, fields)
    left = _alone(theirs, others)
    found: Mapping[str, Any] = _without(applied, left) if left else applied
    return found


def _alone(fields: Fields, others: Fields) -> dict[str, Any]:
    """What is in the one set, and neither it nor anything below it in the other."""
    found: dict[str, Any] = {}
    for name, below in fields.items():
        if name not in others:
            found[name] = below
        elif below and (rest := _alone(below, others[name])):
            found[name] = rest
    found.pop(".", None)
    return found


def _joined(live: Body, heirlooms: Sequence[Entry]) -> list[Entry]:
    """managedFields with one entry of ours in place of these."""
    ours = [entry for entry in entries(live) if _is_ours(entry)]
    joined: Fields = {}
    for entry in ours:
        joined = union(joined, entry.get("fieldsV1") or {})
    for entry in heirlooms:
        joined = union(joined, _heritable(entry.get("fieldsV1") or {}))
    newest = max((str(entry.get("time") or "") for entry in heirlooms), default="")
    heir = {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "fieldsType": _FIELDS_TYPE,
        "fieldsV1": joined,
        **({"time": newest} if newest else {}),
    }
    gone = (*ours, *heirlooms)
    others = [entry for entry in entries(live) if not any(entry is each for each in gone)]
    return [heir, *others]


def _heritable(fields: Fields, path: Path = ()) -> Fields:
    """Without what stays whoever wrote it: finalizers, owners, a restart that was asked for.

    That becomes nobody's, so it stays when Git has it not.
    """
    found: dict[str, Any] = {}
    for name, below in fields.items():
        its_path = (*path, name)
        if is_kept(its_path):
            continue
        rest = _heritable(below, its_path)
        if rest or not below:
            found[name] = rest
    return found


def _is_inherited(entry: Entry, live: Body, said: ByHand) -> bool:
    return (
        is_deployer(str(entry.get("manager", "")), said)
        and not entry.get("subresource")
        and entry.get("apiVersion") == live.get("apiVersion")
        and entry.get("fieldsType", _FIELDS_TYPE) == _FIELDS_TYPE
    )


def _is_ours(entry: Entry) -> bool:
    is_apply = entry.get("operation") == "Apply" and not entry.get("subresource")
    return is_apply and entry.get("manager") == MANAGER


def _without(value: Any, fields: Fields) -> Any:
    """A copy without these fields; what becomes empty by that goes with them."""
    if isinstance(value, dict):
        kept = dict(value)
        for raw, below in fields.items():
            name = raw[2:]
            if not raw.startswith("f:") or name not in kept:
                continue
            rest = _without(kept[name], below) if below else None
            if rest or (rest is not None and not value[name]):
                kept[name] = rest
            else:
                del kept[name]
        return kept
    return _without_items(value, fields) if isinstance(value, list) else value


def _without_items(value: list[Any], fields: Fields) -> list[Any]:
    kept: list[Any] = list(value)
    gone: set[int] = set()
    for raw, below in fields.items():
        at = _place(value, raw)
        if at is None:
            continue
        if below and "." not in below:
            kept[at] = _without(value[at], below)
        else:
            gone.add(at)
    return [item for at, item in enumerate(kept) if at not in gone]


def _place(items: list[Any], raw: str) -> int | None:
    if raw.startswith("k:"):
        return find_item(items, tuple(orjson.loads(raw[2:]).items()))
    if raw.startswith("v:"):
        member = orjson.loads(raw[2:])
        return items.index(member) if member in items else None
    return None
