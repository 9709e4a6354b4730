"""Removing what was added by hand: one guarded JSON Patch, on exactly the version that was seen.

When the object has moved on, the server says so and it is looked at again; what is then found
decides. What a removal does not remove (the server puts its default in the same place, in the name
of who was there before) is remembered and let be: to try for ever would be a fight with a server.
"""

from __future__ import annotations

import orjson

from shoal.model.identity import ObjectKey
from shoal.model.plans import Result, ResultStatus
from shoal_clusters.kubernetes import adding
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.kubernetes.tools import TRIES, Applied, Errand, Tools, confirm, ended, revoked


async def remove(errand: Errand) -> Applied | Result | None:
    """Remove what was added; None when that is not all, and an apply is what is needed."""
    tools, key, change = errand.tools, errand.key, errand.change
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(change)
        added = tools.register.added.get(key, ())
        if not added:
            return _nothing_left(errand)
        operations, version = adding.removal(added), tools.register.version(key)
        answer = await patch_exactly(
            tools.transport, errand.resource, key, operations, version=version
        )
        if answer.status == 200:
            _let_be(tools, key, added, answer.body)
            return confirm(errand, answer, known_versions=(version,))
        if answer.status == 404:
            return None
        if answer.status != 409:
            return ended(change, tools.refusal(answer, key, "patch"))
        looked = await read(tools.transport, errand.resource, key)
        if looked.status == 404:
            return None
        if looked.status != 200:
            return ended(change, tools.refusal(looked, key, "get"))
        tools.observer.looked_at(key, orjson.loads(looked.body))
    return errand.busy()


def _nothing_left(errand: Errand) -> Result | None:
    """It was undone by others; what else a look has shown is for an apply."""
    key, register = errand.key, errand.tools.register
    if key in register.drifted or key in register.lost:
        return None
    row = register.row(key)
    return Result(key, errand.change.action, ResultStatus.UNCHANGED, owned=row)


def _let_be(
    tools: Tools, key: ObjectKey, tried: tuple[adding.Addition, ...], content: bytes
) -> None:
    """Remember what is there again although it was removed."""
    paths = {one.path for one in tried}
    left = tools.observer.spotter.additions(key, orjson.loads(content))
    back = frozenset(one.path for one in left if one.path in paths)
    if back:
        tools.register.put_back[key] = tools.register.put_back.get(key, frozenset()) | back
