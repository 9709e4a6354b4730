"""What happened becomes durable: rows and ledger in one transaction, then the engine's memory.

The one writer of the inventory and of the ledger. Order matters: intent is stored before the first
request, an outcome after the last (`owing` keeps it while nothing can be written); memory follows
each result at once, because the next watch event is compared with it. A record says who, what, when
and why, and carries patches only masked. What waits for a person is recorded by `holds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from shoal.engine.entries import entry_of
from shoal.engine.holds import Holds
from shoal.engine.owing import Debt, Owing
from shoal.engine.recovery import Sweep
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
from shoal.model.alerts import Stream, StreamKey
from shoal.model.identity import ObjectKey, Ref, TargetKey
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
from shoal.store import Store, changes, states
from shoal.telemetry.spans import trace_id

WRITTEN = frozenset({ResultStatus.APPLIED, ResultStatus.UNCHANGED})
GONE = frozenset({ResultStatus.DELETED, ResultStatus.FORGOTTEN})
_log = structlog.get_logger(__name__)
OUT_OF_FLEET = "it was removed from the fleet"
"""Why a trouble is over of which nobody will be told anything else."""


class Recording:
    """Writes to the store, then to the engine's state."""

    def __init__(self, store: Store, state: EngineState) -> None:
        self._owing = Owing(store, state)
        self._state = state
        self.holds = Holds(self._owing, state)
        self._intended: set[TargetKey] = set()

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
        entry = entry_of(
            at=self._state.now(),
            who=who,
            what=what,
            why=why,
            subject=subject,
            verdict=verdict,
            revision=revision,
            body=body,
        )
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
        revision: str = "",
    ) -> None:
        """A record of what has happened; written later while the store cannot be written."""
        at = self._state.now()
        entry = entry_of(
            at=at,
            who=who,
            what=what,
            why=why,
            subject=subject,
            verdict=verdict,
            revision=revision,
            body=body,
        )
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
        await self.note(
            who=who,
            what=Deed.FLEET_LOADED,
            why=why,
            subject="fleet",
            revision=revision,
            body=body,
            beside=[changes.PutSetting(name, value) for name, value in settings.items()],
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
            if change.action in WRITES and change.key not in inventory
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
        if target in self._intended or (uses_up and self.holds.approvals_of(str(target))):
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
        used = [each.hold for each in self.holds.approvals_of(str(target))] if uses_up else []
        self._intended.discard(target)
        self.holds.forget((), used)
        await self._owing.settle(Debt(target.cluster, keys, over, outcome, used, entry))

    async def observed(self, sync: Sync) -> None:
        """What would change at a target that is only observed: its state and the record."""
        verdict = Verdict.FAILED if sync.plan.refused else Verdict.NOTED
        await self._owing.write(
            changes.PutTarget(self._outcome(sync.target, sync.desired, "observed")),
            changes.Append(self._entry_of(sync, Deed.TARGET_OBSERVED, verdict)),
        )

    async def told(self, key: StreamKey, stream: Stream) -> None:
        """How far a destination of an Alert has come.

        Durable when it returns: nothing is sent before.
        """
        await self._owing.write(changes.PutStream(key, stream))

    async def left_untold(
        self,
        key: StreamKey,
        stream: Stream,
        *,
        what: Deed,
        verdict: Verdict,
        why: str,
        body: Mapping[str, Any],
    ) -> None:
        """The same of a destination that is not told something, and the record of that."""
        await self.note(
            who="shoal",
            what=what,
            why=why,
            subject=f"alert {key.alert}",
            verdict=verdict,
            body={"destination": key.destination, **body},
            beside=[changes.PutStream(key, stream)],
        )

    async def stopped_telling(self, key: StreamKey) -> None:
        """The documents do not name this destination any more."""
        await self._owing.write(changes.DropStream(key))

    async def forget(self, source: Ref) -> None:
        """The source is no more; one of the same name is another one."""
        await self._owing.write(changes.DropSource(source))

    async def released(self, target: TargetKey, why: str) -> None:
        """This target is over: nothing of ours is left there, or the cluster itself was let go.

        Rows of the inventory stay: when the cluster comes back, they tell what was ours there.
        """
        known = target in self._state.grants
        held = [hold for hold in self._state.holds.values() if hold.subject == str(target)]
        approvals = self.holds.approvals_of(str(target))
        writes: list[changes.Change] = [
            changes.DropGrant(target),
            changes.DropTarget(target),
            *self.holds.ended(held, why),
            *(changes.DropApproval(approval.hold) for approval in approvals),
        ]
        if known:
            at, what = self._state.now(), Deed.TARGET_RELEASED
            entry = entry_of(at=at, who="shoal", what=what, why=why, subject=str(target))
            writes.append(changes.Append(entry))
        await self._owing.write(*writes)
        self._state.grants.pop(target, None)
        self.holds.forget(held, [approval.hold for approval in approvals])
        self._state.forget_target(target)

    async def identified(self, cluster: str, uid: str) -> None:
        """This name leads to this cluster, and no other name does any more.

        What was ours there under another name is found again by a sweep.
        """
        state = self._state
        others = [each for each, its in state.identities.items() if its == uid and each != cluster]
        swept = {each: Sweep(state.now(), "") for each in others}
        await self._owing.write(
            changes.PutIdentity(cluster, uid),
            *(changes.DropIdentity(each) for each in others),
            *(changes.DropOwned(each, list(state.inventory(each))) for each in others),
            *(sweep.setting(each) for each, sweep in swept.items()),
        )
        state.identities[cluster] = uid
        state.swept |= swept
        for each in others:
            del state.identities[each]
            state.inventory(each).drop(list(state.inventory(each)))

    async def forgot_inventory(self, cluster: str) -> None:
        """The name leads elsewhere now: what was ours there says nothing about here."""
        inventory = self._state.inventory(cluster)
        keys = list(inventory)
        await self._owing.write(changes.DropOwned(cluster, keys))
        inventory.drop(keys)

    def _entry_of(self, sync: Sync, deed: Deed, verdict: Verdict) -> Entry:
        return entry_of(
            at=self._state.now(),
            who=sync.who,
            what=deed,
            why=sync.why,
            subject=str(sync.target.key),
            verdict=verdict,
            revision=sync.desired.grant.revision,
            body=body_of(sync),
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
