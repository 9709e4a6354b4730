"""Connecting is apart from working: who needs a session gets one, or hears why there is none."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.diffing import DiffRequest
from shoal.engine.views.changes import DiffView
from shoal.errors import ClusterNotConnected
from shoal.model.identity import Ref


def session_error(engine: EngineUnderTest, cluster: str) -> ClusterNotConnected:
    with pytest.raises(ClusterNotConnected) as refused:
        engine.state.session(cluster)
    return refused.value


@in_virtual_time
async def test_a_cluster_that_nobody_declared_or_reached_yet_has_no_session(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.access.hanging.add("one")

    async with engine.running():
        await engine.until(lambda: engine.access.connected, "somebody connects")
        unknown, connecting = session_error(engine, "two"), session_error(engine, "one")

    assert unknown.message == "cluster two is not connected"
    assert connecting.message == "cluster one is not connected"
    assert "shoal get clusters" in connecting.next_step


@in_virtual_time
async def test_why_there_is_none_is_what_is_wrong_with_the_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "away", "denied", "other")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["away"].unreachable = True
        engine.clusters["denied"].denied = True
        engine.clusters["other"].uid = "uid-of-a-stranger"
        for name in engine.clusters:
            await engine.until_away(name)
        await engine.until(
            lambda: "shoal approve" in session_error(engine, "other").next_step, "a hold of other"
        )
        views = {name: engine.cluster(name) for name in engine.clusters}
        errors = {name: session_error(engine, name) for name in engine.clusters}

    assert {name: error.message for name, error in errors.items()} == {
        name: view.message for name, view in views.items()
    }
    assert "gave no answer" in errors["away"].message
    assert "refused the credential" in errors["denied"].message
    assert "shoal approve" in errors["other"].next_step


@in_virtual_time
async def test_a_diff_does_not_wait_for_a_cluster_that_is_away(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "away")
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["away"].unreachable = True
        await engine.until_circuit("away", "Open")
        await engine.until_synced(engine.source.commit(shop__settings=config_map(a="2")), "one")
        began = anyio.current_time()
        found = await engine.controller.diff(DiffRequest(Ref("default", "shop"), "ana", seconds=60))
        seconds = anyio.current_time() - began

    assert seconds < 0.1
    assert isinstance(found, DiffView)
    assert [each.cluster for each in found.unanswered] == ["away"]
