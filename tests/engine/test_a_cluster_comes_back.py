from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from tests.engine.faulty_target import Bug, FaultyTarget
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    data_in,
    key_of,
    make_engine,
    target_key,
)
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.views.applications import TargetPhase
from shoal.model.records import Deed
from shoal.testing.fake_cluster import FakeCluster


def commit(engine: EngineUnderTest, color: str) -> str:
    return engine.source.commit(shop__settings=config_map(color=color))


@in_virtual_time
async def test_the_circuit_opens_after_five_failed_probes_and_closes_after_two_good_ones(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")
    one = engine.clusters["one"]

    async with engine.running():
        await engine.until_synced(revision)
        one.unreachable = True
        await engine.until_away("one")
        began = anyio.current_time()
        while_closed = engine.cluster("one")
        await engine.until_circuit("one", "Open")
        opened_after = anyio.current_time() - began
        one.unreachable = False
        await engine.until_circuit("one", "HalfOpen")
        half_open = engine.cluster("one")
        await engine.until_circuit("one", "Closed")

    assert while_closed.circuit == "Closed"
    assert 14 < opened_after < 16  # probes after 1, 2, 4 and 8 seconds
    assert half_open.reachable != "True"


@in_virtual_time
async def test_many_failing_targets_do_not_hasten_the_probes(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    names = [f"app{number}" for number in range(30)]
    for name in names:
        engine.declare_application(name)
    blue = {f"{name}__one": config_map(name, color="blue") for name in names}
    green = {f"{name}__one": config_map(name, color="green") for name in names}
    engine.source.commit(shop__settings=config_map(), **blue)

    async with engine.running():
        await engine.until(lambda: len(engine.clusters["one"].objects) == 31, "all is there")
        engine.clusters["one"].unreachable = True
        engine.source.commit(shop__settings=config_map(), **green)
        await engine.until_away("one")
        began = anyio.current_time()
        await engine.until_circuit("one", "Open")

    assert anyio.current_time() - began > 14


@in_virtual_time
async def test_a_target_that_gets_no_answer_makes_the_cluster_be_probed_at_once(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        await anyio.sleep(1)
        engine.clusters["one"].unreachable = True
        commit(engine, "green")
        began = anyio.current_time()
        await engine.until_away("one")

    assert anyio.current_time() - began < 2


@in_virtual_time
async def test_it_is_unknown_since_it_was_first_not_heard_of(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        await anyio.sleep(60)
        engine.clusters["one"].unreachable = True
        doubted = await engine.until_away("one")
        at = now()
        await engine.until_circuit("one", "Open")
        lost, target = engine.cluster("one"), engine.target("one")

    assert doubted.since is not None
    assert (at - doubted.since).total_seconds() < 0.1
    assert lost.since == doubted.since
    assert target.phase is TargetPhase.UNKNOWN
    assert f"Unknown since {at:%H:%M:%S}" in target.message
    assert f"revision {revision}" in target.message


@in_virtual_time
async def test_a_cluster_that_comes_back_catches_up_to_the_current_grant(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    first = commit(engine, "blue")
    one = engine.clusters["one"]

    async with engine.running():
        await engine.until_synced(first)
        one.unreachable = True
        await engine.until_away("one")
        for color in ("green", "yellow", "red"):
            await engine.until_synced(commit(engine, color), "two")
        one.writes.clear()
        one.unreachable = False
        await engine.until_synced(str(engine.source.revision))

    assert data_in(one) == {"color": "red"}
    assert one.writes == [("apply", key_of())]


@in_virtual_time
async def test_every_target_of_a_cluster_that_comes_back_is_looked_at_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("web")
    engine.source.commit(shop__settings=config_map(), web__page=config_map("page", color="blue"))
    one = engine.clusters["one"]

    async with engine.running():
        await engine.until(lambda: len(one.objects) == 2, "all is there")
        one.unreachable = True
        await engine.until_circuit("one", "Open")
        await one.change(key_of("page"), {"data": {"color": "edited"}})
        del one.objects[key_of()]  # nobody announces it
        one.unreachable = False
        await engine.until(lambda: len(one.objects) == 2, "what was deleted is back")
        await engine.until(lambda: data_in(one, "page") == {"color": "blue"}, "the edit is undone")


@pytest.mark.parametrize("bug", [Bug.SIGHTINGS_RAISE, Bug.SIGHTINGS_END, Bug.A_TASK_RAISES])
@in_virtual_time
async def test_a_session_that_breaks_is_reopened_ever_more_rarely(tmp_path: Path, bug: Bug) -> None:
    engine = make_engine(tmp_path, "one")
    engine.target_type.bugs["one"] = bug
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_recorded(Deed.CLUSTER_CONNECTED)
        await anyio.sleep(600)
        opened = engine.target_type.opened_at["one"]
        engine.target_type.bugs.clear()
        await engine.until_synced(revision)

    pauses = [later - earlier for earlier, later in pairwise(opened)]
    assert pauses[0] < 5
    assert all(later > earlier for earlier, later in pairwise(pauses[:6]))
    assert pauses[-1] > 60


@in_virtual_time
async def test_a_session_that_broke_once_sees_drift_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.target_type.bugs["one"] = Bug.SIGHTINGS_RAISE
    revision = commit(engine, "blue")
    one = engine.clusters["one"]

    async with engine.running():
        await engine.until_recorded(Deed.CLUSTER_CONNECTED)
        engine.target_type.bugs.clear()
        await anyio.sleep(60)
        await engine.until_synced(revision)
        await one.change(key_of(), {"data": {"color": "edited"}})
        await engine.until(lambda: data_in(one) == {"color": "blue"}, "the edit is undone")


@dataclass
class SteppedCluster(FakeCluster):
    """Lets so many calls through, and holds the next until `go_on`."""

    steps: int = 1_000_000

    async def reached(self) -> None:
        while self.steps == 0:
            await anyio.sleep(0.01)
        self.steps -= 1


@in_virtual_time
async def test_a_grant_revoked_in_the_middle_is_followed_by_no_older_write(tmp_path: Path) -> None:
    one = SteppedCluster("one", uid="uid-of-one")
    engine = EngineUnderTest(tmp_path, FaultyTarget(one), {"one": one})
    engine.declare_application("shop", sync={"validation": "Never"})
    names = [f"part{number}" for number in range(6)]

    def commit_parts(color: str) -> str:
        return engine.source.commit(
            **{f"shop__{name}": config_map(name, color=color) for name in names}
        )

    first = commit_parts("blue")
    async with engine.running():
        await engine.until_synced(first)
        await anyio.sleep(1)
        one.writes.clear()
        one.steps = 2
        commit_parts("green")
        await engine.until(lambda: one.steps == 0, "two of six")
        last = commit_parts("red")
        key = target_key("one")
        await engine.until(lambda: engine.state.grants[key].revision == last, "granted")
        half = {name: data_in(one, name)["color"] for name in names}
        one.steps = 1_000_000
        await engine.until_synced(last)

    assert sorted(half.values()) == ["blue"] * 4 + ["green"] * 2
    assert {data_in(one, name)["color"] for name in names} == {"red"}
    assert len(one.writes) == 2 + 6


@in_virtual_time
async def test_a_person_who_asks_for_a_sync_waits_for_no_back_off(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].unreachable = True
        await anyio.sleep(1800)
        engine.clusters["one"].unreachable = False
        began = anyio.current_time()
        await engine.controller.sync(target_key("one").application, clusters=None, who="ana")
        await engine.until_synced(revision)

    assert anyio.current_time() - began < 5


@in_virtual_time
async def test_a_sync_asked_for_wakes_the_target(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(revision)
        del engine.clusters["one"].objects[key_of()]  # nobody announces it
        await anyio.sleep(5)
        only = frozenset({"one"})
        await engine.controller.sync(target_key("one").application, clusters=only, who="ana")
        await engine.until(lambda: engine.store.recorded(Deed.SYNC_REQUESTED), "recorded")
        synced = engine.store.recorded(Deed.TARGET_SYNCED)

    assert synced
