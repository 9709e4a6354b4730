"""The difference of two documents as an RFC 6902 patch, which nobody gets unmasked.

To find the JSON Patch between two objects costs milliseconds, most of it for what is equal; to see
that something is equal costs next to nothing. So documents are narrowed down to where they differ
before the difference is spelled out. Pure; used wherever a patch is made of whole objects.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from shoal.model.digests import canonical
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.masking import masked_patch


def difference(
    key: ObjectKey, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    """The masked patch from one body of an object to another; empty when they are equal."""
    operations = jsonpatch.make_patch(*differing(before, after)).patch
    return masked_patch(key, operations, before, after) if operations else ()


def told_difference(
    key: ObjectKey, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    """The same for people: before each value that goes, a `test` says what it was.

    Still the RFC 6902 patch from one to the other; it only holds where the values are these.
    """
    left, right = differing(before, after)
    operations = list(_tested(left, jsonpatch.make_patch(left, right).patch))
    return masked_patch(key, operations, before, after) if operations else ()


def _tested(document: Any, operations: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    document = copy.deepcopy(document)  # once: a copy for each operation would cost its square
    for operation in operations:
        if operation["op"] in ("replace", "remove"):
            value = jsonpointer.resolve_pointer(document, operation["path"])
            yield {"op": "test", "path": operation["path"], "value": value}
        yield operation
        jsonpatch.apply_patch(document, [copy.deepcopy(operation)], in_place=True)


def recorded_difference(
    key: ObjectKey, before: Manifest | None, after: Manifest | None
) -> Sequence[Mapping[str, Any]]:
    """The masked patch from one manifest to another; empty when either is not known, or both equal.

    Valid as the difference of a change because what was live equalled the previous desired state.
    The texts are compared first: on a large object that is far cheaper than finding no difference.
    """
    if before is None or after is None or before.text == after.text:
        return ()
    return difference(key, before.body, after.body)


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
