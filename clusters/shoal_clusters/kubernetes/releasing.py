"""Releasing: letting go of a field without changing it.

An apply that no longer says a field which only we own takes it away, and the server puts its
default in the place: a Deployment of five replicas becomes one of one. So a path that is ignored
from now on, and `spec.replicas` when it leaves Git, is first taken out of our entry in
managedFields, by one JSON Patch guarded by the version: the value stays, it is nobody's, and the
apply that follows does not touch it. To hand it to a second manager of ours instead would keep
alive the list item that it stands in, also when that item leaves Git.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.errors import ServerBusy
from shoal.model.plans import Change, Result
from shoal_clusters.kubernetes.claiming import is_targeted
from shoal_clusters.kubernetes.comparing import targeted
from shoal_clusters.kubernetes.ignoring import cut
from shoal_clusters.kubernetes.leaving import leaving
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.projecting import Fields, entries, own_entry
from shoal_clusters.kubernetes.requesting import look
from shoal_clusters.kubernetes.tools import TRIES, Errand, Tools, ended, revoked


async def release(errand: Errand) -> Result | None:
    """Let go of what is to be left; None when that is done, and the apply may follow."""
    tools, change = errand.tools, errand.change
    await _settle_scaling(tools, change)
    row = tools.register.row(change.key)
    is_ours = row is not None and row.uid and row.target == errand.task.target
    fields = leaving(row, errand.prepared) if row and is_ours else {}
    if row is None or not fields:
        return None
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(change)
        looked = await look(tools.transport, errand.resource, change.key)
        if looked.status == 404:
            return None
        if looked.status != 200:
            return ended(change, tools.refusal(looked, change.key, "get"))
        live = orjson.loads(looked.body)
        operation = _operation(live, fields)
        if operation is None or live["metadata"]["uid"] != row.uid:
            return None
        version = live["metadata"]["resourceVersion"]
        answer = await patch_exactly(
            tools.transport, errand.resource, change.key, [operation], version=version
        )
        if answer.status in (200, 404):
            return None
        if answer.status != 409:
            return ended(change, tools.refusal(answer, change.key, "patch"))
    return errand.busy()


async def _settle_scaling(tools: Tools, change: Change) -> None:
    """Let Git say the replicas again once no autoscaler names the object any more."""
    row = tools.register.row(change.key)
    if row is None or not is_targeted(row):
        return
    try:
        is_scaled = await tools.observer.scaling.is_scaled(change.key)
    except ServerBusy:
        return  # not known just now: then the number is left alone
    if not is_scaled:
        tools.register.keep(targeted(row, is_targeted=False))


def _operation(live: Mapping[str, Any], fields: Fields) -> Mapping[str, Any] | None:
    """What takes the fields out of our entry; None when they are not in it."""
    own = own_entry(live, MANAGER)
    if own is None:
        return None
    kept = cut(own["fieldsV1"], fields)
    if kept == own["fieldsV1"]:
        return None
    at = next(number for number, entry in enumerate(entries(live)) if entry is own)
    return {"op": "replace", "path": f"/metadata/managedFields/{at}/fieldsV1", "value": kept}
