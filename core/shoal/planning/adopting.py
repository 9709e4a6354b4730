"""What to commit so that Git says what is live: an override of an Application, made of a patch.

The override is tried on the manifests before anybody is told of it: what does not fit is no advice.
A patch that goes through mappings alone becomes a merge patch, which people read and edit; one that
counts items of a list stays a JSON Patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from shoal.errors import MissingFact, OverrideFailed
from shoal.model.identity import ObjectKey
from shoal.model.masking import MASK, is_secret
from shoal.model.overrides import Override
from shoal.model.plans import Content
from shoal.model.pointers import steps_of
from shoal.planning.overriding import override
from shoal.planning.suggesting import object_selector

_CUT = re.compile(r"… \(\d+ characters\)$")
_SETTING = frozenset({"add", "replace"})


def why_not(key: ObjectKey, patch: Iterable[Mapping[str, Any]]) -> str:
    """Why nobody can be told what to commit; empty when one can."""
    if is_secret(key):
        return "the values of a Secret are never shown: bring it into Git by hand, encrypted"
    values = [operation["value"] for operation in patch if "value" in operation]
    if any(_holds(value, lambda text: text == MASK) for value in values):
        return "a value in it may be a secret, so it is not shown: bring it into Git by hand"
    if any(_holds(value, lambda text: bool(_CUT.search(text))) for value in values):
        return "a text in it is too long to be shown: bring it into Git by hand"
    return ""


def _holds(value: Any, is_meant: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(each, is_meant) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds(each, is_meant) for each in value)
    return isinstance(value, str) and bool(is_meant(value))


def override_for(
    key: ObjectKey,
    patch: Sequence[Mapping[str, Any]],
    selector: Mapping[str, Any],
    content: Content,
) -> dict[str, Any] | None:
    """The entry of `overrides` that makes the object what the patch leads to; None: none fits.

    `content` is what the clusters have now, the overrides there are carried out.
    """
    target = _selector(key, content)
    merge = _merge(patch)
    entries: list[dict[str, Any]] = []
    if merge is not None:
        entries.append({"merge": [{"target": target, "patch": merge}]})
    operations = [dict(operation) for operation in patch if operation["op"] != "test"]
    entries.append({"patches": [{"target": target, "operations": operations}]})
    for entry in entries:
        whole = {"clusterSelector": dict(selector), **entry}
        if _fits(whole, content):
            return whole
    return None


def exclusion_of(
    key: ObjectKey, selector: Mapping[str, Any], content: Content
) -> dict[str, Any] | None:
    """The entry that takes the object away from these clusters; None when nothing would be left."""
    entry = {"clusterSelector": dict(selector), "exclude": [_selector(key, content)]}
    return entry if _fits(entry, content) else None


def _selector(key: ObjectKey, content: Content) -> dict[str, str]:
    """The words that select the object as it is written, with its namespace or without."""
    manifest = content.of(key)
    return object_selector(manifest.key if manifest else key)


def _fits(entry: Mapping[str, Any], content: Content) -> bool:
    try:
        override(content.manifests, (Override.model_validate(entry),), indexes=(0,), look=_no_fact)
    except (OverrideFailed, ValidationError, MissingFact):
        return False
    return True


def _no_fact(name: str) -> Any:
    raise MissingFact(f"what is live refers to {name}, which stands for a fact in an override")


def _merge(patch: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The same as a merge patch (RFC 7386); None for what it cannot say: items of lists, null."""
    merged: dict[str, Any] = {}
    for operation in patch:
        if operation["op"] == "test":
            continue
        steps = steps_of(operation["path"])
        is_set = operation["op"] in _SETTING
        if not steps or not (is_set or operation["op"] == "remove"):
            return None
        if any(step.isdigit() or step == "-" for step in steps):
            return None
        value = operation.get("value")
        if is_set and _has_null(value):
            return None
        below = merged
        for step in steps[:-1]:
            below = below.setdefault(step, {})
        below[steps[-1]] = value if is_set else None
    return merged


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(each) for each in value.values())
    return value is None
