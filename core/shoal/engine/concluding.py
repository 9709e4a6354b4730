"""What a pass over a target came to: problems remembered, outcome recorded, the next pass planned.

The second half of `targets`: whatever ended the pass, what was sent has happened, and is written
down. A retry that fails the same way again is no event; a failure that may heal comes back with
back-off, one that waits for a commit does not come back by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shoal.engine import budgeting
from shoal.engine.fights import end_fights_over_others
from shoal.engine.handing_over import wake_partners
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import GONE, WRITTEN, Recording
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import NOTHING, TargetState, Wait, without
from shoal.engine.telling import Sync, deed_of, verdict_of, who_and_why
from shoal.errors import OwnershipConflict, Retryable, ShoalError
from shoal.model.digests import digest_parts
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, Desired, Plan, Result, ResultStatus
from shoal.model.records import Deed
from shoal.model.sightings import DriftKind
from shoal.planning.backing_off import longest_delay_seconds, retry_at
from shoal.planning.fighting import NONE

# The cause lives in the cluster and nobody announces that it was mended: look again, seldom.
CONFLICT_RETRY = timedelta(minutes=5)
# Whose record says by itself that a failure is over.
ENDS_FAILURE = frozenset({Deed.TARGET_SYNCED, Deed.TARGET_REMOVED})


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one target: what it was for, what was planned, and the results so far.

    `results` grows while the pass goes on. `is_partial`: a part of what the target should hold was
    left out of the plan, for it is held, comes in a later wave, or is being tried out. `asked`
    are the objects whose requests may have been sent; `is_broken_off`: an error or a cancellation
    ended it.
    """

    cluster: ClusterState
    target: TargetState
    desired: Desired
    plan: Plan
    request: Request
    results: list[Result]
    is_partial: bool = False
    asked: set[ObjectKey] = field(default_factory=set)
    is_broken_off: bool = False

    @property
    def unanswered(self) -> frozenset[ObjectKey]:
        """The objects of which nobody knows whether they were written."""
        if not self.is_broken_off:
            return frozenset()
        return frozenset(self.asked) - {result.key for result in self.results}

    @property
    def is_whole(self) -> bool:
        """Whether it looked at every object, and not at single ones."""
        return self.request.only is None

    @property
    def is_finished(self) -> bool:
        """Whether every change ended well."""
        return all_done(self.plan, self.results) and self.target.error is None

    @property
    def is_synced(self) -> bool:
        """Whether the target holds all that it should hold."""
        return self.is_finished and self.is_whole and not self.is_partial

    @property
    def status(self) -> str:
        """The word for it that is stored."""
        if not self.is_finished:
            return "failed"
        return "partial" if self.is_partial else "synced"


@dataclass(frozen=True, slots=True)
class Concluding:
    """Ends passes. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    jitter: Callable[[], float]

    async def conclude(self, done: Pass) -> None:
        """Remember, record, and plan the next pass."""
        target = done.target
        had_reported, was_degraded = bool(target.reported), bool(target.degraded)
        _note_corrections(done, self.state.now())
        _note_problems(done)
        # Found out before anything is waited for: what a sighting ends meanwhile, it tells itself.
        if done.is_synced:
            target.degraded = self._still_badly(target)
        drift_ended = had_reported and not target.reported
        is_well_again = was_degraded and not target.degraded
        budgeting.deleted(self.state, done.desired, done.results)
        news = target.synced_digest != done.desired.digest
        if done.is_synced:
            self._note_success(done)
        is_over = done.is_synced and not target.deferred
        sync = self._sync(done) if _is_news(done) else None
        if sync is not None:
            await self.recording.synced(sync, status=done.status, uses_up=is_over)
        elif news and done.is_synced:
            await self.recording.settled(target, done.desired, done.status, uses_up=is_over)
        else:
            await self.recording.came_to_nothing(target.key, uses_up=is_over)
        await self._tell_what_ended(done, sync)
        if drift_ended:
            await self.recording.mention(Deed.DRIFT_ENDED, str(target.key))
        if is_well_again:
            await self.recording.mention(Deed.TARGET_HEALTHY, str(target.key))
        if done.is_synced:
            target.applied, target.begun = done.desired, frozenset()
        if is_over:
            target.released, target.standing = NOTHING, None
        if target.removing and not self._owns_something(target):
            await self.recording.released(target.key, target.removing.why)
        else:
            self._plan_next(done)
        wake_partners(self.state, target.key, done.results)
        await end_fights_over_others(self.state, self.recording, target)

    async def _tell_what_ended(self, done: Pass, sync: Sync | None) -> None:
        """A failure that was recorded is over, also where nothing was written for that."""
        target = done.target
        if target.problems or target.error is not None:
            self._note_failing(target)
        elif target.is_failing and done.is_finished:
            target.is_failing, target.since = False, self.state.now()
            if sync is None or deed_of(sync, verdict_of(sync)) not in ENDS_FAILURE:
                await self.recording.mention(Deed.TARGET_RECOVERED, str(target.key))

    def _sync(self, done: Pass) -> Sync:
        provenance = self.state.provenance(done.desired)
        who, why = who_and_why(done.target, done.desired, done.plan, provenance)
        return Sync(done.target, done.desired, done.plan, done.results, who, why, done.unanswered)

    def _note_success(self, done: Pass) -> None:
        target, desired = done.target, done.desired
        if target.synced_revision and target.synced_revision != desired.grant.revision:
            target.is_delivering = True
        target.synced_revision, target.synced_digest = desired.grant.revision, desired.digest
        target.synced_at = target.since = self.state.now()
        target.failures, target.sighted = 0, NOTHING
        target.is_awaiting_health |= bool(done.results)

    def _note_failing(self, target: TargetState) -> None:
        if not target.is_failing:
            target.is_failing, target.since = True, self.state.now()

    def _still_badly(self, target: TargetState) -> frozenset[ObjectKey]:
        """What did badly and is still this target's: nobody looks at anything else."""
        inventory = self.state.inventory(target.key.cluster)
        return frozenset(key for key in target.degraded if key in inventory)

    def _owns_something(self, target: TargetState) -> bool:
        return self.state.inventory(target.key.cluster).is_any_of(target.key)

    async def failed(
        self, cluster: ClusterState, target: TargetState, desired: Desired, error: ShoalError
    ) -> None:
        """The pass as a whole failed: nothing could be planned, or a plugin broke."""
        news = target.error is None or str(target.error) != str(error)
        target.error = error
        self._note_failing(target)
        if isinstance(error, Retryable):
            self.retry(cluster, target, [error])
        if news:
            empty = Plan(target.key, ())
            sync = Sync(target, desired, empty, (), "shoal", error.message)
            await self.recording.synced(sync, status="failed")

    def retry(
        self, cluster: ClusterState, target: TargetState, errors: Sequence[ShoalError]
    ) -> None:
        """Come back with back-off, and not before the latest of what the errors ask for."""
        target.failures += 1
        after = [error.after_seconds for error in errors if isinstance(error, Retryable)]
        at = retry_at(
            target.failures,
            now=self.state.now(),
            jitter=self.jitter(),
            after_seconds=max((each for each in after if each is not None), default=None),
            max_seconds=longest_delay_seconds(errors),
        )
        cluster.queue.wake(target.key, at, Request(Priority.RECHECK, "retry"))

    def _plan_next(self, done: Pass) -> None:
        """When to come back: soonest of what failed and may heal, and of what waits."""
        target, cluster = done.target, done.cluster
        errors = list(target.problems.values())
        if target.error is not None:
            errors.append(target.error)
        retryable = [error for error in errors if isinstance(error, Retryable)]
        if any(result.status is ResultStatus.REVOKED for result in done.results):
            cluster.queue.add(target.key, Request(Priority.REVISION, "superseded"))
        elif target.waiting and any(each.status in WRITTEN for each in done.results):
            # What was just written may be what the others wait for: a namespace that is back.
            cluster.queue.add(target.key, Request(Priority.REVISION, "what it stands on came"))
        elif retryable or target.waiting or _is_cut_short(done):
            self.retry(cluster, target, retryable)
        elif any(isinstance(error, OwnershipConflict) for error in errors):
            at = self.state.now() + CONFLICT_RETRY * (0.5 + self.jitter())
            cluster.queue.wake(target.key, at, Request(Priority.RECHECK, "retry"))


def _note_corrections(done: Pass, now: datetime) -> None:
    """Remember what was corrected: the next time comes later."""
    target = done.target
    corrected = {
        result.key: target.struggles.get(result.key, NONE).corrected(now)
        for result in done.results
        if result.action is Action.CORRECT and result.status in WRITTEN
    }
    if corrected:
        target.struggles = {**target.struggles, **corrected}


def _note_problems(done: Pass) -> None:
    """Remember what failed or waits; a pass over single objects speaks of these alone."""
    target = done.target
    if done.is_whole:
        target.problems, target.waiting = {}, {}
    for key in done.request.only or ():
        target.problems.pop(key, None)
        target.waiting.pop(key, None)
    target.problems |= done.plan.refused
    for result in done.results:
        if result.status is ResultStatus.FAILED and result.error is not None:
            target.problems[result.key] = result.error
        elif result.status is ResultStatus.WAITING:
            target.waiting[result.key] = _wait(result)
        elif result.status in GONE:
            target.forget(result.key)
            target.reported = without(target.reported, result.key)
            target.degraded -= {result.key}
        elif result.status in WRITTEN and _is_undone(done, result.key):
            target.drifted.pop(result.key, None)


def _is_undone(done: Pass, key: ObjectKey) -> bool:
    """Whether what was written undid the drift that is known now.

    An apply leaves what was added by hand, and the session may have told so before it told the
    result of the apply.
    """
    drift = done.target.drifted.get(key)
    if drift is None or drift.kind is not DriftKind.ADDED:
        return True
    return any(change.key == key and change.patch == drift.patch for change in done.plan.changes)


def _wait(result: Result) -> Wait:
    if result.error is None:
        return Wait(result.note or "it waits for what it stands on", result.next_step)
    return Wait(result.error.message, result.error.next_step)


def _is_news(done: Pass) -> bool:
    """Whether this outcome says more than the one before: a change, or another failure.

    A retry that fails the same way again is no event; its rows have not changed either.
    """
    target = done.target
    changed = any(result.status in WRITTEN or result.status in GONE for result in done.results)
    troubles = {key: str(error) for key, error in target.problems.items()}
    troubles |= {key: str(wait) for key, wait in target.waiting.items()}
    told = digest_parts(f"{key}:{troubles[key]}" for key in sorted(troubles)) if troubles else ""
    news = changed or told != target.told
    target.told = told
    return bool(done.unanswered) or (news and bool(done.results or done.plan.refused))


def all_done(plan: Plan, results: Sequence[Result]) -> bool:
    """Every change of this plan ended well, and nothing was refused before it could be sent."""
    done = {result.key for result in results if result.status in WRITTEN or result.status in GONE}
    return not plan.refused and all(change.key in done for change in plan.changes)


def _is_cut_short(done: Pass) -> bool:
    """Whether changes were left out: a prune behind a failed write, a create without intent."""
    reached = {result.key for result in done.results}
    return any(change.key not in reached for change in done.plan.changes)
