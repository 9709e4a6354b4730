"""Sends what was given up once more, when a person asks: at once, whatever waits or is muted.

Each batch is the very same, with its id, so that a receiver that has it already can drop it. The
ledger says who asked, and what became of it; what arrived is not sent again. One destination waits
for no other, and one that still does not answer is not asked for each of its batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import anyio

from shoal.engine.alerting import Alerting
from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.views.alerts import ResentView
from shoal.errors import Permanent, ShoalError, UnknownName
from shoal.model.alerts import Batch, StreamKey
from shoal.model.choice import Choice
from shoal.model.documents import Alert
from shoal.model.records import Deed, Verdict
from shoal.planning.giving_up import DEEDS, GivenUp, still_given_up
from shoal.store import Store

MOST_RECORDS = 1_000
"""The newest of the ledger that are looked at: what was given up before those is history."""
LASTS = timedelta(seconds=30)
"""After this no further batch is begun: somebody waits for the answer."""
_GONE = "the Alert does not name this destination any more"


@dataclass(frozen=True, slots=True)
class Resending:
    """Sends again, through the same plugins as `alerting`."""

    state: EngineState
    store: Store
    recording: Recording
    alerting: Alerting

    async def resend(
        self, alert: Alert, *, who: str, batches: Sequence[str] = ()
    ) -> Sequence[ResentView]:
        """What was given up, or these batches of it, oldest first; what became of each.

        Raises UnknownName for a batch that was not given up, or has arrived since.
        """
        records = await self.store.records(
            subject=f"alert {alert.ref}", what=DEEDS, limit=MOST_RECORDS
        )
        found = still_given_up(records)
        _require(alert, found, batches)
        wanted = [each for each in found if not batches or each.outgoing.id in batches]
        seen: dict[str, list[ResentView]] = {each.destination: [] for each in wanted}
        async with anyio.create_task_group() as tasks:
            for destination in seen:
                of_it = [each for each in wanted if each.destination == destination]
                tasks.start_soon(self._to, destination, alert, of_it, who, seen[destination])
        return [view for views in seen.values() for view in views]

    async def _to(
        self,
        destination: str,
        alert: Alert,
        wanted: Sequence[GivenUp],
        who: str,
        views: list[ResentView],
    ) -> None:
        """One destination: its batches one after the other, as far as it takes them."""
        choice = alert.spec.destinations().get(destination)
        begun, why_not = self.state.now(), _GONE if choice is None else ""
        catalog = self.state.catalog
        for each in wanted:
            batch = await self.alerting.delivering.batch(
                each.outgoing, alert, catalog.fleet if catalog else ""
            )
            if not why_not and self.state.now() - begun > LASTS:
                why_not = "not tried, for those before it took long: do it again"
            if choice is None or why_not:
                views.append(_view(destination, batch, message=why_not))
                continue
            error = await self._send(StreamKey(alert.ref, destination), choice, batch, who)
            views.append(_view(destination, batch, error=error))
            if error is not None and not isinstance(error, Permanent):
                why_not = "not tried, for the one before it did not arrive"

    async def _send(
        self, key: StreamKey, choice: Choice, batch: Batch, who: str
    ) -> ShoalError | None:
        """Send one batch and record what became of it; the error, if it did not arrive."""
        error: ShoalError | None = None
        try:
            await self.alerting.delivering.send(choice, batch, str(key))
        except ShoalError as raised:
            error = raised
        await self.recording.mention(
            Deed.ALERT_RESENT,
            f"alert {key.alert}",
            {"destination": key.destination, "batch": batch.id, "title": batch.title},
            who=who,
            why=error.message if error else "asked for",
            verdict=Verdict.FAILED if error else Verdict.SUCCEEDED,
        )
        if error is None:
            self.alerting.was_resent(key, batch.title)
        return error


def _require(alert: Alert, found: Sequence[GivenUp], batches: Sequence[str]) -> None:
    """Raise for a batch that is not among those that were found."""
    known = {each.outgoing.id for each in found}
    if unknown := [each for each in batches if each not in known]:
        raise UnknownName(
            f"alert {alert.ref} has not given up {unknown[0]}, or it has arrived since",
            next_step=f"see shoal events 'alert {alert.ref}'",
        )


def _view(
    destination: str, batch: Batch, *, error: ShoalError | None = None, message: str = ""
) -> ResentView:
    return ResentView(
        destination=destination,
        batch=batch.id,
        at=batch.at,
        title=batch.title,
        arrived=error is None and not message,
        message=error.message if error else message,
        next_step=error.next_step if error else "",
    )
