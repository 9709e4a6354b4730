"""The one writer: whoever wants something written hands it in and waits until it is on the disk.

Calls that arrive while a transaction is being committed wait together and share the next one (group
commit): a disk that can do 200 commits a second carries thousands of calls. Each call is atomic.
When the database cannot be written, every call of the group gets StoreUnavailable and nothing of it
is written. When one call is malformed, which is a bug of ours, the calls of its group are written
one by one and only the malformed one fails.

The writer is a task of its own, which the context that opened the store starts and awaits, because
a transaction must not be torn by the cancellation of whoever happened to ask for it: a caller that
is cancelled goes away, its changes are written whole or not at all.

SQLite goes on writing to a file that was deleted or replaced under its hands, and nobody would ever
read what it wrote there. So a commit counts only when the file is still in its place; then the end
of the ledger is noted beside it (`heads`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog
from anyio.streams.memory import MemoryObjectReceiveStream
from sqlalchemy import Delete, Insert, Table, bindparam, delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shoal.errors import StoreUnavailable
from shoal.model.records import Entry, Record
from shoal.store import operations, tables
from shoal.store.changes import Change
from shoal.store.encoding import Row, record_row
from shoal.store.heads import FileIdentity, identity, keep_head
from shoal.store.ledger import Head, chained, read_head
from shoal.store.news import News
from shoal.store.operations import Run

# Calls waiting for the next commit; more than this wait at the door.
WAITING = 1_024
# Rows in one transaction: about 50 ms of work, so that nobody waits much longer than that.
ROWS_PER_GROUP = 2_000
# Rows per statement. They are prepared on the event loop (an inventory row takes 10 µs, a record
# 30 µs); between two portions others run.
PORTION = 200

_log = structlog.get_logger(__name__)
T = TypeVar("T")
Committed = Callable[[float, str], None]
"""Told how many seconds a transaction took, and how it ended: `ok`, or the kind of error."""


def untold(seconds: float, outcome: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Call:
    changes: Sequence[Change]
    done: asyncio.Future[Sequence[Record]]


class Writer:
    """Owns the chain's head and the only transactions that write.

    `file` is the identity of the database's file, as it was opened.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        database: Path,
        file: FileIdentity,
        chain: str,
        head: Head,
        committed: Committed = untold,
    ) -> None:
        self._committed = committed
        self._engine = engine
        self._database = database
        self._file = file
        # Its own: threads that wait for a repository must not hold up a commit.
        self._threads = anyio.CapacityLimiter(1)
        self._chain = chain
        self._head = head
        self._head_is_known = True
        self.news = News(lambda: self._head.seq)
        self._send, self._calls = anyio.create_memory_object_stream[_Call](WAITING)
        self._task: asyncio.Task[None] | None = None
        self._upserts: dict[Table, Insert] = {}

    @property
    def head(self) -> Head:
        """The end of the ledger, as committed."""
        return self._head

    def start(self) -> None:
        """Begin to take calls."""
        self._task = asyncio.create_task(self._run(self._calls), name="store writer")

    async def close(self) -> None:
        """Take no more calls, write those that wait, end; a cancellation is raised after that."""
        self._send.close()
        assert self._task is not None
        cancelled: asyncio.CancelledError | None = None
        with anyio.CancelScope(shield=True):
            while not self._task.done():
                try:
                    # Unlike `await task`, this does not hand a cancellation on to the task.
                    await asyncio.wait({self._task})
                except asyncio.CancelledError as error:  # from outside anyio: no scope holds it off
                    cancelled = error
        if cancelled is not None:
            raise cancelled

    async def write(self, changes: Sequence[Change]) -> Sequence[Record]:
        """Write all of it or nothing; returns, once durable, the records that were appended."""
        if not changes:
            return ()
        call = _Call(changes, asyncio.get_running_loop().create_future())
        try:
            self._send.send_nowait(call)
        except anyio.WouldBlock:
            await self._wait_at_the_door(call)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise _closed() from error
        return await call.done

    async def _wait_at_the_door(self, call: _Call) -> None:
        try:
            await self._send.send(call)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise _closed() from error

    async def _run(self, calls: MemoryObjectReceiveStream[_Call]) -> None:
        with calls:
            async for first in calls:
                await self._commit_group([first, *_waiting(calls, operations.size(first.changes))])
                del first  # or what was written last would be held until there is more

    async def _commit_group(self, group: Sequence[_Call]) -> None:
        try:
            with self._timed():
                written = await self._commit([call.changes for call in group])
        except StoreUnavailable as error:
            for call in group:
                _fail(call, _same(error))
        except Exception as error:  # border: a malformed call must not fail its neighbours
            if len(group) == 1:
                _fail(group[0], error)
                return
            for call in group:
                await self._commit_group([call])
        else:
            for call, records in zip(group, written, strict=True):
                if not call.done.done():
                    call.done.set_result(records)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started, outcome = time.monotonic(), "ok"
        try:
            yield
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            self._committed(time.monotonic() - started, outcome)

    async def _commit(self, calls: Sequence[Sequence[Change]]) -> list[Sequence[Record]]:
        """One transaction for all of them; the records of each."""
        runs = operations.state_runs(change for changes in calls for change in changes)
        entries = [operations.entries(changes) for changes in calls]
        self._head_is_known, head_was_known = False, self._head_is_known
        try:
            async with self._engine.begin() as connection:
                head = self._head
                if not head_was_known:
                    # The last commit failed, perhaps only after it was durable.
                    head = await read_head(connection, self._chain)
                await self._change_state(connection, runs)
                flat = [entry for part in entries for entry in part]
                records = await self._append(connection, head, flat)
        except (OperationalError, PoolTimeout) as error:
            raise _unavailable(error) from error
        except DatabaseError as error:
            if type(error) is DatabaseError:
                raise _unavailable(error) from error
            raise
        new = Head(records[-1].seq, records[-1].hash) if records else head
        await anyio.to_thread.run_sync(self._is_kept, new, limiter=self._threads)
        self._head, self._head_is_known = new, True
        if records:
            self.news.tell()
        return _split(records, [len(part) for part in entries])

    def _is_kept(self, head: Head) -> None:
        """Raise StoreUnavailable when nobody will find what was committed; blocks."""
        if identity(self._database) != self._file:
            raise StoreUnavailable(
                f"the database {self._database} was deleted or replaced while it was in use",
                next_step="stop the controller; put the file back, or restore a backup with "
                "`shoal restore`; without either, objects are found again by their labels",
            )
        if head == self._head:
            return
        try:
            keep_head(self._database.parent, head)
        except OSError as error:  # one that is behind says nothing, and the next may be written
            _log.warning("the end of the ledger was not noted", error=str(error))

    async def _change_state(self, connection: AsyncConnection, runs: Sequence[Run]) -> None:
        for run in runs:
            statement: Delete | Insert = _drop(run.table) if run.drops else self._put(run.table)
            for rows in _portions(run.rows):
                parameters = _as_parameters(rows) if run.drops else rows
                await connection.execute(statement, parameters)

    async def _append(
        self, connection: AsyncConnection, head: Head, entries: Sequence[Entry]
    ) -> list[Record]:
        records: list[Record] = []
        for portion in _portions(entries):
            added = chained(self._chain, head, portion)
            await connection.execute(tables.ledger.insert(), [record_row(one) for one in added])
            records += added
            head = Head(added[-1].seq, added[-1].hash)
        return records

    def _put(self, table: Table) -> Insert:
        if table not in self._upserts:
            self._upserts[table] = _upsert(table)
        return self._upserts[table]


def _portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[at : at + PORTION] for at in range(0, len(rows), PORTION))


def _waiting(calls: MemoryObjectReceiveStream[_Call], rows: int) -> list[_Call]:
    """The calls that wait right now, up to a bound of rows."""
    found: list[_Call] = []
    while rows < ROWS_PER_GROUP:
        try:
            call = calls.receive_nowait()
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
        found.append(call)
        rows += operations.size(call.changes)
    return found


def _fail(call: _Call, error: Exception) -> None:
    if not call.done.done():
        call.done.set_exception(error)


def _same(error: StoreUnavailable) -> StoreUnavailable:
    """One for each caller: an exception that is raised twice would collect both tracebacks."""
    return StoreUnavailable(
        error.message, next_step=error.next_step, after_seconds=error.after_seconds
    )


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the state database is closed")


def _unavailable(error: Exception) -> StoreUnavailable:
    cause = getattr(error, "orig", None) or error
    return StoreUnavailable(
        f"the state database cannot be written: {cause}",
        next_step="free space on its disk and look for another process that uses it",
        after_seconds=5,
    )


def _split(records: Sequence[Record], counts: Sequence[int]) -> list[Sequence[Record]]:
    parts: list[Sequence[Record]] = []
    start = 0
    for count in counts:
        parts.append(records[start : start + count])
        start += count
    return parts


def _upsert(table: Table) -> Insert:
    """Insert, or replace the row of the same key. PostgreSQL's `insert` has the same method."""
    statement = insert(table)
    keys = list(table.primary_key.columns)
    others = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def _drop(table: Table) -> Delete:
    keys = [column == bindparam(f"key_{column.name}") for column in table.primary_key.columns]
    return delete(table).where(*keys)


def _as_parameters(rows: Sequence[Row]) -> list[Row]:
    """SQLAlchemy keeps the plain column names of a statement for itself."""
    return [{f"key_{name}": value for name, value in row.items()} for row in rows]
