"""Tries a change out before it is written: here, or once for all clusters of a Kubernetes version.

Once means: the first target that comes along sends the dry runs, and the verdict is that of every
target with the same set on the same version. Nobody waits for it in a slot: the others end their
pass, and the verdict puts their keys back into their queues. A cluster that does not answer soon
hands the trial on to the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import anyio

from shoal.engine.guarding import Guard
from shoal.engine.queueing import Priority, Request
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.trying import TRY_SECONDS, try_out
from shoal.errors import ServerBusy, ShoalError
from shoal.hooks.targets import Session
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Desired, Plan
from shoal.planning.holding import corrections
from shoal.planning.validating import Trial, concerns_everyone, stops, to_try, trial_of

ANSWER_SECONDS = 5.0
MOST_SETS = 1024


class SetKey(NamedTuple):
    """One set of objects on one version of Kubernetes."""

    application: Ref
    digest: str
    version: str


@dataclass(slots=True)
class Verdict:
    """What is known of one set. `by` is trying it out now, `waiting` wants to know.

    `refused` is what every cluster of this version would refuse: by which cluster, and why.
    """

    tried: frozenset[ObjectKey] = frozenset()
    refused: dict[ObjectKey, tuple[str, ShoalError]] = field(default_factory=dict)
    by: TargetKey | None = None
    waiting: set[TargetKey] = field(default_factory=set)


class Checked(NamedTuple):
    """What may be carried out now; `is_whole` unless something waits for a verdict."""

    plan: Plan
    is_whole: bool = True


class Validating:
    """Keeps the verdicts."""

    def __init__(self, state: EngineState, guard: Guard) -> None:
        self._state = state
        self._guard = guard
        self._verdicts: dict[SetKey, Verdict] = {}

    async def check(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        request: Request,
    ) -> Checked:
        """The plan, or the part of it that may be carried out now: corrections always may.

        Refusals that forbid to write anything are in its `refused`. Raises what a dry run raises.
        """
        target.trial = ""
        inventory = self._state.inventory(target.key.cluster)
        is_first = not target.synced_revision or not inventory.count(target.key)
        found = inventory.doubted(target.key)
        match trial_of(plan, desired.policy, is_first=is_first, found=found):
            case Trial.NOWHERE:
                return Checked(plan)
            case Trial.HERE:
                return Checked(await self._try_here(session, desired, plan))
            case Trial.ONCE:
                return await self._check_once(cluster, session, target, desired, plan, request)

    async def _try_here(self, session: Session, desired: Desired, plan: Plan) -> Plan:
        refused = {**plan.refused, **await self._try(session, desired, plan, TRY_SECONDS)}
        return _stopped(plan, refused) if stops(refused, desired.policy) else plan

    async def _check_once(
        self,
        cluster: ClusterState,
        session: Session,
        target: TargetState,
        desired: Desired,
        plan: Plan,
        request: Request,
    ) -> Checked:
        version = cluster.facts.version if cluster.facts else ""
        verdict = self._verdict(SetKey(target.key.application, desired.digest, version))
        if request.priority is Priority.USER and verdict.by is None:
            verdict.refused, verdict.tried = {}, frozenset()  # a person asks: it is tried again
        keys = to_try(plan)
        if not keys & verdict.refused.keys() and not keys <= verdict.tried:
            if verdict.by is not None:
                return self._wait(target, plan, verdict, verdict.by)
            await self._try_for_all(session, target.key, desired, plan, verdict)
        refused = _told(verdict, keys, target.key.cluster)
        return Checked(_stopped(plan, {**plan.refused, **refused}) if refused else plan)

    def _wait(self, target: TargetState, plan: Plan, verdict: Verdict, by: TargetKey) -> Checked:
        verdict.waiting.add(target.key)
        target.trial = f"this revision is being tried out on cluster {by.cluster} first"
        return Checked(corrections(plan), is_whole=False)

    async def _try_for_all(
        self, session: Session, key: TargetKey, desired: Desired, plan: Plan, verdict: Verdict
    ) -> None:
        """Find the verdict; whatever comes of it, those who wait are told."""
        verdict.by = key
        try:
            with anyio.move_on_after(ANSWER_SECONDS) as scope:
                refused = await self._try(session, desired, plan, 2 * ANSWER_SECONDS)
                for each, error in refused.items():
                    if concerns_everyone(error):
                        verdict.refused[each] = key.cluster, error
                verdict.tried |= to_try(plan) - refused.keys()
        finally:
            verdict.by = None
            self._wake(verdict)
        if scope.cancelled_caught:
            raise ServerBusy(
                f"cluster {key.cluster} did not answer the dry runs of {key.application} within "
                f"{ANSWER_SECONDS:g} s; another cluster tries it out, or this one again"
            )

    async def _try(
        self, session: Session, desired: Desired, plan: Plan, seconds: float
    ) -> dict[ObjectKey, ShoalError]:
        """What the server would refuse of what Git changes."""
        keys = to_try(plan)
        tried = await try_out(self._guard, session, desired, only=keys, seconds=seconds)
        return {key: error for key, error in tried.refused.items() if key in keys}

    def _verdict(self, key: SetKey) -> Verdict:
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = Verdict()
            for old in list(self._verdicts)[:-MOST_SETS]:
                if self._verdicts[old].by is None:
                    del self._verdicts[old]
        return found

    def _wake(self, verdict: Verdict) -> None:
        waiting, verdict.waiting = verdict.waiting, set()
        for key in sorted(waiting):
            self._state.wake(key, Request(Priority.REVISION, "it was tried out"))


def _stopped(plan: Plan, refused: dict[ObjectKey, ShoalError]) -> Plan:
    """Nothing of Git is written; what would have been refused is told."""
    return replace(corrections(plan), refused=refused)


def _told(
    verdict: Verdict, keys: frozenset[ObjectKey], cluster: str
) -> dict[ObjectKey, ShoalError]:
    """The refusals of these objects, as this cluster tells them."""
    told: dict[ObjectKey, ShoalError] = {}
    for key in keys & verdict.refused.keys():
        where, error = verdict.refused[key]
        if where != cluster:
            why = f"nothing was written, for cluster {where} of the same version refuses it"
            error = type(error)(f"{why}: {error.message}", next_step=error.next_step)
        told[key] = error
    return told
