"""Guarded JSON Patches: exactly these operations, on exactly the version that was looked at.

An apply says what all of our fields should be and can neither take away what others added nor leave
a field of ours alone. Where that is wanted, RFC 6902 operations are sent, behind one that replaces
`metadata.resourceVersion` by the version that they were made for: a server whose object has moved
on answers a plain 409 (a `test` that fails is a 422, the same as an invalid object).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import jsonpatch
import orjson

from shoal.model.differences import differing
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.transport import Answer, Transport

Operation = Mapping[str, Any]
_PATCH_TYPE = "application/json-patch+json"


async def patch_exactly(
    transport: Transport,
    resource: Resource,
    key: ObjectKey,
    operations: Sequence[Operation],
    *,
    version: str,
    manager: str = MANAGER,
    dry: bool = False,
) -> Answer:
    """Carry out all operations on the object in this version, or none.

    200 with the object; 404 when it is gone; 409 when it has another version, or another object has
    its name. What is set by it is noted in managedFields as an Update of `manager`. With `dry`,
    nothing is stored.
    """
    options = {"fieldManager": manager, "fieldValidation": "Strict"}
    return await transport.request(
        "PATCH",
        resource.path(key.namespace, key.name),
        query=urlencode({**options, "dryRun": "All"} if dry else options),
        body=orjson.dumps([_guard(version), *operations]),
        content_type=_PATCH_TYPE,
    )


def operations_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations that lead from one body to another: to be sent, and never to be shown."""
    operations: list[dict[str, Any]] = jsonpatch.make_patch(*differing(before, after)).patch
    return operations


def _guard(version: str) -> Operation:
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
