"""What was written is read back equal, now and after the next start."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shoal.model.plans import OwnedState
from shoal.store import (
    Change,
    DropApproval,
    DropGrant,
    DropHold,
    DropIdentity,
    DropOwned,
    DropSource,
    DropTarget,
    PutApproval,
    PutCursor,
    PutGrant,
    PutHold,
    PutIdentity,
    PutOwned,
    PutSetting,
    PutSource,
    PutTarget,
    State,
    open_store,
)
from shoal.store.operations import all_encoded


async def reopened(folder: Path, *calls: tuple[Change, ...]) -> State:
    """The state that another process finds after these writes."""
    async with open_store(folder) as store:
        for changes in calls:
            await store.write(*changes)
    async with open_store(folder) as store:
        return await store.load()


def one_of_each(make: Any) -> tuple[Change, ...]:
    return (
        PutOwned([make.owned()]),
        PutGrant(make.grant()),
        PutHold(make.hold(until=make.now + timedelta(days=1))),
        PutApproval(make.approval()),
        PutIdentity("prod", "uid-1"),
        PutTarget(make.target_state(synced_at=make.now, details={"created": 3})),
        PutSource(make.source_state(revision="abc", details={"author": "ann"})),
        PutCursor("alerts", 7),
        PutSetting("fleet", "shop"),
    )


async def test_every_sort_of_row_survives_a_restart(tmp_path: Path, make: Any) -> None:
    state = await reopened(tmp_path, one_of_each(make))

    hold = make.hold(until=make.now + timedelta(days=1))
    assert state.inventory == {"prod": {make.key(): make.owned()}}
    assert state.grants == {make.target(): make.grant()}
    assert state.holds == {hold.id: hold}
    assert state.approvals == {"hold-1": make.approval()}
    assert state.identities == {"prod": "uid-1"}
    written = make.target_state(synced_at=make.now, details={"created": 3})
    assert state.targets == {make.target(): written}
    source = make.source_state(revision="abc", details={"author": "ann"})
    assert state.sources == {source.source: source}
    assert state.cursors == {"alerts": 7}
    assert state.settings["fleet"] == "shop"


async def test_every_sort_of_row_can_be_dropped(tmp_path: Path, make: Any) -> None:
    drops = (
        DropOwned("prod", [make.key()]),
        DropGrant(make.target()),
        DropHold(make.hold().id),
        DropApproval("hold-1"),
        DropIdentity("prod"),
        DropTarget(make.target()),
        DropSource(make.source_state().source),
    )
    puts = (*one_of_each(make), PutHold(make.hold()))

    state = await reopened(tmp_path, puts, (DropHold(make.hold().id), *drops), drops)

    assert state == State(cursors={"alerts": 7}, settings=state.settings)


def test_every_sort_of_change_can_be_written() -> None:
    assert all_encoded() == frozenset(get_args(Change))


async def test_a_row_put_again_is_replaced(tmp_path: Path, make: Any) -> None:
    intended = make.owned(uid="", baseline=b"", state=OwnedState.INTENDED)

    state = await reopened(tmp_path, (PutOwned([intended]),), (PutOwned([make.owned()]),))

    assert state.inventory["prod"][make.key()] == make.owned()


async def test_the_changes_of_a_call_take_effect_in_order(tmp_path: Path, make: Any) -> None:
    row, key = make.owned(), make.key()

    state = await reopened(
        tmp_path,
        (PutOwned([row]), DropOwned("prod", [key]), PutOwned([replace(row, uid="last")])),
        (PutIdentity("prod", "a"), DropIdentity("prod")),
    )

    assert state.inventory["prod"][key].uid == "last"
    assert state.identities == {}


async def test_times_come_back_in_utc(tmp_path: Path, make: Any) -> None:
    east = make.now.astimezone(timezone(timedelta(hours=9)))

    state = await reopened(tmp_path, (PutTarget(make.target_state(at=east)),))

    read = state.targets[make.target()].at
    assert (read, read.utcoffset()) == (make.now, timedelta(0))


async def test_equal_parts_of_rows_are_one_object(tmp_path: Path, make: Any) -> None:
    rows = [make.owned(name, cluster) for name in "ab" for cluster in ("dev", "prod")]

    state = await reopened(tmp_path, (PutOwned(rows),))

    dev, prod = state.inventory["dev"], state.inventory["prod"]
    assert next(iter(dev)) is next(iter(prod))
    first, second = dev.values()
    assert first.target is second.target
    assert first.desired_digest is prod[make.key("a")].desired_digest


async def test_no_table_has_a_place_for_a_secret(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        state = await store.load()

    key = (tmp_path / "installation.key").read_bytes()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("shoal.db*"))
    assert set(state.settings) == {"installation"}
    assert key not in written
    assert key.hex().encode() not in written


Step = tuple[str, str, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "drop", "call"]),
        st.sampled_from(["dev", "prod"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 9),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_any_order_of_puts_and_drops_ends_like_a_dictionary(make: Any, steps: list[Step]) -> None:
    expected: dict[tuple[str, Any], Any] = {}
    calls: list[list[Change]] = [[]]
    for action, cluster, name, number in steps:
        row = make.owned(name, cluster, uid=str(number))
        match action:
            case "put":
                calls[-1].append(PutOwned([row]))
                expected[cluster, row.key] = row
            case "drop":
                calls[-1].append(DropOwned(cluster, [row.key]))
                expected.pop((cluster, row.key), None)
            case _:
                calls.append([])

    with tempfile.TemporaryDirectory() as folder:
        state = asyncio.run(reopened(Path(folder), *map(tuple, calls)))

    found = {
        (cluster, key): row
        for cluster, rows in state.inventory.items()
        for key, row in rows.items()
    }
    assert found == expected
