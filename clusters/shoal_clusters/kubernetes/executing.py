"""Executing a plan: stages of writes, facts waited for between them, then deletions in reverse.

Objects of one stage are sent at once, as many as the cluster may have in flight. What failed stops
only what stands on it; everything else is tried. Nothing is deleted unless every write of the plan
succeeded and the cluster says all that it serves, and a deletion that hangs stops the later ones,
because what it waits for (the controller behind a finalizer) may be among them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import anyio
import orjson

from shoal.errors import ShoalError
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import WRITES, Action, Change, Plan, Result, ResultStatus
from shoal_clusters.kubernetes.applying import write
from shoal_clusters.kubernetes.fanout import for_each
from shoal_clusters.kubernetes.handing_over import let_go
from shoal_clusters.kubernetes.letting_go import leave_to_nobody
from shoal_clusters.kubernetes.preparing import Prepared
from shoal_clusters.kubernetes.pruning import prune
from shoal_clusters.kubernetes.requesting import read
from shoal_clusters.kubernetes.staging import (
    Fact,
    FactKind,
    deletion_stages,
    fact_holds,
    needs,
    stages,
)
from shoal_clusters.kubernetes.tools import Applied, Task, Tools, revoked

PATIENCE_SECONDS = 10.0
"""How long one fact or one deletion is waited for inside a sync; after that it is WAITING."""
_SUCCEEDED = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})
_OVER = frozenset({ResultStatus.DELETED, ResultStatus.FORGOTTEN})
_FIRST_LOOK_SECONDS = 0.05
_ENDPOINT_SLICE = GroupKind("discovery.k8s.io", "EndpointSlice")

Deliver = Callable[[Result], Awaitable[None]]


class Execution:
    """One plan being carried out; `deliver` is handed each result as it comes.

    `run` raises ClusterUnreachable or AccessDenied when the cluster is lost on the way: requests
    that are in flight then still end and deliver, no other is sent.
    """

    def __init__(
        self,
        tools: Tools,
        plan: Plan,
        prepared: Prepared,
        task: Task,
        deliver: Deliver,
        *,
        at_once: int,
    ) -> None:
        self._tools = tools
        self._plan = plan
        self._prepared = prepared
        self._task = task
        self._deliver = deliver
        self._at_once = at_once
        self._changes: Mapping[ObjectKey, Change] = {one.key: one for one in plan.changes}
        self._statuses: dict[ObjectKey, ResultStatus] = {}
        self._live: dict[ObjectKey, Mapping[str, Any]] = {}
        self._facts: dict[Fact, bool] = {}
        self._needs: Mapping[ObjectKey, frozenset[Fact]] = {}
        self._lost: ShoalError | None = None

    async def run(self) -> None:
        """Carry out all changes; each ends in exactly one result unless the cluster is lost."""
        writes = [one.key for one in self._plan.changes if one.action in WRITES]
        deletes = [one.key for one in self._plan.changes if one.action is Action.DELETE]
        self._needs = self._facts_of_this_plan(writes)
        await self._begin_watches()
        for stage in stages(writes):
            await self._look_for(fact for key in stage for fact in self._needs.get(key, ()))
            await for_each(stage, self._at_once, self._write)
        for change in self._plan.changes:
            if change.action is Action.HAND_OVER:
                is_ignored = change.key in self._prepared.objects
                await self._end(let_go(self._tools, change, self._task, is_ignored=is_ignored))
        left = [one.key for one in self._plan.changes if one.action is Action.LET_GO]
        await for_each(left, self._at_once, self._let_go)
        if deletes:
            await self._delete_all(deletes)

    async def _begin_watches(self) -> None:
        """Let the first lists of new kinds come in while earlier stages are written."""
        catalogue = await self._tools.discovery.current()
        creates = (one.key for one in self._plan.changes if one.action is Action.CREATE)
        for served_as in {self._prepared.objects[key].served_as for key in creates}:
            resource = catalogue.resource(*served_as)
            if resource is not None:
                self._tools.watches.begin(resource)

    def _facts_of_this_plan(
        self, writes: Sequence[ObjectKey]
    ) -> Mapping[ObjectKey, frozenset[Fact]]:
        """What writes wait for, as far as this plan writes it; the rest was seen before."""
        objects = self._prepared.objects
        known = needs(objects, lambda key: objects[key].body) if len(writes) > 1 else {}
        written = set(writes)
        found = {
            key: frozenset(fact for fact in known.get(key, ()) if fact.key in written)
            for key in writes
        }
        return {key: facts for key, facts in found.items() if facts}

    async def _write(self, key: ObjectKey) -> None:
        change = self._changes[key]
        if not self._task.granted():
            await self._end(revoked(change))
            return
        missing = self._missing(key)
        if missing is not None:
            is_there = self._statuses.get(missing.key) in _SUCCEEDED
            note = f"waits until {missing}" if is_there else f"waits until {missing.key} is applied"
            await self._end(Result(key, change.action, ResultStatus.WAITING, note=note))
            return
        prepared = self._prepared.objects[key]
        outcome = await write(self._tools, change, prepared, self._task)
        if isinstance(outcome, Applied):
            if any(fact.key == key for facts in self._needs.values() for fact in facts):
                self._live[key] = outcome.live
            outcome = outcome.result
        await self._end(outcome)

    def _lose(self, error: ShoalError) -> None:
        if self._lost is None:
            self._lost = error

    async def _end(self, result: Result) -> None:
        self._statuses[result.key] = result.status
        await self._deliver(result)

    def _missing(self, key: ObjectKey) -> Fact | None:
        facts = self._needs.get(key, ())
        return next((fact for fact in sorted(facts) if not self._facts[fact]), None)

    # -- facts ---------------------------------------------------------------------------------

    async def _look_for(self, facts: Iterable[Fact]) -> None:
        """Wait for all facts at once, each for as long as patience lasts."""
        async with anyio.create_task_group() as tasks:
            for fact in set(facts) - self._facts.keys():
                tasks.start_soon(self._settle, fact)
        if self._lost is not None:
            raise self._lost

    async def _settle(self, fact: Fact) -> None:
        self._facts[fact] = False
        if self._statuses.get(fact.key) not in _SUCCEEDED:
            return
        try:
            with anyio.move_on_after(self._task.patience_seconds):
                await self._until(fact)
                self._facts[fact] = True
        except ShoalError as error:
            self._lose(error)

    async def _until(self, fact: Fact) -> None:
        pause = _FIRST_LOOK_SECONDS
        live: Mapping[str, Any] | None = self._live.get(fact.key)
        while not fact_holds(fact, live):
            # Its watch tells of it, if it is ours; the endpoints of a Service are not watched.
            await self._tools.observer.seen.until_told(fact.key, pause)
            pause = min(pause * 2, 1.0)
            live = await self._read(fact)
        if fact.kind is FactKind.ESTABLISHED:
            # Discovery follows a CRD within a second; before that its kind is unknown to us.
            while not await self._is_served(fact.key):
                await anyio.sleep(pause)
                pause = min(pause * 2, 1.0)

    async def _read(self, fact: Fact) -> Mapping[str, Any] | None:
        catalogue = await self._tools.discovery.current()
        transport = self._tools.transport
        if fact.kind is FactKind.SERVING:
            slices = catalogue.preferred(_ENDPOINT_SLICE)
            if slices is None:
                return None
            root = slices.in_namespace(fact.key.namespace)
            query = {"labelSelector": f"kubernetes.io/service-name={fact.key.name}"}
            answer = await transport.request("GET", root, query=query)
        else:
            resource = catalogue.preferred(fact.key.group_kind)
            if resource is None:
                return None
            answer = await read(transport, resource, fact.key)
        return orjson.loads(answer.body) if answer.status == 200 else None

    async def _is_served(self, crd: ObjectKey) -> bool:
        spec = self._prepared.objects[crd].body["spec"]
        kind = GroupKind(str(spec["group"]), str(spec["names"]["kind"]))
        if (await self._tools.discovery.current()).preferred(kind) is not None:
            return True
        return (await self._tools.discovery.refreshed(at_once=True)).preferred(kind) is not None

    # -- deletions -----------------------------------------------------------------------------

    async def _delete_all(self, keys: Sequence[ObjectKey]) -> None:
        note = await self._why_kept()
        for stage in deletion_stages(keys):
            if note:
                await self._keep(stage, note)
                continue
            await for_each(stage, self._at_once, self._delete)
            hanging = [key for key in stage if self._statuses.get(key) not in _OVER]
            if hanging:
                note = f"waits until {hanging[0]} is gone"

    async def _why_kept(self) -> str:
        """Why nothing may be deleted now; empty when it may.

        What a chart makes can depend on what the cluster serves: as long as it does not say all of
        that, something may be missing in the set that is wanted.
        """
        statuses = self._statuses.values()
        if self._plan.refused or not all(status in _SUCCEEDED for status in statuses):
            return "kept, because not every object of this revision was applied"
        discovery = self._tools.discovery
        if (await discovery.current()).stale:
            unknown = (await discovery.refreshed()).stale
            if unknown:
                groups = ", ".join(sorted(unknown))
                return f"kept, because the cluster does not say what it serves in {groups}"
        return ""

    async def _delete(self, key: ObjectKey) -> None:
        change = self._changes[key]
        await self._end(await prune(self._tools, change, self._task))

    async def _let_go(self, key: ObjectKey) -> None:
        await self._end(await leave_to_nobody(self._tools, self._changes[key], self._task))

    async def _keep(self, keys: Sequence[ObjectKey], note: str) -> None:
        for key in keys:
            await self._end(Result(key, Action.DELETE, ResultStatus.WAITING, note=note))
