"""Reading the whole state once, at start.

A fleet's inventory repeats itself: the same object keys, applications and digests in every cluster.
Equal strings, keys and targets become one object here, which is most of the memory of a row. Rows
come in pages, so that a large inventory never holds up the event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from sqlalchemy import RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.store import encoding, tables
from shoal.store.connecting import Pause
from shoal.store.states import State

_PAGE = 1_000
Rows = Callable[[Table], AsyncIterator[RowMapping]]
"""Gives all rows of one table."""


async def load_state(connection: AsyncConnection, pause: Pause) -> State:
    """Every row of every state table of a database; may be cancelled between two pages."""
    return await state_of(partial(_rows, connection, pause))


async def state_of(rows: Rows) -> State:
    """The state that these rows are."""
    state = State()
    await _load_inventory(rows, state.inventory)
    async for row in rows(tables.grants):
        grant = encoding.read_grant(row)
        state.grants[grant.target] = grant
    async for row in rows(tables.holds):
        state.holds[row["id"]] = encoding.read_hold(row)
    async for row in rows(tables.approvals):
        state.approvals[row["hold"]] = encoding.read_approval(row)
    async for row in rows(tables.identities):
        state.identities[row["cluster"]] = row["uid"]
    async for row in rows(tables.targets):
        target = encoding.read_target(row)
        state.targets[target.target] = target
    async for row in rows(tables.intents):
        intent = encoding.read_intent(row)
        state.intents[intent.target] = intent
    async for row in rows(tables.sources):
        source = encoding.read_source(row)
        state.sources[source.source] = source
    async for row in rows(tables.alerts):
        key, stream = encoding.read_stream(row)
        state.streams[key] = stream
    async for row in rows(tables.settings):
        state.settings[row["name"]] = row["value"]
    return state


async def _rows(
    connection: AsyncConnection, pause: Pause, table: Table
) -> AsyncIterator[RowMapping]:
    result = await connection.stream(select(table))
    async for page in result.mappings().partitions(_PAGE):
        await pause()
        for row in page:
            yield row


async def _load_inventory(rows: Rows, inventory: dict[str, dict[ObjectKey, Owned]]) -> None:
    shared = _Shared()
    async for row in rows(tables.inventory):
        owned = shared.owned(row)
        inventory.setdefault(owned.target.cluster, {})[owned.key] = owned


class _Shared:
    """Makes equal parts of rows one object; thrown away after loading."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._keys: dict[str, ObjectKey] = {}
        self._applications: dict[str, Ref] = {}
        self._targets: dict[tuple[str, str], TargetKey] = {}

    def owned(self, row: RowMapping) -> Owned:
        """A row as a value."""
        return Owned(
            target=self._target(row["application"], row["cluster"]),
            key=self._key(row["key"]),
            uid=row["uid"],
            desired_digest=self._text(row["desired_digest"]),
            owned_digest=self._text(row["owned_digest"]),
            baseline=row["baseline"],
            state=OwnedState(row["state"]),
        )

    def _text(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def _key(self, text: str) -> ObjectKey:
        key = self._keys.get(text)
        if key is None:
            key = self._keys[text] = ObjectKey(*map(self._text, ObjectKey.parse(text)))
        return key

    def _target(self, application: str, cluster: str) -> TargetKey:
        target = self._targets.get((application, cluster))
        if target is None:
            ref = self._applications.setdefault(application, Ref.parse(application))
            target = TargetKey(ref, self._text(cluster))
            self._targets[(application, cluster)] = target
        return target
