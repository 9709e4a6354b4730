"""Changes as statements: which table, put or drop, with which rows. Pure.

The changes of a whole group are sorted by table, in order within each, and neighbours of the same
sort become one run: fifty targets that confirm their rows at once are one `executemany`. Tables do
not refer to one another, so their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from shoal.model.records import Entry
from shoal.store import changes as change
from shoal.store import encoding, tables
from shoal.store.changes import Change
from shoal.store.encoding import Row


@dataclass(slots=True)
class Run:
    """Rows of one table that are all put, or all dropped (then a row is just its key)."""

    table: Table
    drops: bool
    rows: list[Row] = field(default_factory=list)


_Encoder = tuple[Table, bool, Callable[[Any], Iterable[Row]]]

_ENCODERS: Mapping[type, _Encoder] = {
    change.PutOwned: (tables.inventory, False, lambda it: map(encoding.owned_row, it.rows)),
    change.DropOwned: (
        tables.inventory,
        True,
        lambda it: ({"cluster": it.cluster, "key": key.text} for key in it.keys),
    ),
    change.PutGrant: (tables.grants, False, lambda it: [encoding.grant_row(it.grant)]),
    change.DropGrant: (tables.grants, True, lambda it: [{"target": str(it.target)}]),
    change.PutHold: (tables.holds, False, lambda it: [encoding.hold_row(it.hold)]),
    change.DropHold: (tables.holds, True, lambda it: [{"id": it.id}]),
    change.PutApproval: (tables.approvals, False, lambda it: [encoding.approval_row(it.approval)]),
    change.DropApproval: (tables.approvals, True, lambda it: [{"hold": it.hold}]),
    change.PutIdentity: (
        tables.identities,
        False,
        lambda it: [{"cluster": it.cluster, "uid": it.uid}],
    ),
    change.DropIdentity: (tables.identities, True, lambda it: [{"cluster": it.cluster}]),
    change.PutTarget: (tables.targets, False, lambda it: [encoding.target_row(it.state)]),
    change.DropTarget: (tables.targets, True, lambda it: [{"target": str(it.target)}]),
    change.PutIntent: (tables.intents, False, lambda it: [encoding.intent_row(it.intent)]),
    change.DropIntent: (tables.intents, True, lambda it: [{"target": str(it.target)}]),
    change.PutSource: (tables.sources, False, lambda it: [encoding.source_row(it.state)]),
    change.DropSource: (tables.sources, True, lambda it: [{"source": str(it.source)}]),
    change.PutStream: (tables.alerts, False, lambda it: [encoding.stream_row(it.key, it.stream)]),
    change.DropStream: (tables.alerts, True, lambda it: [{"stream": str(it.key)}]),
    change.PutSetting: (tables.settings, False, lambda it: [{"name": it.name, "value": it.value}]),
}


def state_runs(changes: Iterable[Change]) -> list[Run]:
    """The statements that bring the state tables up to date."""
    by_table: dict[Table, list[Run]] = {}
    for one in changes:
        if isinstance(one, change.Append):
            continue
        table, drops, encode = _ENCODERS[type(one)]
        runs = by_table.setdefault(table, [])
        if not runs or runs[-1].drops != drops:
            runs.append(Run(table, drops))
        runs[-1].rows.extend(encode(one))
    return [run for runs in by_table.values() for run in runs if run.rows]


def entries(changes: Iterable[Change]) -> list[Entry]:
    """What is to be appended to the ledger, in order, as it will be read back."""
    return [encoding.stored_entry(one.entry) for one in changes if isinstance(one, change.Append)]


def size(changes: Iterable[Change]) -> int:
    """About how many rows these changes write; bounds a group."""
    return sum(map(_size, changes))


def _size(one: Change) -> int:
    match one:
        case change.PutOwned(rows):
            return len(rows)
        case change.DropOwned(_, keys):
            return len(keys)
        case _:
            return 1


def all_encoded() -> frozenset[type]:
    """The sorts of change that can be written; a test holds it against `Change`."""
    return frozenset(_ENCODERS) | {change.Append}
