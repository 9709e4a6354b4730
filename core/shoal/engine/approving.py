"""What people hold back and let go: suspending, resuming and approving.

Each verb records who and why, and then wakes what it is about. What an approval lets pass is
decided where it is held; here it is only said that somebody agreed, to what, and until when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shoal.engine.fleet_state import FLEET_KEY
from shoal.engine.naming import require_application, require_name
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.waking import wake
from shoal.errors import UnknownName
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref, TargetKey

APPROVAL_LASTS = timedelta(hours=24)
"""One that nothing came of is forgotten: what was agreed to yesterday may be another thing."""


class Approving:
    """Places and releases what people decide."""

    def __init__(self, state: EngineState, recording: Recording) -> None:
        self._state = state
        self._recording = recording

    async def suspend(self, application: Ref, *, who: str, reason: str, until: datetime) -> Hold:
        """Hold an application until a time; the newest suspension replaces the one before."""
        require_application(self._state, application)
        hold = Hold(
            subject=str(application),
            cause=HoldCause.SUSPENDED,
            reason=reason,
            by=who,
            since=self._state.now(),
            until=until,
        )
        await self._recording.holds.suspend(hold)
        for target in self._state.targets_of(application):
            wake(self._state, target.key, Request(Priority.USER, f"suspended by {who}"))
        return hold

    async def resume(self, application: Ref, *, who: str, reason: str) -> None:
        """End the suspension of an application."""
        require_application(self._state, application)
        if not self._state.suspensions(application):
            raise UnknownName(
                f"application {application} is not suspended", next_step="see shoal get holds"
            )
        await self._recording.holds.lift(str(application), HoldCause.SUSPENDED, reason, who)
        for target in self._state.targets_of(application):
            wake(self._state, target.key, Request(Priority.USER, f"resumed by {who}"))

    async def approve(self, name: str, *, who: str, reason: str) -> Sequence[Hold]:
        """Release a hold, or all of a group, and let what they held go on at once.

        The approval of a group counts for everyone who comes to the same change while it lasts.
        """
        holds = [hold for hold in self._state.holds.values() if name in (hold.id, hold.group)]
        if not holds:
            groups = {hold.group for hold in self._state.holds.values() if hold.group}
            require_name(name, {*self._state.holds, *groups}, "hold", "get holds")
        now = self._state.now()
        if holds[0].cause is HoldCause.SUSPENDED:
            await self.resume(Ref.parse(holds[0].subject), who=who, reason=reason)
            return holds
        if holds[0].cause is HoldCause.CONFLICT:
            return await self._let_try_again(holds, who=who, reason=reason)
        until = now + APPROVAL_LASTS
        if name == holds[0].id or holds[0].cause is HoldCause.REMOVING:
            # A removal that somebody begins later was not meant, so no group of them is approved.
            for one in holds:
                approval = Approval(one.id, one.subject, one.content, who, reason, now, until)
                await self._recording.holds.approved([one], approval)
        else:
            approval = Approval(name, "", "", who, reason, now, until)
            await self._recording.holds.approved(holds, approval)
        for hold in holds:
            self._let_go_on(hold, Request(Priority.USER, f"approved by {who}"))
        return holds

    async def _let_try_again(
        self, holds: Sequence[Hold], *, who: str, reason: str
    ) -> Sequence[Hold]:
        """Objects that are fought over are corrected again; the next fight is another hold."""
        for hold in holds:
            await self._recording.holds.end(hold, reason, who)
            self._let_go_on(hold, Request(Priority.USER, f"approved by {who}"))
        return holds

    def _let_go_on(self, hold: Hold, request: Request) -> None:
        if hold.cause is HoldCause.REMOVAL_BUDGET:
            self._state.fleet_queue.add(FLEET_KEY, request)
        elif hold.cause is HoldCause.IDENTITY_CHANGED:
            self._state.cluster_queue.add(hold.subject.removeprefix("cluster "), request)
        else:
            wake(self._state, TargetKey.parse(hold.subject), request)
