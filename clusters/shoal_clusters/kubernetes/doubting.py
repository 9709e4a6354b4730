"""Doubting a list that lost more than half of a kind: asked one by one before it is believed.

A server that was restored, or a proxy that answers for it, may give a list that is short and looks
whole (flux2#2421 and argo-cd#7412 tell of what follows). A few of the missing are asked for; when
one of them is there, the list is not believed.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from shoal.errors import ServerBusy
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.marks import FLEET_LABEL
from shoal_clusters.kubernetes.requesting import look
from shoal_clusters.transport import Transport

_SAMPLE = 3


async def doubt(
    transport: Transport, resource: Resource, missing: Sequence[ObjectKey], fleet: str
) -> None:
    """Ask for some of many missing objects; raises ServerBusy when one is there."""
    for key in missing[:_SAMPLE]:
        answer = await look(transport, resource, key)
        if answer.status == 404:
            continue
        if answer.status != 200 or _is_labelled(answer.body, fleet):
            raise ServerBusy(
                f"cluster {transport.cluster} listed {resource.plural} without {key}, "
                "which is there; the list is not believed and read again"
            )


def _is_labelled(content: bytes, fleet: str) -> bool:
    labels = orjson.loads(content)["metadata"].get("labels") or {}
    return bool(labels.get(FLEET_LABEL) == fleet)
