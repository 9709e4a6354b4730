"""Replacing: an object sent whole, for what server-side apply cannot hold.

Some objects break its merge: a list with duplicate keys that a CRD calls a map, a server that has
no apply. Their manifests say `shoal.dev/apply: Replace`; then Git is the whole truth, and fields of
others go (`replacement` says which are taken along).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.errors import ShoalError
from shoal.model.plans import Result
from shoal_clusters.kubernetes import requesting
from shoal_clusters.kubernetes.adopting import claim, whole
from shoal_clusters.kubernetes.claiming import believed
from shoal_clusters.kubernetes.replacement import replacement
from shoal_clusters.kubernetes.tools import TRIES, Applied, Errand, confirm, ended, revoked


async def replace(errand: Errand) -> Applied | Result:
    """Create the object, or put it in the place of the one that is there and is ours."""
    tools = errand.tools
    is_there = bool(believed(tools.register, errand.key, errand.task.target).uid)
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(errand.change)
        if not is_there:
            answer = await requesting.create(
                tools.transport, errand.resource, errand.key, errand.prepared.opened
            )
            if answer.status == 201:
                return confirm(errand, answer)
            if answer.status != 409:
                return ended(errand.change, tools.refusal(answer, errand.key, "create"))
        looked = await requesting.look(tools.transport, errand.resource, errand.key)
        is_there = looked.status == 200
        if is_there:
            outcome = await _put(errand, orjson.loads(looked.body))
            if outcome is not None:
                return outcome
        elif looked.status != 404:
            return ended(errand.change, tools.refusal(looked, errand.key, "get"))
    return errand.busy()


async def _put(errand: Errand, live: Mapping[str, Any]) -> Applied | Result | None:
    """None: it changed, or went, while we looked."""
    found = await claim(errand, live)
    if isinstance(found, Result):
        return found
    there, taken_from = found
    if errand.prepared.left:
        values = await whole(errand, live)
        if isinstance(values, ShoalError):
            return ended(errand.change, values)
        live = values
    if there.versions != (live["metadata"]["resourceVersion"],):
        return None
    answer = await requesting.replace(
        errand.tools.transport, errand.resource, errand.key, replacement(errand.prepared, live)
    )
    if answer.status == 200:
        return confirm(errand, answer, known_versions=there.versions, taken_from=taken_from)
    if answer.status in (404, 409):
        return None
    return ended(errand.change, errand.tools.refusal(answer, errand.key, "update"))
