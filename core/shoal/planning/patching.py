"""The two kinds of JSON patch, applied to plain values, with errors that show no values.

`overriding` patches whole manifests with it. The library's own messages print the document they
were applied to, which may be a Secret: here they become a path and a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer


class PatchFailed(Exception):
    """A patch does not fit. `where` is the part of the patch, `reason` a clause without values."""

    def __init__(self, reason: str, *, where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, mappings merge, everything else replaces.

    Never changes its inputs; what the patch leaves alone is shared with the result.
    """
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def apply_operation(document: Any, operation: Mapping[str, Any]) -> Any:
    """Apply one operation of RFC 6902; the document and the operation are used up by it.

    Raises PatchFailed, after which the document is worth nothing.
    """
    origin = operation.get("from") if operation["op"] in ("move", "copy") else None
    needed = origin if origin is not None else operation["path"]
    if origin is not None or operation["op"] != "add":
        _require(document, needed)
    if operation["op"] in ("add", "copy", "move") and "/" in operation["path"]:
        _require(document, operation["path"].rpartition("/")[0])
    if operation["op"] == "test" and not _equal(_value_at(document, needed), operation["value"]):
        raise PatchFailed(f"test: another value stands at {needed or 'the root'}")
    try:
        return jsonpatch.apply_patch(document, [operation], in_place=True)
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        # What the library lets through where a path leads into text, a number or null.
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        path = operation["path"]
        raise PatchFailed(f"{operation['op']}: {_explain_missing(document, path)}") from error


def _require(document: Any, path: str) -> None:
    try:
        _value_at(document, path)
    except (jsonpointer.JsonPointerException, TypeError) as error:
        raise PatchFailed(_explain_missing(document, path)) from error


def _value_at(document: Any, path: str) -> Any:
    found = jsonpointer.resolve_pointer(document, path)
    if isinstance(found, jsonpointer.EndOfList):
        raise jsonpointer.JsonPointerException("beyond the end of the list")
    return found


def _explain_missing(document: Any, path: str) -> str:
    """How far the path leads."""
    try:
        parts = jsonpointer.JsonPointer(path).parts
    except jsonpointer.JsonPointerException:
        return f"{path} is not a JSON Pointer"
    value, reached = document, ""
    for part in parts:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            break
        reached += "/" + jsonpointer.escape(part)
    if reached == path:
        return f"this cannot be done at {path or 'the root'}"
    return f"nothing stands at {path}, the path ends at {reached or 'the root'}"


def _equal(left: Any, right: Any) -> bool:
    """RFC 6902, 4.6: as JSON has it, where true is not 1 (in Python it is)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
