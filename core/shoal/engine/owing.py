"""What could not be written yet: kept in memory, bounded, and written as soon as the store can be.

While the disk is full, drift of what is known to be ours is still healed; what was done is owed to
the ledger until there is room. Rows and intents are owed by name alone: when the debt is paid, what
memory says then is what is written, so an older row never overwrites a newer one. What happens
later is written later: the end of a trouble never comes before its beginning, an older outcome
never over a newer one. What does not fit is counted, and said to be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio
import structlog

from shoal.engine.state import EngineState, StoreTrouble
from shoal.errors import StoreUnavailable
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.records import Deed, Entry, Verdict
from shoal.store import Store, changes, states

# Records of up to some 30 KB each.
MOST_OWED = 1_000
RETRY_SECONDS = 5.0
# Whoever writes meanwhile has to pay first, and one try of that can be 30 MB of records.
PAID_AT_MOST_EVERY = timedelta(seconds=1)
# What cannot be owed is done again, not sooner than a disk is mended.
UNRECORDED_RETRY = timedelta(seconds=10)
# What is owed when the controller ends gets this long.
LAST_TRY_SECONDS = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Debt:
    """One outcome: the rows it touched, whose intent is over, approvals used up, what to say."""

    cluster: str = ""
    keys: Collection[ObjectKey] = ()
    over: Collection[TargetKey] = ()
    outcome: states.TargetState | None = None
    approvals: Collection[str] = ()
    entry: Entry | None = None


@dataclass(slots=True)
class _Owed:
    """Debts, merged: the newest outcome of each target, each row once, the records in order."""

    keys: dict[str, set[ObjectKey]] = field(default_factory=dict)
    over: set[TargetKey] = field(default_factory=set)
    outcomes: dict[TargetKey, states.TargetState] = field(default_factory=dict)
    approvals: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    lost: int = 0

    def add(self, debt: Debt) -> None:
        """One more; the oldest record gives way when there are too many."""
        if debt.keys:
            self.keys.setdefault(debt.cluster, set()).update(debt.keys)
        self.over.update(debt.over)
        self.approvals.update(debt.approvals)
        if debt.outcome is not None:
            self.outcomes[debt.outcome.target] = debt.outcome
        if debt.entry is not None:
            self.entries.append(debt.entry)
            self._bound()

    def join(self, newer: _Owed) -> None:
        """Take over what was owed since."""
        for cluster, keys in newer.keys.items():
            self.keys.setdefault(cluster, set()).update(keys)
        self.over |= newer.over
        self.approvals |= newer.approvals
        self.outcomes |= newer.outcomes
        self.entries += newer.entries
        self.lost += newer.lost
        self._bound()

    def _bound(self) -> None:
        too_many = len(self.entries) - MOST_OWED
        if too_many > 0:
            del self.entries[:too_many]
            self.lost += too_many


class Owing:
    """Writes outcomes, now or later, and knows since when nothing can be written."""

    def __init__(self, store: Store, state: EngineState) -> None:
        self._store = store
        self._state = state
        self._owed = _Owed()
        self._troubled = anyio.Event()
        self._paying = anyio.Lock()
        self._failed_at: datetime | None = None

    async def write(self, *written: changes.Change) -> None:
        """Write now, after what is owed; raises StoreUnavailable, and remembers since when."""
        await self._pay_first()
        try:
            await self._store.write(*written)
        except StoreUnavailable as error:
            self._note(error)
            raise

    async def settle(self, debt: Debt) -> bool:
        """Write what has happened, or owe it; whether it is durable now."""
        if self._owed != _Owed():
            self._owed.add(debt)
            return False
        one = _Owed()
        one.add(debt)
        try:
            await self._store.write(*self._changes(one))
        except StoreUnavailable as error:
            self._owed.add(debt)
            self._note(error)
            return False
        return True

    async def run(self) -> None:
        """Pay as soon as possible; ends by cancellation, with one last try."""
        try:
            while True:
                await self._troubled.wait()
                while self._state.store_trouble is not None:
                    await anyio.sleep(RETRY_SECONDS)
                    await self._pay()
        finally:
            if self._state.store_trouble is not None:
                with anyio.move_on_after(LAST_TRY_SECONDS, shield=True):
                    await self._pay()

    async def _pay_first(self) -> None:
        """What is owed comes before what is written now; raises StoreUnavailable."""
        trouble = self._state.store_trouble
        if trouble is None or self._owed == _Owed():
            return
        now = self._state.now()
        if self._failed_at is None or now >= self._failed_at + PAID_AT_MOST_EVERY:
            await self._pay()
        if self._owed != _Owed() and self._state.store_trouble is not None:
            raise self._state.store_trouble.error

    async def _pay(self) -> None:
        """Write all that is owed, unless somebody else has, and say so."""
        async with self._paying:
            if (trouble := self._state.store_trouble) is not None:
                await self._pay_all(trouble)

    async def _pay_all(self, trouble: StoreTrouble) -> None:
        """What comes up meanwhile is owed on."""
        owed, self._owed = self._owed, _Owed()
        try:
            written = [*self._changes(owed), changes.Append(self._told(trouble, owed))]
            await self._store.write(*written)
        except BaseException as error:
            owed.join(self._owed)
            self._owed, self._failed_at = owed, self._state.now()
            if not isinstance(error, StoreUnavailable):
                raise
            self._note(error)
            return
        self._state.store_trouble = None
        self._troubled = anyio.Event()
        if self._owed != _Owed():
            self._note(StoreUnavailable("something could not be written just now"))
        _log.info("the state can be written again", kept=len(owed.entries), lost=owed.lost)

    def _note(self, error: StoreUnavailable) -> None:
        before = self._state.store_trouble
        since = self._state.now() if before is None else before.since
        if before is None:
            _log.warning("the state cannot be written", error=error.message)
        kept, lost = len(self._owed.entries), self._owed.lost
        self._state.store_trouble = StoreTrouble(since, error, kept, lost)
        self._troubled.set()

    def _changes(self, owed: _Owed) -> Iterable[changes.Change]:
        for cluster, keys in owed.keys.items():
            inventory = self._state.inventory(cluster)
            yield changes.PutOwned([inventory[key] for key in keys if key in inventory])
            yield changes.DropOwned(cluster, [key for key in keys if key not in inventory])
        yield from map(changes.DropIntent, owed.over)
        yield from map(changes.PutTarget, owed.outcomes.values())
        yield from map(changes.DropApproval, owed.approvals)
        yield from map(changes.Append, owed.entries)

    def _told(self, trouble: StoreTrouble, owed: _Owed) -> Entry:
        return Entry(
            at=self._state.now(),
            who="shoal",
            what=Deed.STATE_RECOVERED,
            why=trouble.error.message,
            subject="state",
            verdict=Verdict.PARTIAL if owed.lost else Verdict.NOTED,
            body={
                "since": trouble.since.isoformat(),
                "recorded_late": len(owed.entries),
                "records_lost": owed.lost,
            },
        )
