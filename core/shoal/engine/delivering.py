"""Hands a batch to the plugin that sends it, and nothing else: when and what is decided elsewhere.

A batch is made of its records anew for each try, so that nothing of it is kept in memory, and a
restart sends the very same. What became known to be secret since they were written is hidden, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.hooks.host import Host
from shoal.hooks.notifiers import NotifierType
from shoal.model.alerts import Batch, Outgoing, records_of
from shoal.model.choice import Choice
from shoal.model.documents import Alert
from shoal.model.records import Record
from shoal.planning.wording import worded
from shoal.store import Store
from shoal.store.masking import Mask, as_it_is

SEND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Delivering:
    """Sends batches. `notifiers` and `hosts` are by the name that documents call them by."""

    store: Store
    notifiers: Mapping[str, NotifierType[Any]]
    hosts: Mapping[str, Host]
    guard: Guard
    mask: Mask = as_it_is

    async def batch(self, outgoing: Outgoing, alert: Alert, fleet: str) -> Batch:
        """What is on its way, in words."""
        seqs = records_of(outgoing.news, outgoing.endings)
        records = await self.store.records(seqs=frozenset(seqs), limit=len(seqs))
        return worded(outgoing, {each.seq: self._masked(each) for each in records}, alert, fleet)

    def _masked(self, record: Record) -> Record:
        entry = record.entry
        shown = replace(entry, why=self.mask(entry.why), body=self.mask(entry.body))
        return replace(record, entry=shown)

    async def send(self, choice: Choice, batch: Batch, subject: str) -> None:
        """Return when the other side has it; raises a ShoalError."""
        notifier, host = self.notifiers[choice.name], self.hosts[choice.name]
        await self.guard.ask(
            "notifier",
            choice.name,
            subject,
            lambda: notifier.send(choice.spec, batch, host),
            seconds=SEND_SECONDS,
            answer=answers.nothing,
        )
