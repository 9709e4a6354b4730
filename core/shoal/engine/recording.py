"""What happened becomes durable: rows and ledger in one transaction, then the engine's memory.

The one writer of the inventory and of the ledger. Order matters: intent is stored before the first
request, an outcome after the last (`owing` keeps it while nothing can be written); memory follows
each result at once, because the next watch event is compared with it. A record says who, what, when
and why, and carries patches only masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from shoal.engine.owing import Debt, Owing
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.telling import (
    Sync,
    body_of,
    deed_of,
    intent_of,
    interrupted,
    verdict_of,
    who_and_why,
)
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import (
    WRITES,
    Action,
    Desired,
    Grant,
    Owned,
    Plan,
    Result,
    ResultStatus,
    intended,
)
from shoal.model.records import Deed, Entry, Intent, Verdict
from shoal.planning.holding import is_approved
from shoal.store import Store, changes, states
from shoal.telemetry.spans import trace_id

WRITTEN = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})
_APPEARING = frozenset({Action.CREATE, Action.ADOPT})
GONE = frozenset({ResultStatus.DELETED, ResultStatus.FORGOTTEN})
_log = structlog.get_logger(__name__)


class Recording:
    """Writes to the store, then to the engine's state."""

    def __init__(self, store: Store, state: EngineState) -> None:
        self._owing = Owing(store, state)
        self._state = state
        self._intended: set[TargetKey] = set()
        # What is being lifted: every target of an application finds that a suspension ran out.
        self._lifting: set[tuple[str, HoldCause]] = set()

    async def run(self) -> None:
        """Write later what cannot be written now; ends by cancellation."""
        await self._owing.run()

    async def note(
        self,
        *,
        who: str,
        what: Deed,
        why: str,
        subject: str,
        verdict: Verdict = Verdict.NOTED,
        revision: str = "",
        body: Mapping[str, Any] | None = None,
        beside: Sequence[changes.Change] = (),
    ) -> None:
        """One record, and what changes with it."""
        entry = self._entry(who, what, why, subject, verdict, revision, body or {})
        await self._owing.write(*beside, changes.Append(entry))

    async def mention(
        self,
        what: Deed,
        subject: str,
        body: Mapping[str, Any] | None = None,
        *,
        who: str = "shoal",
        why: str = "",
        verdict: Verdict = Verdict.NOTED,
    ) -> None:
        """A record of what has happened; written later while the store cannot be written."""
        entry = self._entry(who, what, why, subject, verdict, "", body or {})
        await self._owing.settle(Debt(entry=entry))

    async def interrupted(self, intents: Iterable[Intent]) -> None:
        """A controller ended before it could say how these ended; what they were about is told."""
        for intent in intents:
            entry = interrupted(intent, self._state.now())
            _log.info(entry.what.value, subject=entry.subject, who=entry.who, why=entry.why)
            await self._owing.settle(Debt(over=[intent.target], entry=entry))

    async def catalogued(
        self,
        settings: Mapping[str, str],
        *,
        who: str,
        why: str,
        revision: str,
        body: Mapping[str, Any],
    ) -> None:
        """The catalog is another one; what of it outlives a restart goes into settings."""
        await self._owing.write(
            *(changes.PutSetting(name, value) for name, value in settings.items()),
            self._append(who, Deed.FLEET_LOADED, why, "fleet", Verdict.NOTED, revision, body),
        )

    async def granted(self, grants: Iterable[Grant]) -> None:
        """Remember what targets may have."""
        grants = list(grants)
        await self._owing.write(*(changes.PutGrant(grant) for grant in grants))
        self._state.grants.update((grant.target, grant) for grant in grants)

    async def intend(
        self, target: TargetState, desired: Desired, plan: Plan
    ) -> Mapping[ObjectKey, TargetKey]:
        """Store what is about to be sent, and a row for every object that may come to be by it.

        What was seen of any object that is about to be written says nothing from now on. Returned
        are the objects that another target intended or got since this was planned, and which one:
        they are not this plan's to create. What is to be taken over from another target stays in
        that one's rows until it is.
        """
        written = (change.key for change in plan.changes if change.action in WRITES)
        target.unseen.update(dict.fromkeys(written))
        inventory = self._state.inventory(plan.target.cluster)
        created = [change.key for change in plan.changes if change.action is Action.CREATE]
        others = {key: inventory[key].target for key in created if key in inventory}
        rows = [
            intended(plan.target, change.key)
            for change in plan.changes
            if change.action in _APPEARING and change.key not in inventory
        ]
        if plan.changes:
            # Memory first: whoever intends the same object while this is stored comes second.
            inventory.put(rows)
            self._intended.add(plan.target)
            try:
                intent = changes.PutIntent(self._intent(target, desired, plan))
                await self._owing.write(changes.PutOwned(rows), intent)
            except BaseException:
                inventory.drop(row.key for row in rows)
                raise
        return {key: target for key, target in others.items() if target != plan.target}

    def _intent(self, target: TargetState, desired: Desired, plan: Plan) -> Intent:
        who, why = who_and_why(target, desired, plan, self._state.provenance(desired))
        at = self._state.now()
        return intent_of(desired, plan, at=at, who=who, why=why, trace_id=trace_id())

    def took(self, target: TargetKey, result: Result) -> None:
        """Let memory follow one result at once."""
        known = self._state.targets.get(target)
        if known is not None and result.status not in WRITTEN:
            known.was_seen(result.key)
        inventory = self._state.inventory(target.cluster)
        if result.owned is not None:
            inventory.put((result.owned,))
        elif result.status in GONE and inventory.is_of(result.key, target):
            inventory.drop((result.key,))

    async def seen(
        self, cluster: str, rows: Sequence[Owned] = (), gone: Sequence[ObjectKey] = ()
    ) -> None:
        """Rows that a look made truer; memory first, lest they overwrite a newer result."""
        self._state.inventory(cluster).put(rows)
        self._state.inventory(cluster).drop(gone)
        await self._owing.settle(Debt(cluster, [*(row.key for row in rows), *gone]))

    async def synced(self, sync: Sync, *, status: str, uses_up: bool = False) -> None:
        """The outcome of one plan: inventory, the target's state and the record, together.

        Memory says what the rows are, not the results: a sighting may have made one truer since.
        With `uses_up`, what was approved of this target has been done.
        """
        verdict = verdict_of(sync)
        entry = self._entry_of(sync, deed_of(sync, verdict), verdict)
        outcome = self._outcome(sync.target, sync.desired, status)
        touched = [
            result.key
            for result in sync.results
            if result.owned is not None or result.status in GONE
        ]
        await self._ended(sync.target.key, uses_up, keys=touched, outcome=outcome, entry=entry)

    async def settled(
        self, target: TargetState, desired: Desired, status: str, *, uses_up: bool = False
    ) -> None:
        """The target's state changed without a request being sent."""
        await self._ended(target.key, uses_up, outcome=self._outcome(target, desired, status))

    async def came_to_nothing(self, target: TargetKey, *, uses_up: bool = False) -> None:
        """A pass ended, and there is nothing new to tell of it."""
        if target in self._intended or (uses_up and self._approvals_of(str(target))):
            await self._ended(target, uses_up)

    async def _ended(
        self,
        target: TargetKey,
        uses_up: bool,
        *,
        keys: Sequence[ObjectKey] = (),
        outcome: states.TargetState | None = None,
        entry: Entry | None = None,
    ) -> None:
        """What was intended is over: the same again needs another intent, and another approval."""
        over = [target] if target in self._intended else []
        used = [each.hold for each in self._approvals_of(str(target))] if uses_up else []
        self._intended.discard(target)
        self._forget((), used)
        await self._owing.settle(Debt(target.cluster, keys, over, outcome, used, entry))

    async def observed(self, sync: Sync) -> None:
        """What would change at a target that is only observed: its state and the record."""
        verdict = Verdict.FAILED if sync.plan.refused else Verdict.NOTED
        await self._owing.write(
            changes.PutTarget(self._outcome(sync.target, sync.desired, "observed")),
            changes.Append(self._entry_of(sync, Deed.TARGET_OBSERVED, verdict)),
        )

    async def released(self, target: TargetKey, why: str) -> None:
        """This target is over: nothing of ours is left there, or the cluster itself was let go.

        Rows of the inventory stay: when the cluster comes back, they tell what was ours there.
        """
        known = target in self._state.grants
        held = [hold for hold in self._state.holds.values() if hold.subject == str(target)]
        approvals = self._approvals_of(str(target))
        writes: list[changes.Change] = [
            changes.DropGrant(target),
            changes.DropTarget(target),
            *(changes.DropHold(hold.id) for hold in held),
            *(changes.DropApproval(approval.hold) for approval in approvals),
        ]
        if known:
            writes.append(
                self._append("shoal", Deed.TARGET_RELEASED, why, str(target), Verdict.NOTED, "", {})
            )
        await self._owing.write(*writes)
        self._state.grants.pop(target, None)
        self._forget(held, [approval.hold for approval in approvals])
        self._state.forget_target(target)

    async def place(self, hold: Hold) -> None:
        """Something waits from now on; said once, and not what a person has approved."""
        if is_approved(hold, self._state.approvals, self._state.now()):
            return
        known = self._state.holds.get(hold.id)
        if known is not None:
            if known.reason != hold.reason:  # the same thing waits, and there is more to say of it
                hold = replace(hold, since=known.since)
                await self._owing.write(changes.PutHold(hold))
                self._state.holds[hold.id] = hold
            return
        await self._owing.write(
            changes.PutHold(hold),
            self._append(
                hold.by,
                Deed.HOLD_PLACED,
                hold.reason,
                hold.subject,
                Verdict.NOTED,
                "",
                {"hold": hold.id, "cause": hold.cause, "release": hold.release},
            ),
        )
        self._state.holds[hold.id] = hold

    async def end(self, hold: Hold, why: str, who: str = "shoal") -> None:
        """This one hold is over."""
        if hold.id in self._state.holds:
            await self._owing.write(changes.DropHold(hold.id), self._released_entry(hold, who, why))
            self._state.holds.pop(hold.id, None)

    async def lift(self, subject: str, cause: HoldCause, why: str, who: str = "shoal") -> None:
        """What this subject waited for, by this cause, is over; so is what was approved of it."""
        holds = [
            hold
            for hold in self._state.holds.values()
            if hold.subject == subject and hold.cause is cause
        ]
        approvals = self._approvals_of(subject)
        if (subject, cause) in self._lifting or not (holds or approvals):
            return
        self._lifting.add((subject, cause))
        try:
            await self._owing.write(
                *(changes.DropHold(hold.id) for hold in holds),
                *(changes.DropApproval(approval.hold) for approval in approvals),
                *(self._released_entry(hold, who, why) for hold in holds),
            )
        finally:
            self._lifting.discard((subject, cause))
        self._forget(holds, [approval.hold for approval in approvals])

    async def approved(self, holds: Sequence[Hold], approval: Approval) -> None:
        """A person released a hold, or a group; that stands until it is used up or runs out."""
        now = self._state.now()
        over = [each.hold for each in self._state.approvals.values() if each.until <= now]
        await self._owing.write(
            *(changes.DropApproval(each) for each in over),
            *(changes.DropHold(hold.id) for hold in holds),
            changes.PutApproval(approval),
            *(self._released_entry(hold, approval.by, approval.reason) for hold in holds),
        )
        self._forget(holds, over)
        self._state.approvals[approval.hold] = approval

    def _forget(self, holds: Iterable[Hold], approvals: Iterable[str]) -> None:
        for hold in holds:
            self._state.holds.pop(hold.id, None)
        for name in approvals:
            self._state.approvals.pop(name, None)

    def _approvals_of(self, subject: str) -> list[Approval]:
        return [each for each in self._state.approvals.values() if each.subject == subject]

    async def identified(self, cluster: str, uid: str) -> None:
        """This name leads to this cluster."""
        await self._owing.write(changes.PutIdentity(cluster, uid))
        self._state.identities[cluster] = uid

    async def forgot_inventory(self, cluster: str) -> None:
        """The name leads elsewhere now: what was ours there says nothing about here."""
        inventory = self._state.inventory(cluster)
        keys = list(inventory)
        await self._owing.write(changes.DropOwned(cluster, keys))
        inventory.drop(keys)

    def _released_entry(self, hold: Hold, who: str, why: str) -> changes.Append:
        body = {"hold": hold.id, "cause": hold.cause}
        return self._append(who, Deed.HOLD_RELEASED, why, hold.subject, Verdict.NOTED, "", body)

    def _entry_of(self, sync: Sync, deed: Deed, verdict: Verdict) -> Entry:
        subject, revision = str(sync.target.key), sync.desired.grant.revision
        return self._entry(sync.who, deed, sync.why, subject, verdict, revision, body_of(sync))

    def _append(
        self,
        who: str,
        what: Deed,
        why: str,
        subject: str,
        verdict: Verdict,
        revision: str,
        body: Mapping[str, Any],
    ) -> changes.Append:
        return changes.Append(self._entry(who, what, why, subject, verdict, revision, body))

    def _entry(
        self,
        who: str,
        what: Deed,
        why: str,
        subject: str,
        verdict: Verdict,
        revision: str,
        body: Mapping[str, Any],
    ) -> Entry:
        _log.info(what.value, subject=subject, verdict=verdict.value, who=who, why=why)
        return Entry(
            at=self._state.now(),
            who=who,
            what=what,
            why=why,
            subject=subject,
            verdict=verdict,
            revision=revision,
            trace_id=trace_id(),
            body=body,
        )

    def _outcome(self, target: TargetState, desired: Desired, status: str) -> states.TargetState:
        error = target.error
        return states.TargetState(
            target=target.key,
            status=status,
            at=self._state.now(),
            revision=desired.grant.revision,
            desired_digest=desired.digest,
            plan_hash=target.plan_hash,
            synced_revision=target.synced_revision,
            synced_at=target.synced_at,
            trace_id=target.trace_id,
            reason=error.reason if error else "",
            error=error.message if error else "",
        )
