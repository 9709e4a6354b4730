"""What was written is read back equal, now and after the next start."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.store import (
    Change,
    DropOwned,
    PutOwned,
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


def test_every_sort_of_change_can_be_written() -> None:
    assert all_encoded() == frozenset(get_args(Change))


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


@settings(max_examples=25)
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
