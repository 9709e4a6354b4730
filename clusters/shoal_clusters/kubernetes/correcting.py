"""Correcting by patch: what differs, and nothing else, is put right on exactly what was looked at.

For objects whose manifests say `shoal.dev/apply: JSONPatch`. An apply would also take over every
field that somebody else writes with the same value; a patch leaves ownership as it is, which is
what objects with several owners need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shoal.model.plans import Owned, Result, ResultStatus
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes import comparing
from shoal_clusters.kubernetes.baselines import decode
from shoal_clusters.kubernetes.patching import operations_between, patch_exactly
from shoal_clusters.kubernetes.projecting import REPLICAS, Fields, overlay, scaled, without_path
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.kubernetes.tools import TRIES, Applied, Errand, confirm, ended, keep, revoked


async def correct(errand: Errand) -> Applied | Result | None:
    """Undo a drift by one guarded JSON Patch; None where only an apply can tell what is to be done.

    That is when the object is gone, or is another, or nothing is known of what we wrote.
    """
    tools, key = errand.tools, errand.key
    row, drift = tools.register.row(key), tools.register.drifted.get(key)
    baseline = decode(row.baseline) if row else None
    if row is None or baseline is None or (drift and drift.kind is DriftKind.MISSING):
        return None
    fields: Fields = orjson.loads(baseline.fields)
    for _ in range(TRIES):
        if not errand.task.granted():
            return revoked(errand.change)
        looked = await read(tools.transport, errand.resource, key)
        if looked.status != 200:
            return None
        live = orjson.loads(looked.body)
        if not _is_ours(errand, live, row):
            return None
        operations = _difference(errand, live, fields)
        if not operations:
            return Applied(keep(errand, live, ResultStatus.UNCHANGED, fields), live)
        version = live["metadata"]["resourceVersion"]
        answer = await patch_exactly(
            tools.transport, errand.resource, key, operations, version=version
        )
        if answer.status == 200:
            return confirm(errand, answer, fields=fields)
        if answer.status not in (404, 409):
            return ended(errand.change, tools.refusal(answer, key, "patch"))
    return errand.busy()


def _is_ours(errand: Errand, live: Mapping[str, Any], row: Owned) -> bool:
    verdict = errand.tools.comparer.compare(live, row, is_event=False)
    is_same = live["metadata"]["uid"] == row.uid
    return is_same and not isinstance(verdict, comparing.NotOurs)


def _difference(errand: Errand, live: Mapping[str, Any], fields: Fields) -> list[dict[str, Any]]:
    ours = without_path(fields, REPLICAS) if scaled(live) else fields
    wanted = overlay(live, errand.prepared.body, errand.tools.comparer.field_sets.intern(ours))
    return operations_between(live, wanted)
