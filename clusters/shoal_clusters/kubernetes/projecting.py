"""Projecting: a live object reduced to the fields that we own.

Server-side apply notes in `metadata.managedFields` which manager owns which field, as FieldsV1
(KEP-555): a tree whose keys are `f:<field>`, `k:<key fields of a list item as JSON>`, `v:<value in
a set as JSON>`, `i:<index>`, and `.` for "the thing itself"; an empty subtree owns the whole value.
A field set is read once, compiled to nested tuples and shared by everything that has an equal one
(the same Deployment on a hundred clusters has one field set). A projection is made for each watch
event, so nothing is parsed then.

The order of items in a keyed list is not part of a projection: server-side apply does not own it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from shoal.model.digests import Digester, canonical, digest_bytes
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.marks import MANAGER

Fields: TypeAlias = Mapping[str, Any]
"""FieldsV1 as parsed JSON."""


class _Absent:
    """The type of `ABSENT`, which no JSON value equals."""


ABSENT: Final = _Absent()
REPLICAS: Final = ("f:spec", "f:replicas")
_NOTHING: Final[Fields] = {}


class Node(NamedTuple):
    """One level of a compiled field set; a child of None owns the whole value there.

    `items` are (raw key, ((key field, value), …), child); `values` are (raw key, value).
    """

    is_member: bool
    fields: tuple[tuple[str, Node | None], ...]
    items: tuple[tuple[str, tuple[tuple[str, Any], ...], Node | None], ...]
    values: tuple[tuple[str, Any], ...]
    indexes: tuple[tuple[int, Node | None], ...]


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A set of owned fields, compiled.

    `id` is a digest of `text`, the canonical FieldsV1 JSON; both are stable over restarts.
    """

    id: str
    text: bytes = field(repr=False, compare=False)
    root: Node = field(repr=False, compare=False)

    @property
    def fields(self) -> Fields:
        """FieldsV1, parsed anew: for the rare paths that look into a set."""
        parsed: Fields = orjson.loads(self.text)
        return parsed


class FieldSets:
    """The field sets in use, each compiled and held once for all clusters.

    The `kept` last used are held, about 8 KiB each for a Deployment: what is asked for again after
    it was dropped is compiled again (some 50 µs), so memory stays bounded and nothing else changes.
    """

    def __init__(self, kept: int = 1024) -> None:
        self._kept = kept
        self._known: dict[bytes, FieldSet] = {}

    def intern(self, fields: Fields) -> FieldSet:
        """The one field set with these fields."""
        return self.intern_text(canonical(fields))

    def intern_text(self, text: bytes) -> FieldSet:
        """The one field set of a canonical FieldsV1 JSON text."""
        known = self._known.pop(text, None)
        if known is None:
            # A copy, for what orjson 3.13 gives keeps the 4 KiB that it was written into.
            text = bytes(memoryview(text))
            known = FieldSet(digest_bytes(text)[:32], text, _compile(orjson.loads(text)))
            if len(self._known) >= self._kept:
                del self._known[next(iter(self._known))]
        # Put at the end again: a dict keeps its order, so the first one is the longest unused.
        self._known[known.text] = known
        return known

    def own_fields(self, live: Mapping[str, Any], manager: str = MANAGER) -> FieldSet | None:
        """What a manager owns by its last apply; None when it has no such entry."""
        entry = own_entry(live, manager)
        return self.intern(entry.get("fieldsV1") or {}) if entry else None

    def __len__(self) -> int:
        return len(self._known)


class ChangedBy(NamedTuple):
    """The client that managedFields names; `manager` is empty when nobody can tell."""

    manager: str = ""
    at: datetime | None = None
    subresource: str = ""


def project(live: Mapping[str, Any], field_set: FieldSet) -> dict[str, Any]:
    """The owned part of an object, as a canonical value.

    Fields keep their names; keyed lists and sets become mappings from the raw path element
    (`k:{"name":"app"}`), so that their order does not count. What is missing is simply absent.
    """
    projected = _project(live, field_set.root)
    return projected if isinstance(projected, dict) else {}


def owned_digest(
    live: Mapping[str, Any], field_set: FieldSet, key: ObjectKey, digester: Digester
) -> str:
    """The digest of the owned part; keyed for Secrets."""
    return digester.digest(key.group, key.kind, project(live, field_set))


def document_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The paths of a document as FieldsV1: for servers that keep no managedFields.

    Without a schema the keys of a list are unknown, so every list is owned whole.
    """
    return {f"f:{name}": _document_node(value) for name, value in body.items() if name not in _KEYS}


_KEYS = frozenset({"apiVersion", "kind"})


def without_path(fields: Fields, path: tuple[str, ...]) -> dict[str, Any]:
    """FieldsV1 without one path (`REPLICAS`); containers that become empty go with it."""
    return subtract(fields, _nested(path)) or {}


def subtract(fields: Fields, other: Fields) -> dict[str, Any] | None:
    """FieldsV1 of what is in `fields` and not in `other`; None when nothing is left."""
    left: dict[str, Any] = {}
    for name, child in fields.items():
        if name == ".":
            continue
        if name not in other:
            left[name] = child
        elif (rest := subtract(child, other[name])) is not None:
            left[name] = rest
    if left:
        return left
    is_lost = _is_member(fields) and not _is_member(other)
    return ({".": {}} if fields else {}) if is_lost else None


def union(fields: Fields, other: Fields) -> dict[str, Any]:
    """FieldsV1 of what is in either; who owns a whole value owns all that is in it."""
    joined = dict(fields)
    for name, child in other.items():
        mine = joined.get(name)
        joined[name] = child if mine is None else union(mine, child) if mine and child else {}
    return joined


def changed_by(live: Mapping[str, Any], fields: Fields) -> ChangedBy:
    """Who owns any of these fields now: of all entries but our apply, the one last written.

    A field that was removed has no owner any more, so nobody is named for it.
    """
    found = ChangedBy()
    own = own_entry(live)
    for entry in entries(live):
        if entry is own or not overlaps(fields, entry.get("fieldsV1") or {}):
            continue
        at = read_time(entry.get("time"))
        if not found.manager or (at and (found.at is None or at > found.at)):
            found = ChangedBy(str(entry.get("manager", "")), at, str(entry.get("subresource", "")))
    return found


def scaled(live: Mapping[str, Any]) -> bool:
    """Whether `spec.replicas` was last written through the scale subresource.

    A write through `/scale` takes the field from every other manager (ScaleHandler.ToParent in
    k8s.io/apimachinery), so ownership by such an entry is exactly that fact.
    """
    return any(
        entry.get("subresource") == "scale"
        and "f:replicas" in (entry.get("fieldsV1") or _NOTHING).get("f:spec", _NOTHING)
        for entry in entries(live)
    )


def overlaps(fields: Fields, other: Fields) -> bool:
    """Whether a member of `fields` is owned by `other`, in whole, in part, or as a part."""
    if not fields or not other:
        return True
    return any(
        overlaps(child, other[name])
        for name, child in fields.items()
        if name != "." and name in other
    )


def overlay(live: Mapping[str, Any], wanted: Mapping[str, Any], field_set: FieldSet) -> Any:
    """A copy of `live` in which the owned fields are as `wanted` has them; nothing else moves.

    The difference from `live` to this copy is a patch of owned fields whose paths fit `live`.
    """
    return _overlay(live, wanted, field_set.root)


def entries(live: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Who owns what of a live object, entry by entry."""
    yield from (live.get("metadata") or {}).get("managedFields") or ()


def own_entry(live: Mapping[str, Any], manager: str = MANAGER) -> Mapping[str, Any] | None:
    """The entry of a manager's last apply; None when it has none."""
    for entry in entries(live):
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            return entry
    return None


def read_time(text: object) -> datetime | None:
    """A time as the API server writes it; None when it is none."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_member(fields: Fields) -> bool:
    return not fields or "." in fields


def _nested(path: tuple[str, ...]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for step in reversed(path):
        nested = {step: nested}
    return nested


def _document_node(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value:
        return {}
    return {f"f:{name}": _document_node(child) for name, child in value.items()}


def _compile(fields: Fields) -> Node:
    names: list[tuple[str, Node | None]] = []
    items: list[tuple[str, tuple[tuple[str, Any], ...], Node | None]] = []
    values: list[tuple[str, Any]] = []
    indexes: list[tuple[int, Node | None]] = []
    for raw, below in fields.items():
        child = _compile(below) if below else None
        kind, element = raw[:2], raw[2:]
        if kind == "f:":
            names.append((element, child))
        elif kind == "k:":
            items.append((raw, tuple(orjson.loads(element).items()), child))
        elif kind == "v:":
            values.append((raw, orjson.loads(element)))
        elif kind == "i:":
            indexes.append((int(element), child))
    return Node(
        "." in fields or not fields, tuple(names), tuple(items), tuple(values), tuple(indexes)
    )


def _project(value: Any, node: Node) -> Any:
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for name, child in node.fields:
            if name in value:
                below = value[name] if child is None else _project(value[name], child)
                if below is not ABSENT:
                    out[name] = below
    elif isinstance(value, list):
        out = _project_list(value, node)
    else:
        return value  # another type than we wrote (a null, say): different whatever it holds
    return out if out or node.is_member else ABSENT


def _project_list(value: list[Any], node: Node) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for raw, keys, child in node.items:
        at = find_item(value, keys)
        if at is not None:
            below = value[at] if child is None else _project(value[at], child)
            if below is not ABSENT:
                out[raw] = below
    for raw, member in node.values:
        if member in value:
            out[raw] = True
    for index, child in node.indexes:
        if index < len(value):
            out[f"i:{index}"] = value[index] if child is None else _project(value[index], child)
    return out


def find_item(items: list[Any], keys: tuple[tuple[str, Any], ...]) -> int | None:
    """The index of the first item with these key fields."""
    for at, item in enumerate(items):
        if isinstance(item, dict) and all(item.get(name) == value for name, value in keys):
            return at
    return None


def _overlay(live: Any, wanted: Any, node: Node) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        out = dict(live)
        for name, child in node.fields:
            if name not in wanted:
                out.pop(name, None)
            elif child is None or name not in live:
                out[name] = wanted[name]
            else:
                out[name] = _overlay(live[name], wanted[name], child)
        return out
    if isinstance(live, list) and isinstance(wanted, list):
        return _overlay_list(live, wanted, node)
    return wanted


def _overlay_list(live: list[Any], wanted: list[Any], node: Node) -> list[Any]:
    out = list(live)
    gone: set[int] = set()
    added: list[Any] = []
    for _, keys, child in node.items:
        at, to = find_item(live, keys), find_item(wanted, keys)
        if at is not None and to is not None:
            out[at] = wanted[to] if child is None else _overlay(live[at], wanted[to], child)
        elif to is not None:
            added.append(wanted[to])
        elif at is not None:
            gone.add(at)
    for _, member in node.values:
        if member in wanted and member not in live:
            added.append(member)
        elif member not in wanted and member in live:
            gone.add(live.index(member))
    for index, child in node.indexes:
        if index < min(len(live), len(wanted)):
            out[index] = (
                wanted[index] if child is None else _overlay(live[index], wanted[index], child)
            )
    return [item for at, item in enumerate(out) if at not in gone] + added
