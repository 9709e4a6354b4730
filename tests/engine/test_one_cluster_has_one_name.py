"""A cluster has one name at a time: the second is refused, whatever was known of it before."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed

MINUTE = 60.0


def make_fleet(tmp_path: Path) -> tuple[EngineUnderTest, str]:
    """Clusters `one` and `three`; `two`, not declared yet, is another name of `one`."""
    engine = make_engine(tmp_path, "one", "two", "three")
    engine.let_go("two")
    engine.clusters["two"].uid = engine.clusters["one"].uid
    return engine, engine.source.commit(shop__settings=config_map(color="blue"))


def told(engine: EngineUnderTest) -> dict[str, str]:
    """What is said of each cluster; nothing of one that is well."""
    return {view.name: view.message for view in engine.controller.clusters()}


@in_virtual_time
async def test_the_old_name_of_a_renamed_cluster_is_the_second_when_it_comes_back(
    tmp_path: Path,
) -> None:
    engine, revision = make_fleet(tmp_path)

    async with engine.running():
        await engine.until_synced(revision, "one", "three")
        engine.let_go("one")
        engine.declare_cluster("two")
        await engine.until_synced(revision, "two", "three")
        engine.declare_cluster("one")
        await anyio.sleep(5 * MINUTE)
        both = told(engine)
        engine.let_go("two")
        await engine.until_synced(revision, "one", "three")
        swept = engine.store.recorded(Deed.CLUSTER_RECOVERED)

    assert both["one"].startswith("clusters two and one lead to the same cluster")
    assert (both["two"], both["three"]) == ("", "")
    assert [each.subject for each in swept].count("cluster one") == 2


@in_virtual_time
async def test_a_first_name_that_cannot_be_read_is_still_the_first(tmp_path: Path) -> None:
    engine, revision = make_fleet(tmp_path)
    async with engine.running():
        await engine.until_synced(revision, "one", "three")
    engine.restart()
    engine.documents.files["Cluster-one.yaml"] = b"{kind: ["
    engine.declare_cluster("two")

    async with engine.running():
        await engine.until_synced(revision, "three")
        await anyio.sleep(MINUTE)
        unread = told(engine)
        engine.declare_cluster("one")
        await engine.until_synced(revision, "one", "three")
        read = told(engine)

    assert unread["two"].startswith("clusters one and two lead to the same cluster")
    assert read["two"] == unread["two"]
    assert not engine.clusters["two"].writes


@in_virtual_time
async def test_two_accesses_that_were_exchanged_are_said_to_be(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = engine.source.commit(shop__settings=config_map(color="blue"))
    one, two = (engine.clusters[name] for name in ("one", "two"))
    uids = one.uid, two.uid

    async with engine.running():
        await engine.until_synced(revision)
        written = len(one.writes), len(two.writes)
        one.uid, two.uid = reversed(uids)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until(lambda: all(told(engine).values()), "both are refused")
        await anyio.sleep(5 * MINUTE)
        views = {view.name: view for view in engine.controller.clusters()}
        meanwhile = len(one.writes), len(two.writes)
        one.uid, two.uid = uids
        await engine.until_synced("2")

    assert views["one"].message == (
        f"one was cluster {uids[0]} and leads to cluster {uids[1]} now, which is two"
    )
    assert "exchanged with that of two" in views["one"].next_step
    assert views["two"].message.endswith(f"leads to cluster {uids[0]} now, which is one")
    assert meanwhile == written
