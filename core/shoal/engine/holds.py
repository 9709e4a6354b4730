"""What waits for a person, and what people approved, becomes durable: the store, then memory.

A part of `recording`: a hold is told once, when it begins and when it ends, and what a person let
go stands until it is used up or runs out. A suspension is put by people alone; whoever replaces,
ends or outlives one waits for the other, so that each sees what the one before has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

import anyio

from shoal.engine.entries import entry_of
from shoal.engine.owing import Owing
from shoal.engine.state import EngineState
from shoal.errors import StoreUnavailable
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.planning.holding import is_approved
from shoal.store import changes


class Holds:
    """Writes holds and approvals to the store, then to the engine's state."""

    def __init__(self, owing: Owing, state: EngineState) -> None:
        self._owing = owing
        self._state = state
        # Every target of an application finds that a suspension ran out; one of them lifts it.
        self._turns: WeakValueDictionary[tuple[str, HoldCause], anyio.Lock] = WeakValueDictionary()

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
        await self._put(hold, self._placed(hold))

    async def suspend(self, hold: Hold) -> None:
        """A person suspends an application; what stood before is replaced, and stands until then.

        Both are one change: nobody finds the application let go between them, after no crash.
        """
        async with self._turn(hold.subject, hold.cause):
            before = self._waiting(hold.subject, hold.cause)
            replaced = [self._released(each, hold.by, "replaced") for each in before]
            await self._put(hold, *replaced, self._placed(hold))

    async def end(self, hold: Hold, why: str, who: str = "shoal") -> None:
        """This one hold is over."""
        if hold.id in self._state.holds:
            await self._owing.write(changes.DropHold(hold.id), self._released(hold, who, why))
            self._state.holds.pop(hold.id, None)

    async def lift(self, subject: str, cause: HoldCause, why: str, who: str = "shoal") -> None:
        """What this subject waited for, by this cause, is over; so is what was approved of it."""
        async with self._turn(subject, cause):
            await self._lift(self._waiting(subject, cause), self.approvals_of(subject), why, who)

    async def run_out(self, application: Ref) -> None:
        """The suspension of an application is over, unless another has replaced it meanwhile."""
        async with self._turn(str(application), HoldCause.SUSPENDED):
            if self._state.has_expired_suspension(application):
                holds = self._waiting(str(application), HoldCause.SUSPENDED)
                await self._lift(holds, (), "it ran out", "shoal")

    async def _lift(
        self, holds: Sequence[Hold], approvals: Sequence[Approval], why: str, who: str
    ) -> None:
        if not (holds or approvals):
            return
        await self._owing.write(
            *(changes.DropHold(hold.id) for hold in holds),
            *(changes.DropApproval(approval.hold) for approval in approvals),
            *(self._released(hold, who, why) for hold in holds),
        )
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

    async def _put(self, hold: Hold, *records: changes.Append) -> None:
        try:
            await self._owing.write(changes.PutHold(hold), *records)
        except StoreUnavailable:
            raise
        except BaseException:
            # The connection is given up meanwhile, and the store may have it all the same: what
            # memory does not know would never be ended there.
            self._state.holds[hold.id] = hold
            raise
        self._state.holds[hold.id] = hold

    def _turn(self, subject: str, cause: HoldCause) -> anyio.Lock:
        """Who has it is alone in lifting or replacing such a hold."""
        return self._turns.setdefault((subject, cause), anyio.Lock())

    def _waiting(self, subject: str, cause: HoldCause) -> list[Hold]:
        holds = self._state.holds.values()
        return [hold for hold in holds if hold.subject == subject and hold.cause is cause]

    def _placed(self, hold: Hold) -> changes.Append:
        return self._entry(hold, Deed.HOLD_PLACED, hold.by, hold.reason, release=hold.release)

    def _released(self, hold: Hold, who: str, why: str) -> changes.Append:
        return self._entry(hold, Deed.HOLD_RELEASED, who, why)

    def _entry(self, hold: Hold, what: Deed, who: str, why: str, **more: str) -> changes.Append:
        body = {"hold": hold.id, "cause": hold.cause, **more}
        at, subject = self._state.now(), hold.subject
        entry = entry_of(at=at, who=who, what=what, why=why, subject=subject, body=body)
        return changes.Append(entry)
