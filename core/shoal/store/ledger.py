"""The ledger: records chained by hash, appended by the one writer, read by anybody with a cursor.

Each record's hash covers the record and the hash before it, so an edit, a gap or a swap shows when
the chain is verified. The chain's name is the installation's id: two installations never share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shoal.model.records import Deed, Entry, Record, record_hash
from shoal.store import tables
from shoal.store.connecting import Pause
from shoal.store.encoding import read_record, stored_entry

# Small enough that reading one page never holds up the event loop for more than a few ms.
PAGE = 500

# Sorts after every character that can follow a prefix.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number and the hash of its last record."""

    seq: int = 0
    hash: str = ""


def chained(chain: str, head: Head, entries: Iterable[Entry]) -> list[Record]:
    """The records that follow `head`, one per entry, as they will be read back."""
    records: list[Record] = []
    for given in entries:
        entry = stored_entry(given)
        seq = head.seq + 1
        record = Record(chain, seq, head.hash, record_hash(chain, seq, head.hash, entry), entry)
        records.append(record)
        head = Head(seq, record.hash)
    return records


async def read_head(connection: AsyncConnection, chain: str) -> Head:
    """Where the chain ends in the database."""
    ledger = tables.ledger
    last = select(ledger.c.seq, ledger.c.hash).where(ledger.c.chain == chain)
    row = (await connection.execute(last.order_by(ledger.c.seq.desc()).limit(1))).first()
    return Head() if row is None else Head(row.seq, row.hash)


async def holds(connection: AsyncConnection, chain: str, head: Head) -> bool:
    """Whether the database has this record, as the end of its chain or before it."""
    if not head.seq:
        return True
    ledger = tables.ledger
    found = select(ledger.c.hash).where(ledger.c.chain == chain, ledger.c.seq == head.seq)
    return await connection.scalar(found) == head.hash


@dataclass(frozen=True, slots=True)
class Query:
    """Which records: of a subject, or of subjects that begin so, of certain deeds or numbers."""

    after_seq: int = 0
    subject: str | None = None
    subject_prefix: str | None = None
    what: frozenset[Deed] = frozenset()
    limit: int = 100
    newest_first: bool = True
    before_seq: int | None = None
    seqs: frozenset[int] | None = None


def _statement(chain: str, query: Query) -> Select[tuple[object, ...]]:
    ledger = tables.ledger
    found = select(ledger).where(ledger.c.chain == chain, ledger.c.seq > query.after_seq)
    if query.before_seq is not None:
        found = found.where(ledger.c.seq < query.before_seq)
    subjects = []
    if query.subject is not None:
        subjects.append(ledger.c.subject == query.subject)
    if query.subject_prefix is not None:
        subjects.append(_begins_with(query.subject_prefix))
    if subjects:
        found = found.where(or_(*subjects))
    if query.seqs is not None:
        found = found.where(ledger.c.seq.in_(sorted(query.seqs)))
    if query.what:
        found = found.where(ledger.c.what.in_(sorted(query.what)))
    order = ledger.c.seq.desc() if query.newest_first else ledger.c.seq
    return found.order_by(order).limit(query.limit)


def _begins_with(prefix: str) -> ColumnElement[bool]:
    """Of subjects, those that begin so."""
    return tables.ledger.c.subject.between(prefix, prefix + _LAST)


async def read_records(connection: AsyncConnection, chain: str, query: Query) -> Sequence[Record]:
    """The records that a query asks for, in its order."""
    rows = (await connection.execute(_statement(chain, query))).mappings()
    return [read_record(row) for row in rows]


async def first_times(
    connection: AsyncConnection, chain: str, what: Deed, revision: str, subject_prefix: str
) -> Mapping[str, datetime]:
    """When this was recorded first of each subject that begins so, at this revision.

    The bodies of records stay where they are: of a thousand clusters they are megabytes.
    """
    ledger = tables.ledger
    first = select(ledger.c.subject, func.min(ledger.c.at)).where(
        ledger.c.chain == chain,
        _begins_with(subject_prefix),
        ledger.c.what == what,
        ledger.c.revision == revision,
    )
    rows = await connection.execute(first.group_by(ledger.c.subject))
    return {subject: datetime.fromisoformat(at) for subject, at in rows}


async def first_broken(
    connection: AsyncConnection, pause: Pause, chain: str, head: Head
) -> int | None:
    """The number of the first record that is missing or not as it was written; None: all is well.

    `head` is what the writer knows to be the end, so that records cut off the end show too.
    """
    ledger = tables.ledger
    ordered = select(ledger).where(ledger.c.chain == chain).order_by(ledger.c.seq)
    seen = Head()
    while True:
        page = ordered.where(ledger.c.seq > seen.seq).limit(PAGE)
        rows = (await connection.execute(page)).mappings().all()
        for row in rows:
            try:
                record = read_record(row)
            except ValueError:
                return seen.seq + 1
            if not follows(record, seen):
                return seen.seq + 1
            seen = Head(record.seq, record.hash)
        if len(rows) < PAGE:
            return None if seen == head else seen.seq + 1
        await pause()


def follows(record: Record, head: Head) -> bool:
    """Whether a record is as it was written, and is the next one of its chain."""
    if (record.seq, record.previous) != (head.seq + 1, head.hash):
        return False
    return record.hash == record_hash(record.chain, record.seq, record.previous, record.entry)
