"""A store in memory, with the semantics of the real one, for simulations and fast tests.

What was committed lives on a `MemoryDisk`, which outlives the `MemoryStore` that wrote it as a file
outlives a process: kill the one, open another on the same disk, and `load()` gives what was
committed. Rows are encoded and decoded by the same code as those of the database, so that a value
that could not be stored cannot be stored here either. It passes `store_conformance`, as the real
one does; it uses no thread, and is made for virtual time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import anyio.lowlevel
from sqlalchemy import RowMapping, Table

from shoal.errors import StoreUnavailable
from shoal.model.digests import Digester
from shoal.model.records import Deed, Record
from shoal.store import operations, tables
from shoal.store.changes import Change
from shoal.store.database import INSTALLATION
from shoal.store.encoding import Row
from shoal.store.ledger import Head, Query, chained, follows
from shoal.store.loading import state_of
from shoal.store.masking import Mask, as_it_is, masked
from shoal.store.news import News
from shoal.store.operations import Run
from shoal.store.states import State

Key = tuple[Any, ...]
_KEYS = {
    table.name: tuple(column.name for column in table.primary_key.columns)
    for table in tables.metadata.sorted_tables
}


@dataclass
class MemoryDisk:
    """What is committed: rows by table and primary key, and the ledger, oldest first."""

    installation: str = "memory"
    rows: dict[str, dict[Key, Row]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        named = {"name": INSTALLATION, "value": self.installation}
        self.rows.setdefault(tables.settings.name, {})[(INSTALLATION,)] = named

    @property
    def head(self) -> Head:
        """The end of the ledger."""
        return Head(self.records[-1].seq, self.records[-1].hash) if self.records else Head()

    def copy(self) -> MemoryDisk:
        """A backup; what is written later is not in it."""
        rows = {name: dict(table) for name, table in self.rows.items()}
        return MemoryDisk(self.installation, rows, list(self.records))

    async def read(self, table: Table) -> AsyncIterator[RowMapping]:
        """All rows of one table, in the order in which their keys were first put."""
        for row in tuple(self.rows.get(table.name, {}).values()):
            yield cast(RowMapping, row)

    def carry_out(self, run: Run) -> None:
        """Put, or drop, the rows of one statement."""
        table, names = self.rows.setdefault(run.table.name, {}), _KEYS[run.table.name]
        for row in run.rows:
            key = tuple(row[name] for name in names)
            if run.drops:
                table.pop(key, None)
            else:
                table[key] = row


class MemoryStore:
    """One process' hold on a disk; stands for `Store`.

    `trouble`, when set, is why nothing can be written just now: `database is locked`.
    """

    def __init__(self, disk: MemoryDisk | None = None, *, mask: Mask = as_it_is) -> None:
        self.disk = disk or MemoryDisk()
        self.installation = self.disk.installation
        self.digester = Digester(b"a key for tests, 32 bytes long..")
        self.trouble = ""
        self._mask = mask
        self._news = News(lambda: self.last_seq)

    @property
    def last_seq(self) -> int:
        """The number of the newest committed record; 0 when there is none."""
        return self.disk.head.seq

    async def wait_past(self, seq: int) -> None:
        """Return once a record after `seq` is committed; at once when one is already."""
        await self._news.wait_past(seq)

    async def write(self, *changes: Change) -> Sequence[Record]:
        """As `Store.write`: all changes or none, durable when it returns."""
        await anyio.lowlevel.checkpoint()
        if not changes:
            return ()
        kept = [masked(change, self._mask) for change in changes]
        runs, entries = operations.state_runs(kept), operations.entries(kept)
        _check_texts(runs)
        if self.trouble:
            raise StoreUnavailable(
                f"the state database cannot be written: {self.trouble}",
                next_step="free space on its disk and look for another process that uses it",
                after_seconds=5,
            )
        return self._commit(runs, chained(self.installation, self.disk.head, entries))

    def _commit(self, runs: Sequence[Run], records: Sequence[Record]) -> Sequence[Record]:
        for run in runs:
            self.disk.carry_out(run)
        self.disk.records += records
        if records:
            self._news.tell()
        return records

    async def load(self) -> State:
        """Everything that is."""
        await anyio.lowlevel.checkpoint()
        return await state_of(self.disk.read)

    async def records(
        self,
        *,
        after_seq: int = 0,
        subject: str | None = None,
        subject_prefix: str | None = None,
        what: frozenset[Deed] = frozenset(),
        limit: int = 100,
        newest_first: bool = True,
        before_seq: int | None = None,
        seqs: frozenset[int] | None = None,
    ) -> Sequence[Record]:
        """Records of the ledger, as `Store.records` gives them."""
        await anyio.lowlevel.checkpoint()
        query = Query(
            after_seq, subject, subject_prefix, what, limit, newest_first, before_seq, seqs
        )
        found = [record for record in self._among(query) if _is_asked_for(query, record)]
        return (found[::-1] if newest_first else found)[:limit]

    def _among(self, query: Query) -> Sequence[Record]:
        """The records that can be meant: their numbers have no gap, so they are found by place."""
        records = self.disk.records
        if query.seqs is not None:
            return [records[seq - 1] for seq in sorted(query.seqs) if 0 < seq <= len(records)]
        return records[max(query.after_seq, 0) :]

    async def first_times(
        self, what: Deed, *, revision: str, subject_prefix: str
    ) -> Mapping[str, datetime]:
        """When this was recorded first of each subject that begins so, at this revision."""
        await anyio.lowlevel.checkpoint()
        found: dict[str, datetime] = {}
        for record in self.disk.records:
            entry = record.entry
            is_meant = entry.what is what and entry.revision == revision
            if is_meant and entry.subject.startswith(subject_prefix):
                found.setdefault(entry.subject, entry.at)
        return found

    async def verify_ledger(self) -> int | None:
        """The number of the first record that is missing or altered; None when all is well."""
        await anyio.lowlevel.checkpoint()
        seen = Head()
        for record in self.disk.records:
            if not follows(record, seen):
                return seen.seq + 1
            seen = Head(record.seq, record.hash)
        return None


def _check_texts(runs: Sequence[Run]) -> None:
    """Raise UnicodeEncodeError for what no database takes: half of a surrogate pair."""
    for run in runs:
        for row in run.rows:
            for value in row.values():
                if isinstance(value, str):
                    value.encode()


def _is_asked_for(query: Query, record: Record) -> bool:
    subject, entry = record.entry.subject, record.entry
    if record.seq <= query.after_seq:
        return False
    if query.before_seq is not None and record.seq >= query.before_seq:
        return False
    if query.seqs is not None and record.seq not in query.seqs:
        return False
    if query.what and entry.what not in query.what:
        return False
    if query.subject is None and query.subject_prefix is None:
        return True
    return subject == query.subject or (
        query.subject_prefix is not None and subject.startswith(query.subject_prefix)
    )
