"""Scaling: whether something in the cluster decides how many replicas a workload has.

Who writes `/scale` owns `spec.replicas`, and managedFields say so. An autoscaler that has not yet
written it leaves no trace on its workload, so when the number differs from what we wrote, and only
then, the HorizontalPodAutoscalers and ScaledObjects of that namespace are listed once. At rest
nothing is asked, and nothing is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import anyio
import orjson
import structlog

from shoal.errors import ServerBusy, ShoalError
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import Owned
from shoal_clusters.kubernetes.discovering import Discovery
from shoal_clusters.kubernetes.pausing import jittered
from shoal_clusters.transport import Transport

Body = Mapping[str, Any]
Tell = Callable[[Owned, Body, bool], None]
"""Told of a workload whether something scales it; the row and the object are those of the asker."""

SCALERS: Mapping[GroupKind, str] = {
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): "Kubernetes' own",
    GroupKind("keda.sh", "ScaledObject"): "KEDA scales to and from zero by itself",
}
"""Kinds whose `spec.scaleTargetRef` names the workload that they scale."""

log = structlog.get_logger(__name__)


class _Question(NamedTuple):
    row: Owned
    live: Body


class Scaling:
    """Answers, one after the other, whether workloads are scaled by something."""

    def __init__(self, transport: Transport, discovery: Discovery, tell: Tell) -> None:
        self._transport = transport
        self._discovery = discovery
        self._tell = tell
        self._waiting: dict[ObjectKey, _Question] = {}
        self._asked = anyio.Event()
        self._current: _Question | None = None
        self._refused: set[GroupKind] = set()

    def ask(self, row: Owned, live: Body) -> None:
        """Find out soon; a newer question about the same workload takes the place of this one."""
        self.drop(row.key)
        self._waiting[row.key] = _Question(row, live)
        self._asked.set()

    def drop(self, key: ObjectKey) -> None:
        """The workload looks different now: what was asked about it does not matter any more."""
        self._waiting.pop(key, None)
        if self._current is not None and self._current.row.key == key:
            self._current = None

    async def run(self) -> None:
        """Answer until cancelled; without an answer of the cluster it is asked again."""
        failures = 0
        while True:
            while self._waiting:
                key = next(iter(self._waiting))
                question = self._current = self._waiting.pop(key)
                try:
                    is_scaled = await self.is_scaled(key)
                except ShoalError as error:
                    log.debug("not known yet what scales it", object=str(key), error=str(error))
                    if self._current is question:
                        self._waiting.setdefault(key, question)
                    failures += 1
                    await anyio.sleep(_pause(failures))
                    continue
                failures = 0
                if self._current is question:
                    self._tell(question.row, question.live, is_scaled)
                self._current = None
            self._asked = anyio.Event()
            await self._asked.wait()

    async def is_scaled(self, key: ObjectKey) -> bool:
        """Whether an autoscaler names this workload: a list for each kind that is served.

        What may not be listed counts as not there: then Git decides. Raises ServerBusy when the
        cluster cannot say just now.
        """
        catalogue = await self._discovery.current()
        for kind in SCALERS:
            resource = catalogue.preferred(kind)
            if resource is None:
                continue
            answer = await self._transport.request("GET", resource.in_namespace(key.namespace))
            if answer.status == 200:
                items = orjson.loads(answer.body).get("items") or ()
                if any(_names(item, key) for item in items):
                    return True
            elif answer.status == 403:
                self._complain(kind)
            elif answer.status != 404:
                raise ServerBusy(
                    f"cluster {self._transport.cluster} answered {answer.status} when asked what "
                    f"scales {key}",
                    after_seconds=answer.after_seconds,
                )
        return False

    def _complain(self, kind: GroupKind) -> None:
        if kind not in self._refused:
            self._refused.add(kind)
            cluster = self._transport.cluster
            log.warning("autoscalers may not be listed", cluster=cluster, kind=str(kind))


def _pause(failures: int) -> float:
    """1 s, doubling to a minute, ± 50 %."""
    return jittered(min(2.0 ** min(failures - 1, 6), 60.0))


def _names(scaler: Body, key: ObjectKey) -> bool:
    """Whether an autoscaler's target is this workload; KEDA's defaults are a Deployment's."""
    target = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    group, slash, _ = str(target.get("apiVersion") or "apps/v1").rpartition("/")
    kind = target.get("kind") or "Deployment"
    return (group if slash else "", kind, target.get("name")) == (key.group, key.kind, key.name)
