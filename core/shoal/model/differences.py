"""Narrowing two documents down to where they differ, before the difference is spelled out.

To find the JSON Patch between two objects costs milliseconds, most of it for what is equal; to see
that something is equal costs next to nothing. Pure; used wherever a patch is made of whole objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.model.digests import canonical


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, Any]:
    """Both without the members that are equal in both; the same patch leads from one to the other.

    Lists are kept whole: an element that is left out would move the others.
    """
    left, right = dict[str, Any](), dict[str, Any]()
    for name in before.keys() | after.keys():
        if name not in after:
            left[name] = before[name]
        elif name not in before:
            right[name] = after[name]
        elif not _are_equal(before[name], after[name]):
            left[name], right[name] = _both(before[name], after[name])
    return left, right


def _are_equal(before: Any, after: Any) -> bool:
    """As JSON: to Python, true equals 1."""
    return bool(before == after) and canonical(before) == canonical(after)


def _both(before: Any, after: Any) -> tuple[Any, Any]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return differing(before, after)
    return before, after
