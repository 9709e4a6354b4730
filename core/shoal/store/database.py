"""Opening the database, and what the rest of Shoal sees of it.

`composition` opens one store for the life of the process and hands it to the engine and the API.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shoal.errors import StoreUnavailable
from shoal.model.digests import Digester
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.store import tables
from shoal.store.changes import Append, Change, DropApproval, PutSetting
from shoal.store.connecting import database_url, prepare_engine, steady
from shoal.store.folder import (
    DATABASE,
    create_private,
    installation_key,
    locked,
    prepare_folder,
)
from shoal.store.heads import identity, kept_head
from shoal.store.ledger import (
    Head,
    Query,
    first_broken,
    first_times,
    holds,
    read_head,
    read_records,
)
from shoal.store.loading import load_state
from shoal.store.masking import Mask, as_it_is, masked
from shoal.store.migrating import migrate, unreadable
from shoal.store.states import State
from shoal.store.writing import Committed, Writer, untold

INSTALLATION = "installation"
RESTORED = "state.restored"
"""The setting that says when the state was put back to an older one: nothing that it does not know
of is deleted until the clusters were searched."""


class Store:
    """The open database. Reads and writes may run at the same time, from any task."""

    def __init__(
        self,
        engine: AsyncEngine,
        writer: Writer,
        *,
        installation: str,
        digester: Digester,
        mask: Mask = as_it_is,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._mask = mask
        self.installation = installation
        self.digester = digester

    @property
    def last_seq(self) -> int:
        """The number of the newest committed record; 0 when there is none."""
        return self._writer.head.seq

    async def wait_past(self, seq: int) -> None:
        """Return once a record after `seq` is committed; at once when one is already."""
        await self._writer.news.wait_past(seq)

    async def write(self, *changes: Change) -> Sequence[Record]:
        """Write all changes, masked, or none; returns the appended records when they are durable.

        Raises StoreUnavailable when nothing could be written (disk full, locked, closed). A caller
        that is cancelled does not know: the changes are written whole or not at all.
        """
        return await self._writer.write([masked(change, self._mask) for change in changes])

    async def load(self) -> State:
        """Everything that is; meant to be called once, before the first write."""
        async with steady(self._engine) as (connection, pause):
            try:
                return await load_state(connection, pause)
            except DatabaseError as error:
                raise unreadable(Path(str(self._engine.url.database)), error) from error

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
        """Records of the ledger.

        `subject` and `subject_prefix` together mean either: an application and its targets. A
        reader with a cursor asks for `after_seq=cursor, newest_first=False`; one that pages
        backwards gives the last seq it saw as `before_seq`. `seqs` asks for these alone.
        """
        query = Query(
            after_seq, subject, subject_prefix, what, limit, newest_first, before_seq, seqs
        )
        async with self._reading() as connection:
            return await read_records(connection, self.installation, query)

    async def first_times(
        self, what: Deed, *, revision: str, subject_prefix: str
    ) -> Mapping[str, datetime]:
        """When this was recorded first of each subject that begins so, at this revision."""
        async with self._reading() as connection:
            return await first_times(connection, self.installation, what, revision, subject_prefix)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """What the ledger is read with while the controller runs."""
        try:
            async with steady(self._engine) as (connection, _):
                yield connection
        except DatabaseError as error:
            raise StoreUnavailable(
                f"the ledger cannot be read: {error.orig}", next_step="see shoal status"
            ) from error

    async def is_behind(self, head: Head) -> bool:
        """Whether a record that was committed is not there."""
        async with steady(self._engine) as (connection, _):
            return not await holds(connection, self.installation, head)

    async def restored(self, entry: Entry) -> None:
        """This state is older than what was done since: say so, and believe no approval in it.

        What an approval allowed may have been done already.
        """
        approvals = (await self.load()).approvals
        mark = PutSetting(RESTORED, entry.at.isoformat())
        await self.write(mark, *map(DropApproval, approvals), Append(entry))

    async def verify_ledger(self) -> int | None:
        """The number of the first record that is missing or altered; None when all is well."""
        async with steady(self._engine) as (connection, pause):
            return await first_broken(connection, pause, self.installation, self._writer.head)


@asynccontextmanager
async def open_store(
    folder: Path, mask: Mask = as_it_is, *, committed: Committed = untold
) -> AsyncIterator[Store]:
    """Hold the state folder and open its database, creating or upgrading what is missing.

    Every sentence that is written passes `mask`; `committed` hears of each transaction.

    Raises StateInUse when another process holds it, and StateUnusable when the database is damaged
    or was written by a newer Shoal. Leaving waits for the writes that were already handed in.
    """
    with ExitStack() as stack:
        engine, key = await anyio.to_thread.run_sync(_prepare, folder, stack)
        try:
            installation, head = await _find_installation(engine)
            file = await anyio.to_thread.run_sync(identity, folder / DATABASE)
            writer = Writer(engine, folder / DATABASE, file, installation, head, committed)
            writer.start()
            try:
                digester = Digester(key)
                store = Store(
                    engine, writer, installation=installation, digester=digester, mask=mask
                )
                await _doubt(store, folder)
                yield store
            finally:
                await writer.close()
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()


async def _doubt(store: Store, folder: Path) -> None:
    """Mark a state that is older than what was committed beside it."""
    kept = await anyio.to_thread.run_sync(kept_head, folder)
    if kept is None or not await store.is_behind(kept):
        return
    await store.restored(
        Entry(
            at=datetime.now(UTC),
            who="shoal",
            what=Deed.STATE_RESTORED,
            why=f"record {kept.seq} was committed and is not in the database: it was lost, or "
            "replaced by an older one",
            subject="state",
            verdict=Verdict.NOTED,
            body={"seq": store.last_seq, "committed": kept.seq},
        )
    )


def _prepare(folder: Path, stack: ExitStack) -> tuple[AsyncEngine, bytes]:
    """All that blocks: the folder, its lock, the key, the tables, the driver's import."""
    prepare_folder(folder)
    stack.enter_context(locked(folder))
    database = folder / DATABASE
    create_private(database)
    migrate(database)
    engine = create_async_engine(database_url("sqlite+aiosqlite", database), hide_parameters=True)
    prepare_engine(engine.sync_engine)
    return engine, installation_key(folder)


async def _find_installation(engine: AsyncEngine) -> tuple[str, Head]:
    """The id of this installation, made at the first start, and the end of its ledger."""
    wanted = select(tables.settings.c.value).where(tables.settings.c.name == INSTALLATION)
    async with steady(engine) as (connection, _), connection.begin():
        installation = await connection.scalar(wanted)
        if installation is None:
            installation = uuid.uuid4().hex
            row = {"name": INSTALLATION, "value": installation}
            await connection.execute(tables.settings.insert(), row)
        return installation, await read_head(connection, installation)
