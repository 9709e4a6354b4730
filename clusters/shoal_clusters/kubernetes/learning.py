"""Learning from what is live: what Git would have to say for a drift to be none.

A person asks for it who wants to keep what somebody did to a cluster. So it is read now, and the
patch leads from what Git wants to what is there, not back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.masking import is_secret
from shoal.model.plans import Owned
from shoal_clusters.kubernetes import adding
from shoal_clusters.kubernetes.briefing import Briefing
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.requesting import look, read
from shoal_clusters.kubernetes.tools import Tools


async def differences(
    tools: Tools, briefing: Briefing, target: TargetKey, keys: Iterable[ObjectKey]
) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
    """The patch of each object, as `Session.differences` promises."""
    found: dict[ObjectKey, Sequence[Mapping[str, Any]]] = {}
    brief = briefing.of(target)
    for key in sorted(keys):
        row = tools.register.row(key)
        wanted = brief.prepared.objects.get(key) if brief else None
        if row is None or row.target != target or wanted is None:
            continue
        resource = (await tools.discovery.current()).resource(*wanted.served_as)
        live = await _live(tools, resource, row) if resource else None
        if live is not None:
            added = tools.observer.spotter.additions(key, live)
            fields = adding.nested(one.path for one in added)
            found[key] = tools.comparer.taken(live, row, wanted.body, fields)
    return found


async def _live(tools: Tools, resource: Resource, row: Owned) -> Mapping[str, Any] | None:
    """The object whole, when it is the one that we wrote."""
    ways = (look, read) if is_secret(row.key) else (read,)
    live: Mapping[str, Any] | None = None
    for way in ways:
        answer = await way(tools.transport, resource, row.key)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise tools.refusal(answer, row.key, "get")
        live = orjson.loads(answer.body)
        if live is None or live["metadata"].get("uid") != row.uid:
            return None
    return live
