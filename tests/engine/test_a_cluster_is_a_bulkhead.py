from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.engine.faulty_target import Bug
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time

# The source is looked at every second; nothing else takes any time.
PROMPT_SECONDS = 1.5


def commit(engine: EngineUnderTest, color: str) -> str:
    return engine.source.commit(shop__settings=config_map(color=color))


async def lands_on(engine: EngineUnderTest, cluster: str, color: str) -> float:
    """Commit; how long it took to be in one cluster, in virtual seconds."""
    revision, started = commit(engine, color), anyio.current_time()
    await engine.until_synced(revision, cluster)
    assert data_in(engine.clusters[cluster]) == {"color": color}
    return anyio.current_time() - started


def make_ill(engine: EngineUnderTest, how: str) -> None:
    """Break the cluster `ill` in one way; `mend` undoes any."""
    ill = engine.clusters["ill"]
    match how:
        case "hangs":
            ill.gate = anyio.Event()
        case "refuses connections":
            ill.unreachable = True
        case "refuses the credential":
            ill.denied = True
        case "access raises":
            engine.access.broken.add("ill")
        case "access hangs":
            engine.access.hanging.add("ill")
        case bug:
            engine.target_type.bugs["ill"] = Bug(bug)


def mend(engine: EngineUnderTest) -> None:
    ill = engine.clusters["ill"]
    if ill.gate is not None:
        ill.gate.set()
    ill.gate, ill.unreachable, ill.denied = None, False, False
    engine.access.broken.clear()
    engine.access.hanging.clear()
    engine.target_type.bugs.clear()


FAULTS = ["hangs", "refuses connections", "refuses the credential"]
FAULTS_OF_PLUGINS = ["access raises", "access hangs", *Bug]


@pytest.mark.parametrize("how", FAULTS)
@in_virtual_time
async def test_a_cluster_that_falls_ill_is_not_noticed_by_the_others(
    tmp_path: Path, how: str
) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        make_ill(engine, how)
        at_once = await lands_on(engine, "well", "green")
        await engine.until_away("ill")
        later = await lands_on(engine, "well", "red")
        seen = data_in(engine.clusters["ill"])
        mend(engine)
        await engine.until_synced(str(engine.source.revision))

    assert max(at_once, later) < PROMPT_SECONDS
    assert seen == {"color": "blue"}
    assert data_in(engine.clusters["ill"]) == {"color": "red"}


@pytest.mark.parametrize("how", [*FAULTS, *FAULTS_OF_PLUGINS])
@in_virtual_time
async def test_a_cluster_that_is_ill_at_start_holds_up_nobody(tmp_path: Path, how: str) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    make_ill(engine, how)

    async with engine.running():
        first = await lands_on(engine, "well", "blue")
        await anyio.sleep(120)
        second = await lands_on(engine, "well", "green")
        mend(engine)
        await engine.until_synced(str(engine.source.revision))

    assert max(first, second) < PROMPT_SECONDS
    assert data_in(engine.clusters["ill"]) == {"color": "green"}


@pytest.mark.parametrize("how", ["access raises", "access hangs", Bug.OPENING_RAISES])
@in_virtual_time
async def test_what_a_plugin_did_is_said_of_that_cluster_alone(tmp_path: Path, how: str) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    make_ill(engine, how)

    async with engine.running():
        ill = await engine.until_cluster("ill", lambda view: view.message, "has a message")
        well = await engine.until_cluster("well", lambda view: view.last_contact, "is connected")

    assert ill.reachable == "Unknown"
    assert "cluster ill" in ill.message
    assert (well.reachable, well.message) == ("True", "")


@in_virtual_time
async def test_a_hanging_cluster_holds_no_slot(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    applications = [f"app{number}" for number in range(40)]
    for name in applications:
        engine.declare_application(name)

    def commit_all(color: str) -> str:
        manifests = {f"{name}__one": config_map(name, color=color) for name in applications}
        return engine.source.commit(shop__settings=config_map(color=color), **manifests)

    commit_all("blue")
    async with engine.running():
        await engine.until(lambda: len(engine.clusters["ill"].objects) == 41, "all is there")
        make_ill(engine, "hangs")
        commit_all("green")
        await engine.until(lambda: engine.state.clusters["ill"].queue.active == 41, "all hang")
        started = anyio.current_time()
        commit_all("red")
        reds = [*applications, "settings"]
        await engine.until(
            lambda: all(
                data_in(engine.clusters["well"], name) == {"color": "red"} for name in reds
            ),
            "red",
        )
        seconds = anyio.current_time() - started
        await engine.until_circuit("ill", "Open")
        active = engine.state.clusters["ill"].queue.active

    assert seconds < PROMPT_SECONDS
    assert active == 0


@in_virtual_time
async def test_a_flapping_cluster_is_not_worked_on_again_and_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        for number in range(60):
            engine.clusters["ill"].unreachable = number % 2 == 0
            assert await lands_on(engine, "well", f"color {number}") < PROMPT_SECONDS
            await anyio.sleep(7)
        engine.clusters["ill"].unreachable = False
        before = len(engine.clusters["ill"].writes)
        await engine.until_synced(str(engine.source.revision))
        await anyio.sleep(600)

    opened = engine.target_type.opened.count("ill")
    assert data_in(engine.clusters["ill"]) == {"color": "color 59"}
    assert len(engine.clusters["ill"].writes) <= before + 1
    assert opened < 20


@in_virtual_time
async def test_a_full_disk_ends_no_supervisor(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    first = commit(engine, "blue")

    async with engine.running():
        await engine.until_synced(first)
        engine.store.is_full = True
        make_ill(engine, "refuses connections")
        await engine.until_circuit("ill", "Open")
        mend(engine)
        await engine.until_cluster("ill", lambda view: view.reachable == "True", "is back")
        engine.store.is_full = False
        await lands_on(engine, "ill", "green")
        await lands_on(engine, "well", "red")
