"""Values, facts and overrides of single clusters: who differs, who shares, and who fails alone."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.errors import InvalidManifest, ShoalError
from shoal.model.identity import Ref
from shoal.model.records import Deed

SHOP = Ref("default", "shop")


def replacing(path: str, value: object, **labels: str) -> dict[str, object]:
    operations = [{"op": "replace", "path": path, "value": value}]
    selector = {"matchLabels": labels} if labels else {}
    return {
        "clusterSelector": selector,
        "patches": [{"target": {"kind": "ConfigMap"}, "operations": operations}],
    }


def error_of(engine: EngineUnderTest) -> ShoalError | None:
    known = engine.state.applications.get(SHOP)
    return known.error if known else None


def data_of(engine: EngineUnderTest) -> dict[str, object]:
    return {name: data_in(cluster) for name, cluster in engine.clusters.items()}


@in_virtual_time
async def test_clusters_that_are_alike_share_one_render(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    for name, region in (("one", "eu"), ("two", "eu"), ("three", "us")):
        engine.declare_cluster(name, region=region)
    revision = engine.source.commit(shop__settings=config_map(region="${cluster.labels.region}"))

    async with engine.running():
        for name in engine.clusters:
            await engine.until_synced(revision, name)

    assert data_of(engine) == {
        "one": {"region": "eu"},
        "two": {"region": "eu"},
        "three": {"region": "us"},
    }
    assert engine.renderer.calls == 2


@in_virtual_time
async def test_values_of_an_override_reach_its_clusters_only(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.declare_cluster("one", size="big", values={"replicas": 5})
    override = {
        "clusterSelector": {"matchLabels": {"size": "big"}},
        "values": {"replicas": "${cluster.values.replicas}"},
    }
    engine.declare_application("shop", overrides=[override])
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        for name in engine.clusters:
            await engine.until_synced(revision, name)

    assert data_of(engine) == {
        "one": {"color": "blue", "replicas": 5},
        "two": {"color": "blue"},
    }


@in_virtual_time
async def test_an_override_that_does_not_fit_stalls_its_cluster_only(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.declare_cluster("two", tier="odd")
    engine.declare_application("shop", overrides=[replacing("/data/none", "x", tier="odd")])
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision, "one")
        error, odd = engine.state.applications[SHOP].error, engine.target("two")
        engine.declare_application("shop")
        await engine.until_synced(revision, "two")
        mended = engine.target("two")

    assert odd.phase is TargetPhase.FAILED
    assert "overrides[0].patches[0].operations[0]: " in odd.message
    assert odd.message.endswith("; nothing was applied yet")
    assert mended.message == ""
    assert error is not None
    assert error.message.startswith("cluster two: overrides[0].patches[0].operations[0]: ")


@in_virtual_time
async def test_a_cluster_without_the_fact_keeps_what_it_has(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    for name in engine.clusters:
        engine.declare_cluster(name, region="eu")
    first = engine.source.commit(shop__settings=config_map(region="${cluster.labels.region}"))

    async with engine.running():
        for name in engine.clusters:
            await engine.until_synced(first, name)
        engine.declare_cluster("two", zone="a")
        second = engine.source.commit(
            shop__settings=config_map(region="${cluster.labels.region}", new="x")
        )
        await engine.until_synced(second, "one")
        error = await engine.until(lambda: error_of(engine), "an error")
        kept = engine.target("two")

    assert kept.phase is TargetPhase.FAILED
    assert kept.message == "cluster two has no label region; it keeps what it has"
    assert data_of(engine) == {
        "one": {"region": "eu", "new": "x"},
        "two": {"region": "eu"},
    }
    assert error is not None
    assert error.message == "cluster two has no label region"


@in_virtual_time
async def test_the_revision_that_failed_is_told(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    first = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(first)
        engine.renderer.error = InvalidManifest("settings.json:1: bad")
        second = engine.source.commit(shop__settings=config_map(new="x"))
        (failed,) = await engine.until_recorded(Deed.APPLICATION_FAILED)
        view = engine.application()

    assert failed.revision == second
    assert (view.revision, view.tried_revision) == (first, second)


@in_virtual_time
async def test_a_failing_render_is_tried_once_for_all_clusters(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, *[f"c{number}" for number in range(20)])
    engine.source.commit(shop__settings=config_map())
    engine.renderer.error = InvalidManifest("settings.json:1: bad")

    async with engine.running():
        error = await engine.until(lambda: error_of(engine), "an error")

    assert engine.renderer.calls == 1
    assert error is not None
    assert error.message == "in folder shop: settings.json:1: bad"


@in_virtual_time
async def test_what_only_the_cluster_tells_waits_for_the_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "away")
    engine.clusters["away"].unreachable = True
    revision = engine.source.commit(
        shop__settings=config_map(version="${cluster.kubernetesVersion}")
    )

    async with engine.running():
        await engine.until_synced(revision, "one")
        error = engine.state.applications[SHOP].error
        engine.clusters["away"].unreachable = False
        await engine.until_synced(revision, "away")

    assert error is not None
    assert error.message.startswith("cluster away was not reached yet")
    assert data_of(engine)["away"] == {"version": engine.clusters["away"].version}
