"""What waits for a person, and what people approved, becomes durable: the store, then memory.

A part of `recording`: a hold is told once, when it begins and when it ends, and what a person let
go stands until it is used up or runs out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shoal.engine.entries import entry_of
from shoal.engine.owing import Owing
from shoal.engine.state import EngineState
from shoal.errors import StoreUnavailable
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.records import Deed
from shoal.planning.holding import is_approved
from shoal.store import changes


class Holds:
    """Writes holds and approvals to the store, then to the engine's state."""

    def __init__(self, owing: Owing, state: EngineState) -> None:
        self._owing = owing
        self._state = state
        # What is being lifted: every target of an application finds that a suspension ran out.
        self._lifting: set[tuple[str, HoldCause]] = set()

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
        try:
            await self._owing.write(changes.PutHold(hold), self._placed(hold))
        except StoreUnavailable:
            raise
        except BaseException:
            # The connection is given up meanwhile, and the store may have it all the same: what
            # memory does not know would never be ended there.
            self._state.holds[hold.id] = hold
            raise
        self._state.holds[hold.id] = hold

    async def end(self, hold: Hold, why: str, who: str = "shoal") -> None:
        """This one hold is over."""
        if hold.id in self._state.holds:
            await self._owing.write(changes.DropHold(hold.id), self._released(hold, who, why))
            self._state.holds.pop(hold.id, None)

    async def lift(self, subject: str, cause: HoldCause, why: str, who: str = "shoal") -> None:
        """What this subject waited for, by this cause, is over; so is what was approved of it."""
        holds = [
            hold
            for hold in self._state.holds.values()
            if hold.subject == subject and hold.cause is cause
        ]
        approvals = self.approvals_of(subject)
        if (subject, cause) in self._lifting or not (holds or approvals):
            return
        self._lifting.add((subject, cause))
        try:
            await self._owing.write(
                *(changes.DropHold(hold.id) for hold in holds),
                *(changes.DropApproval(approval.hold) for approval in approvals),
                *(self._released(hold, who, why) for hold in holds),
            )
        finally:
            self._lifting.discard((subject, cause))
        self.forget(holds, [approval.hold for approval in approvals])

    async def approved(self, holds: Sequence[Hold], approval: Approval) -> None:
        """A person released a hold, or a group; that stands until it is used up or runs out."""
        now = self._state.now()
        over = [each.hold for each in self._state.approvals.values() if each.until <= now]
        await self._owing.write(
            *(changes.DropApproval(each) for each in over),
            *(changes.DropHold(hold.id) for hold in holds),
            changes.PutApproval(approval),
            *(self._released(hold, approval.by, approval.reason) for hold in holds),
        )
        self.forget(holds, over)
        self._state.approvals[approval.hold] = approval

    def forget(self, holds: Iterable[Hold], approvals: Iterable[str]) -> None:
        """The store has these no more, or is about to be told so."""
        for hold in holds:
            self._state.holds.pop(hold.id, None)
        for name in approvals:
            self._state.approvals.pop(name, None)

    def ended(self, holds: Iterable[Hold], why: str) -> list[changes.Change]:
        """What is written when these end because that which they held is no more."""
        return [
            each
            for hold in holds
            for each in (changes.DropHold(hold.id), self._released(hold, "shoal", why))
        ]

    def approvals_of(self, subject: str) -> list[Approval]:
        """What people have approved of this subject, and nobody has used up."""
        return [each for each in self._state.approvals.values() if each.subject == subject]

    def _placed(self, hold: Hold) -> changes.Append:
        return self._entry(hold, Deed.HOLD_PLACED, hold.by, hold.reason, release=hold.release)

    def _released(self, hold: Hold, who: str, why: str) -> changes.Append:
        return self._entry(hold, Deed.HOLD_RELEASED, who, why)

    def _entry(self, hold: Hold, what: Deed, who: str, why: str, **more: str) -> changes.Append:
        body = {"hold": hold.id, "cause": hold.cause, **more}
        at, subject = self._state.now(), hold.subject
        entry = entry_of(at=at, who=who, what=what, why=why, subject=subject, body=body)
        return changes.Append(entry)
