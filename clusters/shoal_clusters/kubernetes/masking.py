"""What may be shown of an object: paths always, values only where they cannot be a secret.

Patches go to the ledger, messages of API servers go to states, spans and terminals. Values of
Secrets, environment variables of pod templates and annotations that repeat a whole object are shown
as `***`; long texts are cut. Everything here takes and gives plain data and never fails: what it
does not understand it hides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shoal.model.identity import GroupKind, ObjectKey

MASK = "***"
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

# Annotations in which tools keep a copy of the whole object, values included.
_COPIES = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})

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


def mask_patch(key: ObjectKey, patch: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The same RFC 6902 operations with secret values replaced; paths stay as they are."""
    return tuple(_mask_operation(key, operation) for operation in patch)


def mask_value(key: ObjectKey, path: tuple[str, ...], value: Any) -> Any:
    """The value at a path as it may be shown. `path` is the pointer's steps, unescaped."""
    if _is_hidden(key, path) and not (is_secret(key) and isinstance(value, Mapping)):
        return MASK
    if isinstance(value, Mapping):
        return {name: mask_value(key, (*path, name), child) for name, child in value.items()}
    if isinstance(value, list):
        return [mask_value(key, (*path, str(at)), child) for at, child in enumerate(value)]
    if isinstance(value, str) and len(value) > VALUE_LIMIT:
        return f"{value[:VALUE_LIMIT]}… ({len(value)} characters)"
    return value


def scrub(text: str) -> str:
    """A message without the values that API servers print into it, on one line and cut."""
    return cut(_QUOTED_VALUE.sub(rf"\1{MASK}", _without_braces(text)))


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """White space folded, at most `limit` characters, with an ellipsis when something is gone."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def _mask_operation(key: ObjectKey, operation: Mapping[str, Any]) -> dict[str, Any]:
    if "value" not in operation:
        return dict(operation)
    path = tuple(
        step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]
    )
    return {**operation, "value": mask_value(key, path, operation["value"])}


def _is_hidden(key: ObjectKey, path: tuple[str, ...]) -> bool:
    if path[:2] == ("metadata", "annotations") and path[2:3]:
        return path[2] in _COPIES or is_secret(key)
    if is_secret(key):
        return path[:1] in (("data",), ("stringData",))
    # `…/env/<index>/value`, wherever a custom resource may keep its pod template.
    return len(path) >= 3 and path[-3] == "env" and path[-1] == "value"


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
