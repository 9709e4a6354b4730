"""The Kubernetes target: one session per cluster, composed of the parts beside this module.

A session owns one transport, one memory of what it knows, and one watch per managed resource. It
plans from memory, applies by the executor, and tells what it sees. What sessions share (TLS
contexts, prepared manifests, catalogues) is content, so nothing that happens to one cluster reaches
another.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from shoal.errors import MissingApi
from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.model.descents import Descent
from shoal.model.endpoints import Endpoint, Facts
from shoal.model.examinations import Examination
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.plans import Desired, Owned, Plan, Proof, Result
from shoal.model.rights import Delivered, Grants, Reach
from shoal.model.sightings import Sighting
from shoal.model.sweeps import Swept
from shoal_clusters.connecting import TrustStore
from shoal_clusters.kubernetes import granting
from shoal_clusters.kubernetes.aggregating import Aggregation
from shoal_clusters.kubernetes.appearing import Appearing
from shoal_clusters.kubernetes.assessing import Assessor
from shoal_clusters.kubernetes.briefing import Brief, Briefing, News
from shoal_clusters.kubernetes.comparing import Comparer
from shoal_clusters.kubernetes.descending import descend, workloads
from shoal_clusters.kubernetes.discovering import Catalogue, Discovery
from shoal_clusters.kubernetes.examining import examine
from shoal_clusters.kubernetes.executing import PATIENCE_SECONDS, Execution
from shoal_clusters.kubernetes.investigating import Cadence, Investigator
from shoal_clusters.kubernetes.learning import differences
from shoal_clusters.kubernetes.marks import selector
from shoal_clusters.kubernetes.memo import PreparedMemo
from shoal_clusters.kubernetes.observing import Observer
from shoal_clusters.kubernetes.planning import Known, plan_target
from shoal_clusters.kubernetes.preparing import Prepared
from shoal_clusters.kubernetes.probing import Probe
from shoal_clusters.kubernetes.projecting import FieldSets
from shoal_clusters.kubernetes.proving import prove
from shoal_clusters.kubernetes.register import Outbox, Register
from shoal_clusters.kubernetes.surveying import Watches
from shoal_clusters.kubernetes.sweeping import Sweeper
from shoal_clusters.kubernetes.tools import Task, Tools
from shoal_clusters.kubernetes.unattended import Unattended
from shoal_clusters.kubernetes.wanting import Wants
from shoal_clusters.pacing import Pace
from shoal_clusters.transport import Transport

_RESULTS_AHEAD = 64
"""Results that wait for a slow reader; then writing waits too."""


class KubernetesTarget:
    """The target type `kubernetes`; shared by all clusters."""

    name = "kubernetes"

    def __init__(
        self, *, patience_seconds: float = PATIENCE_SECONDS, cadence: Cadence | None = None
    ) -> None:
        self._patience_seconds = patience_seconds
        self._cadence = cadence or Cadence()
        self._trust = TrustStore()
        self._pace = Pace()
        self._catalogues: dict[str, Catalogue] = {}
        self._memos: dict[str, PreparedMemo] = {}
        self._field_sets = FieldSets()

    def grants(self, delivered: Sequence[Delivered], reach: Reach) -> Grants:
        """Roles and bindings; see `granting`."""
        return granting.grants(delivered, reach)

    async def examine(
        self, cluster: str, endpoint: Endpoint, delivered: Sequence[Delivered], host: Host
    ) -> Examination:
        """Look at a cluster once; see `examining`."""
        async with Transport(
            cluster, endpoint, self._trust, self._pace, host.run_in_thread
        ) as transport:
            return await examine(transport, delivered)

    @asynccontextmanager
    async def open(
        self,
        cluster: str,
        endpoint: Endpoint,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        host: Host,
    ) -> AsyncIterator[KubernetesSession]:
        """Connect: get the credential, and begin to watch what the inventory names.

        Raises AccessDenied when there is no credential to be had.
        """
        if host.fleet not in self._memos:
            self._memos[host.fleet] = PreparedMemo(host.fleet, host.digester)
        comparer = Comparer(host.fleet, host.digester, self._field_sets)
        failure: Exception | None = None
        async with (
            Transport(
                cluster, endpoint, self._trust, self._pace, host.run_in_thread, host.meter
            ) as transport,
            anyio.create_task_group() as tasks,
        ):
            session = KubernetesSession(
                transport,
                Discovery(transport, self._catalogues, time.monotonic),
                Register(owned),
                comparer,
                self._memos[host.fleet],
                judge,
                tasks,
                at_once=endpoint.requests_in_flight,
                patience_seconds=self._patience_seconds,
                cadence=self._cadence,
            )
            session.start()
            try:
                yield session
            except Exception as error:  # raised again below, where no group wraps it
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure


class KubernetesSession:
    """One connection to one cluster: the `Session` of every target there."""

    def __init__(
        self,
        transport: Transport,
        discovery: Discovery,
        register: Register,
        comparer: Comparer,
        memo: PreparedMemo,
        judge: Judge,
        tasks: TaskGroup,
        *,
        at_once: int,
        patience_seconds: float,
        cadence: Cadence,
    ) -> None:
        self._transport = transport
        self._discovery = discovery
        self._register = register
        self._memo = memo
        self._at_once = at_once
        self._patience_seconds = patience_seconds
        self._outbox = outbox = Outbox()
        self._briefing = Briefing()
        self._probe = Probe(transport)
        transport.prove_before_writing(self._probe.prove)
        self._tasks = tasks
        self._investigator = Investigator(transport, register, outbox, cadence=cadence)
        self._unattended = Unattended(register, outbox)
        self._assessor = Assessor(
            judge, register, outbox, discovery.has_status, self._investigator, self._unattended
        )
        observer = Observer(
            transport, register, outbox, comparer, self._briefing, self._assessor, discovery
        )
        marked = selector(comparer.fleet)
        watches = Watches(transport, discovery, register, observer, marked, tasks)
        self._sweeper = Sweeper(transport, discovery, register, observer, watches, marked)
        self._watches = watches
        self._observer = observer
        self._appearing = Appearing(transport, discovery, watches, outbox)
        self._wants = wants = Wants()
        aggregation = Aggregation(transport)
        self._tools = Tools(
            transport, discovery, register, observer, comparer, watches, wants, aggregation
        )

    def start(self) -> None:
        """Begin to watch what the inventory names, and to find out why what is not healthy."""
        self._watches.start()
        self._tasks.start_soon(self._observer.run)
        self._tasks.start_soon(self._investigator.run)
        self._tasks.start_soon(self._unattended.run)
        self._tasks.start_soon(self._appearing.run)

    async def probe(self) -> Facts:
        """The cluster's identity and version: one request, two the first time."""
        facts = await self._probe.facts()
        return replace(
            facts,
            limits=self._watches.limits,
            stale=self._stale(),
            unknown_objects=self._unknown_objects(),
            rewinds=self._register.rewinds,
        )

    def _stale(self) -> tuple[str, ...]:
        """What is taken to be as it was, for it cannot be seen now."""
        groups = ", ".join(sorted(self._discovery.stale))
        unknown = (f"the cluster does not say what it serves in {groups}",) if groups else ()
        return (*unknown, *self._watches.stale)

    def _unknown_objects(self) -> int:
        """How many objects that watches saw show that the inventory has holes."""
        cluster, briefing = self._transport.cluster, self._briefing
        return sum(
            not briefing.lets_go(TargetKey(seen.application, cluster), key)
            for key, seen in self._register.unknown()
        )

    async def api_versions(self) -> Sequence[str]:
        """What the cluster serves, by discovery as it is read at first use."""
        return (await self._discovery.current()).api_versions

    async def plan(
        self,
        desired: Desired,
        *,
        only: frozenset[ObjectKey] | None = None,
        proof: Proof = Proof.EXPECTED,
        rerun: bool = False,
    ) -> Plan:
        """What would change, by rows and sightings; asks the server only what kinds it serves.

        A plan that is to be proven asks it about each object, and is never remembered.
        """
        self._watches.list_again(self._assessor.follow_rules(desired.target))
        prepared = await self._prepare(desired)
        plan = self._expected(desired, prepared, only, rerun=rerun)
        self._observer.look_again(plan.refused)
        if proof is Proof.EXPECTED:
            self._brief(desired, prepared)
            self._misses(desired.target, prepared)
            return plan
        task = self._task(desired, lambda: True)
        return await prove(self._tools, plan, prepared, task, at_once=self._at_once)

    def _expected(
        self,
        desired: Desired,
        prepared: Prepared,
        only: frozenset[ObjectKey] | None,
        *,
        rerun: bool,
    ) -> Plan:
        target, wanted, register = desired.target, prepared.objects.keys(), self._register
        known = Known(
            register.rows_of(target, wanted),
            register.drifted,
            register.lost,
            register.strangers,
            register.others(target, wanted),
            self._wants,
        )
        return plan_target(
            target, prepared, known, desired.policy, only, rerun=rerun, lets_go=desired.lets_go
        )

    def _task(self, desired: Desired, granted: Callable[[], bool]) -> Task:
        return Task(desired.target, desired.policy, granted, self._patience_seconds)

    async def learn(
        self, wanted: Collection[Desired] | None, unknown: Collection[TargetKey] = ()
    ) -> None:
        """From now on this is what all targets of the cluster want; None: nobody can say."""
        told = None if wanted is None else {one.target: await self._prepare(one) for one in wanted}
        self._wants.learn(told, unknown)

    def sweep(self, swept: Collection[GroupKind] = ()) -> AsyncIterator[Swept]:
        """All that carries the marks of the fleet, kind by kind."""
        return self._sweeper.sweep(swept)

    async def apply(
        self, plan: Plan, desired: Desired, *, granted: Callable[[], bool]
    ) -> AsyncIterator[Result]:
        """Carry the plan out; results come as they are known.

        The work runs in the session's own task group: a reader that stops reading, or is cancelled,
        cancels it, and cannot leave a request without an owner.
        """
        prepared = await self._prepare(desired)
        self._brief(desired, prepared)
        self._register.expect(plan.target, (change.key for change in plan.changes))
        send, receive = anyio.create_memory_object_stream[Result | Exception](_RESULTS_AHEAD)
        scope = anyio.CancelScope()
        execution = Execution(
            self._tools,
            plan,
            prepared,
            self._task(desired, granted),
            send.send,
            at_once=self._at_once,
        )
        self._tasks.start_soon(_carry_out, execution, send, scope)
        try:
            async with receive:
                async for found in receive:
                    if isinstance(found, Exception):
                        raise found
                    yield self._newest(found)
                    self._register.taken(found.key)
        finally:
            scope.cancel()

    async def differences(
        self, target: TargetKey, keys: frozenset[ObjectKey]
    ) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
        """What Git would have to say for what is live to be right."""
        return await differences(self._tools, self._briefing, target, keys)

    async def pods(self, target: TargetKey) -> Descent:
        """The Pods below the workloads of a target, read now."""
        brief, rows = self._briefing.of(target), self._register.rows_of(target, ())
        if brief is None:
            return Descent((), ("what it should have is not known yet",))
        bodies = {key: wanted.body for key, wanted in brief.prepared.objects.items()}
        uids = {key: row.uid for key, row in rows.items()}
        return await descend(self._transport, workloads(uids, bodies))

    def _newest(self, result: Result) -> Result:
        """The result with the row as it is known when it is handed over.

        A watch may have made the row truer while the result waited for its reader: an old row would
        undo that, and a Job that was seen finished would run again.
        """
        if result.owned is None:
            return result
        row = self._register.row(result.key)
        is_same = row is not None and (row.target, row.uid) == (
            result.owned.target,
            result.owned.uid,
        )
        return replace(result, owned=row) if is_same else result

    def sightings(self) -> AsyncIterator[Sighting]:
        """What differs, and health that changed; never ends."""
        return self._outbox.stream()

    async def _prepare(self, desired: Desired) -> Prepared:
        application = desired.target.application
        catalogue = await self._discovery.current()
        ignore = desired.policy.ignore
        prepared = self._memo.prepared(desired.content, application, catalogue, ignore)
        if any(isinstance(error, MissingApi) for error in prepared.refused.values()):
            catalogue = await self._discovery.refreshed()
            prepared = self._memo.prepared(desired.content, application, catalogue, ignore)
        return prepared

    def _misses(self, target: TargetKey, prepared: Prepared) -> None:
        """Be told of the kinds that are not served, once they are."""
        refused = prepared.refused.items()
        self._appearing.misses(target, [k for k, error in refused if isinstance(error, MissingApi)])

    def _brief(self, desired: Desired, prepared: Prepared) -> None:
        """Remember what the target should hold, to judge by it what is seen."""
        news = self._briefing.tell(desired.target, Brief(prepared, desired.policy))
        if news is News.FIRST:
            self._observer.briefed(desired.target)
        elif news is News.OTHER_FIELDS_COUNT:
            rows = self._register.rows_of(desired.target, ()).values()
            for row in rows:
                self._register.doubt(row)
            self._watches.list_again(row.key.group_kind for row in rows)


async def _carry_out(
    execution: Execution,
    send: MemoryObjectSendStream[Result | Exception],
    scope: anyio.CancelScope,
) -> None:
    """The border of one plan: its errors go to who reads its results, never to the session."""
    with scope:
        async with send:
            try:
                await execution.run()
            except Exception as error:  # the border of a plan: a bug of ours ends this plan only
                await send.send(error)
