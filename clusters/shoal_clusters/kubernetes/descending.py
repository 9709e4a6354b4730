"""Descending: from the workloads of a target to their Pods, read when a person looks.

What nobody commits is not watched: a fleet has ten times as many Pods as objects in Git, and they
change all the time. So one look asks for the Pods of each workload by its selector, and of a
Deployment for its ReplicaSets too; owner references say what belongs to what. The rights are those
that the causes of trouble take. What may not be read, and what is too much, is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson

from shoal.model.descents import Descent, Pod
from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind, ObjectKey
from shoal_clusters.kubernetes import explaining
from shoal_clusters.transport import Transport

MOST_WORKLOADS = 50
"""Of one target; two requests each."""
MOST_PODS = 100
"""Of one workload; some 10 KB each."""
_AT_ONCE = 8
_JOB = GroupKind("batch", "Job")
_BROKEN = (explaining.Rank.BROKEN, explaining.Rank.UNSCHEDULED)
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """An object of a target that has Pods: as Git wants it, under the uid that it has here."""

    key: ObjectKey
    uid: str
    body: Body

    @property
    def selector(self) -> str:
        """The labels of its Pods; those of a Job are made by the server, from its uid."""
        chosen = explaining.pod_selector(self.body)
        return chosen or (f"controller-uid={self.uid}" if self.key.group_kind == _JOB else "")


@dataclass(slots=True)
class _Look:
    transport: Transport
    limiter: anyio.CapacityLimiter
    gaps: dict[str, None] = field(default_factory=dict[str, None])

    async def at(self, workload: Workload, found: list[Pod]) -> None:
        """The Pods of one workload; at most two requests."""
        async with self.limiter:
            owners = {workload.uid: ""}
            if workload.key.group_kind == explaining.DEPLOYMENT:
                sets = await self._list("/apis/apps/v1", "replicasets", workload)
                owners = {
                    _uid(each): f"ReplicaSet {each['metadata']['name']}"
                    for each in explaining.owned_by(sets, workload.uid)
                }
            bodies = await self._list("/api/v1", "pods", workload) if owners else []
        for uid, through in owners.items():
            for body in explaining.owned_by(bodies, uid):
                name = str(body["metadata"].get("name"))
                found.append(Pod(workload.key, name, through, health_of_pod(body)))

    async def _list(self, root: str, plural: str, workload: Workload) -> Sequence[Body]:
        where = workload.key.namespace
        answer = await self.transport.request(
            "GET",
            f"{root}/namespaces/{where}/{plural}",
            query={"labelSelector": workload.selector, "limit": str(MOST_PODS)},
        )
        if answer.status == 403:
            self.gaps[f"{plural} may not be listed in {where}"] = None
            return ()
        if answer.status != 200:
            self.gaps[f"{plural} of {workload.key} cannot be listed: HTTP {answer.status}"] = None
            return ()
        listed = orjson.loads(answer.body)
        if (listed.get("metadata") or {}).get("continue"):
            self.gaps[f"only {MOST_PODS} {plural} of {workload.key} are shown"] = None
        items: Sequence[Body] = listed.get("items") or ()
        return items


async def descend(transport: Transport, asked: Iterable[Workload]) -> Descent:
    """The Pods of these workloads; raises as a session does when nobody answers."""
    chosen = [each for each in asked if each.selector]
    look = _Look(transport, anyio.CapacityLimiter(_AT_ONCE))
    if len(chosen) > MOST_WORKLOADS:
        look.gaps[f"only {MOST_WORKLOADS} of {len(chosen)} workloads were looked at"] = None
    found: list[Pod] = []
    async with anyio.create_task_group() as tasks:
        for workload in chosen[:MOST_WORKLOADS]:
            tasks.start_soon(look.at, workload, found)
    return Descent(tuple(sorted(found, key=lambda pod: pod[:3])), tuple(look.gaps))


def workloads(
    uids: Mapping[ObjectKey, str], bodies: Mapping[ObjectKey, Body]
) -> Iterator[Workload]:
    """What of this has Pods; `uids` are of the objects that are there."""
    for key in sorted(uids):
        if key.group_kind in explaining.WITH_PODS and key in bodies:
            yield Workload(key, uids[key], bodies[key])


def health_of_pod(body: Body) -> Health:
    """How one Pod does, with the cause that its workload would name."""
    if body["metadata"].get("deletionTimestamp"):
        return Health(HealthState.PROGRESSING, "it is being deleted")
    found = explaining.finding(body)
    if found is None:
        return Health(HealthState.HEALTHY)
    is_broken = found.rank in _BROKEN
    return Health(HealthState.DEGRADED if is_broken else HealthState.PROGRESSING, found.text)


def _uid(body: Body) -> str:
    return str(body["metadata"].get("uid"))
