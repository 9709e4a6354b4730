"""The recorded difference of a change: an RFC 6902 patch, masked.

Valid because what was live equalled the previous desired state. Values of Secrets, and of
environment variables written into a manifest, are replaced before anything else sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch

from shoal.model.differences import differing
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest

MASK = "***"
_ENVIRONMENT = re.compile(r"/env(/|$)")


def masked_patch(
    key: ObjectKey, before: Manifest | None, after: Manifest | None
) -> Sequence[Mapping[str, Any]]:
    """The patch from one manifest to another; empty when either is not known or they are equal.

    The texts first: on a large object that is far cheaper than finding no difference.
    """
    if before is None or after is None or before.text == after.text:
        return ()
    operations = jsonpatch.make_patch(*differing(before.body, after.body)).patch
    return [_masked(key, operation) for operation in operations]


def _masked(key: ObjectKey, operation: Mapping[str, Any]) -> Mapping[str, Any]:
    # A List (or a SecretList) is an object that holds objects, and one of them may be a Secret.
    is_secret = key.group == "" and (key.kind == "Secret" or key.kind.endswith("List"))
    if "value" in operation and (is_secret or _holds_environment(operation)):
        return {**operation, "value": MASK}
    return operation


def _holds_environment(operation: Mapping[str, Any]) -> bool:
    """Whether environment variables stand at, or below, the place of the operation."""
    return bool(_ENVIRONMENT.search(operation["path"])) or _contains_env(operation["value"])


def _contains_env(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "env" in value or any(_contains_env(part) for part in value.values())
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and any(_contains_env(part) for part in value)
    )
