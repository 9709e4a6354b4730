"""What may be shown of an object: paths and names always, values only where they are no secret.

Three things are shown of objects, and all of them pass here: whole objects (`shoal render`),
patches (the ledger, explanations, drift) and what API servers say (states, spans, terminals).
Hidden are

- what a Secret holds: all but its name, labels, type and kind; also of a Secret that stands in a
  List or in a custom resource, and of the template in a kind that makes Secrets;
- the values of environment variables, wherever a pod template stands, but not where
  they come from;
- annotations that repeat a whole object.

The names of what is hidden are shown. A password in a ConfigMap, or among the arguments of a
command, has nothing to know it by. Pure; takes plain data, never fails, and hides what it does not
understand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.pointers import steps_of

MASK = "***"
"""What stands for a hidden value in a patch or a text."""
UNFIT = (MASK,)
"""What stands for it in a whole object: a list, which no API server takes where a text belongs.
Nobody overwrites a password with its mask."""
MESSAGE_LIMIT = 300
"""Characters of a message that are shown: two terminal lines, enough for any useful sentence."""
VALUE_LIMIT = 1000
"""Characters of one value in a patch: the ledger tells what changed, it is no second copy."""

POD_TEMPLATE_KINDS = frozenset(
    {
        GroupKind("", "Pod"),
        GroupKind("", "PodTemplate"),
        GroupKind("", "ReplicationController"),
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("batch", "Job"),
        GroupKind("batch", "CronJob"),
    }
)
"""Kinds that hold a pod template (or are a Pod): environment variables often hold passwords."""

Path = tuple[str, ...]

# Of a Secret; what people misspell (`stringdata`) is hidden with the rest.
_SHOWN = frozenset({"apiVersion", "kind", "type", "immutable"})
_SHOWN_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "uid",
    }
)
_DATA = frozenset({"data", "stringData"})
_ENVIRONMENTS = frozenset({"env", "envVars", "environmentVariables", "extraEnv", "extraEnvVars"})
_SOURCES = frozenset(
    {"configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"}
)
# Where `env: prod` is a label, and no variable.
_LABELS = frozenset({"labels", "matchLabels", "nodeSelector", "selector"})
# Annotations in which kubectl, kapp, Rancher and others keep the whole object, or its difference.
_COPY = re.compile(r"last-?applied|/original(-diff)?$|/applied$|/previous$", re.IGNORECASE)

# What API servers print of values: Go dumps (`core.PodTemplateSpec{…}`, and the merge library's
# `&value.valueUnstructured{Value:…}`), JSON, and whatever follows "Invalid value:".
# The repetition is bounded: a long word must not be searched anew from each of its letters.
_OPENING = re.compile(r"&?[\w.*\[\]]{0,100}\{")
_QUOTED_VALUE = re.compile(
    r"((?:Invalid|Unsupported|Duplicate) value: )(?:\"(?:\\.|[^\"\\])*\"?|\S+?(?=:\s|\s|$))"
)


def is_secret(key: GroupKind | ObjectKey) -> bool:
    """Whether the kind is the built-in Secret."""
    return key.group == "" and key.kind == "Secret"


def hides_values(key: GroupKind | ObjectKey) -> bool:
    """Whether messages about the kind are reduced to field paths."""
    return is_secret(key) or GroupKind(key.group, key.kind) in POD_TEMPLATE_KINDS


def masked_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without what is hidden; `UNFIT` stands for it. Long texts are not cut."""
    shown: Mapping[str, Any] = _Masking([*UNFIT], None).of(body, (), _Holder.OTHER)
    return shown


def masked_patch(
    key: ObjectKey, operations: Iterable[Mapping[str, Any]], *documents: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """The RFC 6902 operations without what is hidden; `MASK` stands for it, long texts are cut.

    `documents` are the objects that the patch leads from and to, where they are known: a path does
    not tell that it leads into a Secret which a custom resource holds.
    """
    operations = list(operations)
    holder = _holder_of_patch(key, operations, documents)
    masking = _Masking(MASK, VALUE_LIMIT)
    spread: list[Path] = []  # where a hidden value was copied or moved to
    shown = []
    for operation in operations:
        path = _steps(operation.get("path"))
        told = {name: operation[name] for name in ("op", "path", "from") if name in operation}
        if "value" in operation:
            hidden = any(_are_nested(path, each) for each in spread)
            told["value"] = MASK if hidden else masking.at(path, operation["value"], holder)
        elif "from" in operation and masking.at(_steps(operation["from"]), "", holder) == MASK:
            spread.append(path)
        shown.append(told)
    return tuple(shown)


def scrub(text: str) -> str:
    """A message without the values that API servers print into it, on one line and cut."""
    return cut(_QUOTED_VALUE.sub(rf"\1{MASK}", _without_braces(text)))


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """White space folded, at most `limit` characters, with an ellipsis when something is gone."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


class _Holder(Enum):
    """Whose fields a path names; decides which of them are hidden."""

    OTHER = auto()
    SECRET = auto()
    ITEMS = auto()
    """A list whose items may be Secrets."""
    TEMPLATE = auto()
    """An object that holds a Secret, or a template of one, somewhere."""


@dataclass(frozen=True, slots=True)
class _Masking:
    """One way to hide: what stands for a value, and how long a text may be (None: any length)."""

    mask: Any
    limit: int | None

    def at(self, path: Path, value: Any, holder: _Holder) -> Any:
        """The value that a patch puts at a path."""
        if holder is not _Holder.ITEMS or path[:1] not in ((), ("items",)):
            return self.of(value, path, holder)
        if len(path) > 2:
            return self.of(value, path[2:], _Holder.SECRET)
        if path == ():
            return self.of(value, path, holder)
        items = value if len(path) == 1 else [value]
        shown = self.of({"items": items}, (), holder)["items"]
        return shown if len(path) == 1 else shown[0]

    def of(self, value: Any, path: Path, holder: _Holder) -> Any:
        """The value at a path of a holder."""
        if isinstance(value, Mapping):
            return self._mapping(value, path, holder)
        if isinstance(value, list | tuple):
            if not _is_entered(path, holder):
                return self.mask
            return [self.of(each, (*path, str(at)), holder) for at, each in enumerate(value)]
        if _is_hidden(path, value, holder):
            return self.mask
        if self.limit is not None and isinstance(value, str) and len(value) > self.limit:
            return f"{value[: self.limit]}… ({len(value)} characters)"
        return value

    def _mapping(self, value: Mapping[str, Any], path: Path, holder: _Holder) -> Any:
        if holder is not _Holder.SECRET:
            found = _holder_of(value)
            holder = holder if found is _Holder.OTHER else found
            path = () if found is _Holder.SECRET else path
        if holder is _Holder.ITEMS:
            return self._listed(value, path)
        return self.of_each(value, path, holder) if _is_entered(path, holder) else self.mask

    def _listed(self, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
        rest = {name: each for name, each in value.items() if name != "items"}
        shown = self.of_each(rest, path, _Holder.OTHER)
        if "items" not in value:
            return shown
        items, kind = value["items"], value.get("kind")
        is_list = isinstance(items, list)
        return shown | {
            "items": [self._item(kind, each) for each in items] if is_list else self.mask
        }

    def of_each(self, value: Mapping[str, Any], path: Path, holder: _Holder) -> dict[str, Any]:
        """The members of a mapping at a path."""
        return {name: self.of(each, (*path, str(name)), holder) for name, each in value.items()}

    def _item(self, listed_as: Any, item: Any) -> Any:
        """An item of a List; in a SecretList it needs no kind, and without one it may be any."""
        kind = item.get("kind") if isinstance(item, Mapping) else None
        is_known = bool(kind) and listed_as != "SecretList"
        return self.of(item, (), _Holder.OTHER if is_known else _Holder.SECRET)


def _is_entered(path: Path, holder: _Holder) -> bool:
    """Whether the names of what stands in the mapping or list at the path are shown."""
    if holder is _Holder.SECRET:
        is_named = path in {(), ("metadata",), ("metadata", "annotations")}
        return is_named or (len(path) == 1 and path[0] in _DATA) or _is_shown_of_secret(path)
    variable = _variable(path)
    return variable is None or len(variable) < 2 or variable[1] == "valueFrom"


def _is_hidden(path: Path, value: Any, holder: _Holder) -> bool:
    """Whether the text, number, boolean or null at the path is hidden."""
    if holder is _Holder.SECRET:
        return not _is_shown_of_secret(path)
    if path[-2:-1] == ("annotations",):
        return holder is _Holder.TEMPLATE or _is_copy(path[-1], value)
    return _is_data(path, holder) or _is_variable(path)


def _is_data(path: Path, holder: _Holder) -> bool:
    """Whether the path leads into what becomes the data of a Secret."""
    if "stringData" in path:
        return True
    if holder is not _Holder.TEMPLATE or "data" not in path:
        return False
    rest = path[path.index("data") + 1 :]
    # An ExternalSecret has a list called `data`, of where values are kept.
    return len(rest) < 2 or not _is_index(rest[0])


def _is_shown_of_secret(path: Path) -> bool:
    if path[:1] == ("metadata",):
        return path[1:2] != () and path[1] in _SHOWN_METADATA
    return len(path) == 1 and path[0] in _SHOWN


def _variable(path: Path) -> Path | None:
    """What of a path leads on from a list (or mapping) of environment variables."""
    for at, step in enumerate(path):
        if step in _ENVIRONMENTS and not (at and path[at - 1] in _LABELS):
            return path[at + 1 :]
    return None


def _is_variable(path: Path) -> bool:
    """Whether the path leads to the value of an environment variable."""
    rest = _variable(path)
    if rest is None or (len(rest) == 2 and _is_index(rest[0]) and rest[1] == "name"):
        return False
    return not (len(rest) > 2 and rest[1] == "valueFrom" and rest[2] in _SOURCES)


def _is_index(step: str) -> bool:
    return step == "-" or step.isdecimal()


def _are_nested(one: Path, other: Path) -> bool:
    """Whether one of the places holds the other."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _is_copy(name: str, value: Any) -> bool:
    is_object = isinstance(value, str) and value.lstrip()[:1] == "{" and '"kind"' in value
    return is_object or bool(_COPY.search(name))


def _holder_of(body: Mapping[str, Any]) -> _Holder:
    """What a mapping is, when it is an object; a reference to a Secret is none."""
    kind = body.get("kind")
    if not isinstance(kind, str):
        return _Holder.OTHER
    if kind == "Secret":
        is_object = "metadata" in body or not _DATA.isdisjoint(body)
        return _Holder.SECRET if is_object else _Holder.OTHER
    if kind.endswith("Secret"):
        return _Holder.TEMPLATE
    return _Holder.ITEMS if kind in ("List", "SecretList") else _Holder.OTHER


def _holder_of_patch(
    key: ObjectKey, operations: Sequence[Mapping[str, Any]], documents: Iterable[Any]
) -> _Holder:
    kinds = [key.kind]
    kinds += [str(each.get("value")) for each in operations if each.get("path") == "/kind"]
    if "Secret" in kinds:
        return _Holder.SECRET
    if key.group == "" and key.kind.endswith("List"):
        return _Holder.ITEMS
    is_template = any(kind.endswith("Secret") for kind in kinds)
    is_template = is_template or any(map(_holds_secret, documents))
    return _Holder.TEMPLATE if is_template else _Holder.OTHER


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        is_secret = _holder_of(value) in (_Holder.SECRET, _Holder.TEMPLATE)
        return is_secret or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _steps(pointer: Any) -> Path:
    """The steps of a JSON Pointer; of what is none, the root, whose value is judged by its kind."""
    return steps_of(pointer) if isinstance(pointer, str) else ()


def _without_braces(text: str) -> str:
    """Replace each outermost `{…}`, with the type name before it, by the mask."""
    out: list[str] = []
    position = 0
    while found := _OPENING.search(text, position):
        out += (text[position : found.start()], MASK)
        position = _closing(text, found.end())
    return "".join(out) + text[position:]


def _closing(text: str, start: int) -> int:
    depth = 1
    for position in range(start, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return position + 1
    return len(text)
