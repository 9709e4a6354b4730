"""Investigating: finds out why an object is not healthy, then and only then.

What is degraded is looked into at once, what is progressing after half a minute: most of it is
healthy by then. One look costs at most three requests, and the same object is looked into again
ever more rarely. One look at a time, so that a cluster on which everything is broken gets a few
requests a second more, and no storm. Nothing here is ever an error of a sync: what cannot be read
(many may not list pods) is not explained, and not asked for again soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
import orjson
import structlog

from shoal.errors import ShoalError
from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned
from shoal.model.sightings import Sighting
from shoal_clusters.kubernetes import explaining
from shoal_clusters.kubernetes.explaining import NOTHING_FOUND, Cause
from shoal_clusters.kubernetes.register import Outbox, Register
from shoal_clusters.transport import Transport

_TROUBLES = frozenset({HealthState.PROGRESSING, HealthState.DEGRADED})
_log = structlog.get_logger(__name__)
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds: before the first look, between two looks at one object, between any two looks."""

    progressing: float = 30.0
    again: float = 60.0
    most: float = 600.0
    between: float = 0.5
    refused: float = 600.0
    """How long a list that is forbidden is not asked for again: somebody must grant it."""


@dataclass(slots=True)
class _Trouble:
    """One object that is not healthy: what it says itself, and what was found out.

    `own` is what a pod says of itself, `found` what the last look found, `cause` the last of it
    that said anything.
    """

    uid: str
    selector: str
    health: Health
    due: float
    pause: float
    since: float
    looked_at: float = float("-inf")
    cause: str = ""
    own: explaining.Finding | None = None
    found: Cause = NOTHING_FOUND
    is_blocked: bool = False

    @property
    def worded(self) -> Health:
        """Its health with the cause; a cause that says what the object says takes its place."""
        is_blocked = self.is_blocked and self.health.state is HealthState.PROGRESSING
        health = self.health._replace(is_blocked=is_blocked)
        if not self.cause or self.cause in health.reason:
            return health
        if health.reason in self.cause:
            return health._replace(reason=self.cause)
        return health._replace(reason=f"{health.reason}; {self.cause}")


class Investigator:
    """Knows the causes of one session; `run` looks, everything else is plain memory."""

    def __init__(
        self,
        transport: Transport,
        register: Register,
        outbox: Outbox,
        *,
        cadence: Cadence | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._register = register
        self._outbox = outbox
        self._cadence = cadence or Cadence()
        self._clock = clock
        self._troubles: dict[ObjectKey, _Trouble] = {}
        self._refused: dict[str, float] = {}
        self._changed = anyio.Event()

    def worded(self, row: Owned, live: Body, health: Health) -> Health:
        """The health with the cause that is known; a look is planned for what is not known."""
        key = row.key
        if key.group_kind not in explaining.EXPLAINABLE:
            return health
        if health.state not in _TROUBLES:
            self._troubles.pop(key, None)
            return health
        return self._noted(row, live, health).worded

    def forget(self, key: ObjectKey) -> None:
        """What was found out about this object says nothing any more."""
        self._troubles.pop(key, None)

    async def run(self) -> None:
        """Look into what is due, one after the other; never ends by itself."""
        while True:
            await self._until_due()
            due = min(self._troubles, key=lambda key: self._troubles[key].due)
            await self._look(due, self._troubles[due])
            await anyio.sleep(self._cadence.between)

    def _noted(self, row: Owned, live: Body, health: Health) -> _Trouble:
        now, key = self._clock(), row.key
        trouble = self._troubles.get(key)
        if trouble is None:
            uid = str((live.get("metadata") or {}).get("uid") or row.uid)
            selector, pause = explaining.pod_selector(live), self._cadence.again
            trouble = _Trouble(uid, selector, health, due=now, pause=pause, since=now)
            if health.state is HealthState.PROGRESSING:
                trouble.due = now + self._cadence.progressing
            self._troubles[key] = trouble
        elif health != trouble.health:
            # Something moved: look sooner than planned, at once when it is degraded now.
            trouble.pause = self._cadence.again
            is_worse = health.state is HealthState.DEGRADED is not trouble.health.state
            soonest = now if is_worse or trouble.is_blocked else trouble.due
            trouble.due = max(soonest, trouble.looked_at + self._cadence.again)
            trouble.health = health
        if key.group_kind == explaining.POD:
            trouble.own = found = explaining.finding(live)
            trouble.cause = found.text if found is not None and found.is_final else trouble.cause
        self._changed.set()
        return trouble

    async def _until_due(self) -> None:
        while True:
            self._changed = anyio.Event()
            due = min((each.due for each in self._troubles.values()), default=float("inf"))
            if due <= self._clock():
                return
            with anyio.move_on_after(due - self._clock()):
                await self._changed.wait()

    async def _look(self, key: ObjectKey, trouble: _Trouble) -> None:
        trouble.looked_at = self._clock()
        trouble.due = trouble.looked_at + trouble.pause
        trouble.pause = min(2 * trouble.pause, self._cadence.most)
        try:
            cause = await self._cause(key, trouble)
        except ShoalError:
            return  # the connection's own tasks say what is wrong with it
        except Exception:  # the border of a look: bodies come from anywhere, and may be odd
            _log.exception("cause not found", cluster=self._transport.cluster, object=str(key))
            return
        self._take(trouble, cause)
        row = self._register.row(key)
        if row is None or self._troubles.get(key) is not trouble:
            return
        if self._register.health_changed(row, trouble.worded):
            drift = self._register.drifted.get(key)
            now = datetime.now(UTC)
            self._outbox.put(Sighting(row.target, key, now, trouble.worded, drift))

    def _take(self, trouble: _Trouble, found: Cause) -> None:
        """What a look found; whether it is in the way, the next one confirms soon."""
        seconds = trouble.looked_at - trouble.since
        trouble.is_blocked = explaining.is_blocked(
            found, trouble.found, was_blocked=trouble.is_blocked, seconds=seconds
        )
        trouble.found, trouble.cause = found, found.text or trouble.cause
        if not found.warned_at and found.stands(seconds) is not trouble.is_blocked:
            trouble.due = min(trouble.due, trouble.looked_at + self._cadence.progressing)

    async def _cause(self, key: ObjectKey, trouble: _Trouble) -> Cause:
        """What is found; empty when nothing is. At most three requests."""
        kind = key.group_kind
        if kind == explaining.DEPLOYMENT:
            return await self._cause_of_deployment(key, trouble)
        if kind in explaining.WITH_PODS:
            return await self._cause_in_pods(key, trouble.uid, trouble.selector)
        if trouble.own is not None:
            return await self._said_of(key.namespace, trouble.own)
        return await self._warned(key.namespace, trouble.uid)

    async def _cause_of_deployment(self, key: ObjectKey, trouble: _Trouble) -> Cause:
        path = f"/apis/apps/v1/namespaces/{key.namespace}/replicasets"
        found = await self._list(path, {"labelSelector": trouble.selector})
        newest = explaining.newest_replica_set(found, trouble.uid)
        if newest is None:
            return await self._warned(key.namespace, trouble.uid)
        failure = explaining.replica_failure(newest)
        if failure:
            return Cause(failure, blocks_after=0.0)
        selector = explaining.with_hash(trouble.selector, newest)
        return await self._cause_in_pods(key, str(newest["metadata"].get("uid")), selector)

    async def _cause_in_pods(self, key: ObjectKey, owner: str, selector: str) -> Cause:
        path = f"/api/v1/namespaces/{key.namespace}/pods"
        pods = await self._list(path, {"labelSelector": selector}) if selector else []
        mine = explaining.owned_by(pods, owner)
        worst = explaining.worst_of(mine)
        if worst is None:
            return NOTHING_FOUND if mine else await self._warned(key.namespace, owner)
        if worst.is_final:
            return Cause(worst.text, worst.blocks_after)
        return await self._said_of(key.namespace, worst)

    async def _said_of(self, namespace: str, pod: explaining.Finding) -> Cause:
        """What a pod says of itself, and the newest warning about it.

        The probe of one that runs may yet go well: that it fails is in nobody's way.
        """
        if pod.is_final:
            return Cause(pod.text, pod.blocks_after)
        warned = await self._warning(namespace, pod.uid)
        told = f"{pod.text}: {warned.text}" if warned.text else pod.text
        has_begun = pod.rank is not explaining.Rank.STARTING
        return Cause(told, warned_at="" if has_begun else warned.at)

    async def _warned(self, namespace: str, uid: str) -> Cause:
        warned = await self._warning(namespace, uid)
        return Cause(warned.text, warned_at=warned.at)

    async def _warning(self, namespace: str, uid: str) -> explaining.Warned:
        query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning"}
        return explaining.newest_warning(
            await self._list(f"/api/v1/namespaces/{namespace}/events", query)
        )

    async def _list(self, path: str, query: Mapping[str, str]) -> list[Body]:
        """The first items of a list; none when it may not be read."""
        if self._refused.get(path, float("-inf")) > self._clock():
            return []
        answer = await self._transport.request("GET", path, query={**query, "limit": "50"})
        if answer.status == 200:
            items: list[Body] = orjson.loads(answer.body).get("items") or []
            return items
        if answer.status in (403, 404):
            self._refused[path] = self._clock() + self._cadence.refused
        return []
