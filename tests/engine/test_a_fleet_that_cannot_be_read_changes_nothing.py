"""While the documents cannot be read the last good ones count; after a restart all is kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest
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
from shoal.errors import SourceUnavailable
from shoal.model.records import Deed

MINUTE = 60.0
WAYS = pytest.mark.parametrize("way", ["unreadable", "empty", "no Fleet"])


def lose(engine: EngineUnderTest, way: str) -> None:
    """The folder is not mounted, or is there and holds nothing, or not what it should."""
    if way == "unreadable":
        engine.documents.error = SourceUnavailable("the fleet folder does not exist")
    elif way == "empty":
        engine.documents.files = {}
    else:
        files = engine.documents.files
        engine.documents.files = {name: files[name] for name in files if "Cluster" in name}


def bring_back(engine: EngineUnderTest, files: dict[str, bytes]) -> None:
    engine.documents.files, engine.documents.error = files, None


@WAYS
@in_virtual_time
async def test_what_is_live_is_healed_and_committed_to_meanwhile(tmp_path: Path, way: str) -> None:
    engine = make_engine(tmp_path, "one")
    one, files = engine.clusters["one"], dict(engine.documents.files)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        lose(engine, way)
        await engine.until(lambda: engine.controller.fleet().stale_since, "it is stale")
        lost_at = now()
        await one.change(key_of(), {"data": {"color": "edited"}})
        await engine.until(lambda: data_in(one) == {"color": "blue"}, "the edit is undone")
        await engine.until_synced(engine.source.commit(shop__settings=config_map(color="red")))
        await anyio.sleep(15 * MINUTE)
        stale, holds = engine.controller.fleet(), engine.controller.holds()
        bring_back(engine, files)
        await engine.until(lambda: not engine.controller.fleet().stale_since, "it is not stale")

    assert (stale.ready, stale.applications) == ("False", 1)
    assert stale.stale_since is not None
    assert abs(stale.stale_since - lost_at) < timedelta(seconds=2)
    assert not holds
    assert data_in(one) == {"color": "red"}


@WAYS
@in_virtual_time
async def test_after_a_restart_all_is_unknown_and_nothing_is_written(
    tmp_path: Path, way: str
) -> None:
    engine = make_engine(tmp_path, "one")
    one, files = engine.clusters["one"], dict(engine.documents.files)
    revision = engine.source.commit(shop__settings=config_map(color="blue"))
    async with engine.running():
        await engine.until_synced(revision)
    engine.restart()
    lose(engine, way)
    written = list(one.writes)

    async with engine.running():
        await engine.until(lambda: engine.controller.fleet().stale_since, "it is stale")
        await anyio.sleep(15 * MINUTE)
        fleet, view = engine.controller.fleet(), engine.target("one")
        application, holds = engine.application(), engine.controller.holds()
        bring_back(engine, files)
        await engine.until_synced(revision)
        ready = engine.controller.fleet()

    assert (fleet.name, fleet.ready) == ("test", "False")
    assert (fleet.targets, fleet.phases) == (1, {"Unknown": 1})
    assert application.phase is TargetPhase.UNKNOWN
    assert "the fleet's documents were not read since the start" in view.message
    assert "last Synced at 00:00:00 revision 1" in view.message
    assert not holds
    assert one.writes == written
    assert ready.stale_since is None


@in_virtual_time
async def test_a_document_that_cannot_be_read_is_stale_since_it_was_broken(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        engine.documents.files["Application-shop.yaml"] = b"{kind: ["
        await engine.until(lambda: engine.controller.fleet().stale_since, "it is stale")
        await anyio.sleep(MINUTE)
        still, view = engine.controller.fleet(), engine.target("one")
        engine.declare_application("shop")
        await engine.until(lambda: not engine.controller.fleet().stale_since, "it is not stale")

    assert still.stale_since is not None
    assert now() - still.stale_since > timedelta(minutes=1)
    assert view.phase is TargetPhase.SYNCED
    assert target_key("one") in engine.state.targets
    assert not engine.store.recorded(Deed.HOLD_PLACED)


@WAYS
@in_virtual_time
async def test_a_grace_period_that_ends_meanwhile_waits_until_the_fleet_can_be_read(
    tmp_path: Path, way: str
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        engine.remove_application("shop")
        await engine.until_held("Removing")
        files = dict(engine.documents.files)
        lose(engine, way)
        await anyio.sleep(30 * MINUTE)
        kept, view = dict(engine.clusters["one"].objects), engine.target("one")
        bring_back(engine, files)
        await engine.until(lambda: not engine.clusters["one"].objects, "it is gone")

    assert kept.keys() == {key_of()}
    assert view.message == (
        "it is kept while not all of the fleet's documents can be read, although application "
        "default/shop was removed from the fleet"
    )
    assert view.next_step.startswith("see shoal status")


@in_virtual_time
async def test_what_is_put_back_at_the_last_moment_is_seen_before_anything_goes(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        engine.remove_application("shop")
        (hold,) = await engine.until_held("Removing")
        assert hold.until is not None
        engine.interval = timedelta(hours=2)
        await anyio.sleep((hold.until - now()).total_seconds() - 1)
        engine.declare_application("shop")
        await anyio.sleep(MINUTE)
        view, verbs = engine.target("one"), {verb for verb, _ in engine.clusters["one"].writes}
        engine.remove_application("shop")
        await engine.controller.sync(engine.ref("shop"), who="ana")
        await engine.until_held("Removing")
        await engine.until(lambda: not engine.clusters["one"].objects, "it is gone")

    assert view.phase is TargetPhase.SYNCED
    assert verbs == {"apply"}


@in_virtual_time
async def test_a_fleet_under_another_name_is_the_same_fleet_after_a_restart_too(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(revision)
    engine.restart()
    del engine.documents.files["Fleet-test.yaml"]
    engine.documents.write("Fleet", "other")

    async with engine.running():
        await engine.until_synced(revision)
        fleet = engine.controller.fleet()

    assert fleet.name == "test"
    assert "stays test in this controller" in fleet.problems[0].message
