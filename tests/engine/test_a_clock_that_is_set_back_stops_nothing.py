"""Whatever happens to the wall clock, the engine's goes on: nothing waits for it to catch up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.clock import EngineClock
from shoal.engine.state import EngineState

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = st.lists(st.tuples(st.floats(0, 5_000), st.floats(-5_000, 5_000)), max_size=20)


class WallClock:
    """A wall clock that somebody may set; what it is wrong by is `offset`."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        return now() + self.offset


def with_clock(engine: EngineUnderTest, wall: WallClock) -> EngineUnderTest:
    engine.state = EngineState(EngineClock(wall, anyio.current_time))
    return engine


@in_virtual_time
async def test_commits_and_lost_clusters_are_seen_after_a_clock_was_set_back(
    tmp_path: Path,
) -> None:
    wall = WallClock()
    engine = with_clock(make_engine(tmp_path, "one", "two"), wall)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        wall.offset = -HOUR
        began = anyio.current_time()
        engine.clusters["two"].unreachable = True
        await engine.until_synced(engine.source.commit(shop__settings=config_map()), "one")
        await engine.until_away("two")
        took = anyio.current_time() - began

    assert took < 60


@given(STEPS)
def test_time_never_goes_back_nor_stands_still_and_ends_at_the_wall_clock(
    steps: list[tuple[float, float]],
) -> None:
    at, offset = 0.0, 0.0
    clock = EngineClock(lambda: START + timedelta(seconds=at + offset), lambda: at)
    for passed, set_by in steps:
        before, then = clock(), at
        at, offset = at + passed, offset + set_by
        assert (clock() - before).total_seconds() >= (at - then) / 2 - 1e-5

    at += 2 * max(0.0, (clock() - START).total_seconds() - at - offset) + 1

    assert clock() == START + timedelta(seconds=at + offset)
