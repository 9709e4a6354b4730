"""What is read of the engine's state for its metrics, and which of its events become numbers."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    deployment,
    key_of,
    make_engine,
    now,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.gauging import Gauging
from shoal.engine.guarding import Guard
from shoal.engine.measuring import Measuring
from shoal.engine.rendering import Rendering
from shoal.engine.state import EngineState
from shoal.engine.views.applications import TargetPhase
from shoal.model.artifacts import Provenance
from shoal.model.metrics import Attributes, Metric
from shoal.store import Store
from shoal.telemetry import measures, names

Told = dict[Metric, list[tuple[float, Attributes]]]


async def stands(engine: EngineUnderTest, metric: Metric, *attributes: str) -> dict[object, float]:
    """The series of a metric now, by the values of these attributes."""
    store = cast(Store, engine.store)
    read = await Gauging(engine.state, store, Rendering(), Guard()).read()
    assert read.keys() <= {each for each in measures.METRICS if each.is_read}
    return {
        of[attributes[0]] if len(attributes) == 1 else tuple(of[each] for each in attributes): value
        for value, of in read.get(metric, ())
    }


def listening(engine: EngineUnderTest) -> Told:
    """Everything that the engine tells from now on; before it runs."""
    told: Told = defaultdict(list)

    def record(metric: Metric, value: float, attributes: Attributes) -> None:
        assert attributes.keys() <= set(metric.attributes)
        told[metric].append((value, attributes))

    engine.state = EngineState(now, Measuring(record))
    return told


@in_virtual_time
async def test_targets_are_counted_by_phase_and_health(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = engine.source.commit(shop__web=deployment())
    async with engine.running():
        await engine.until_synced(revision)
        counts = await stands(engine, measures.TARGETS, measures.PHASE, measures.HEALTH)
        applications = await stands(engine, measures.APPLICATIONS, measures.PHASE)
        by_name = await stands(
            engine, measures.APPLICATION_TARGETS, names.APPLICATION, measures.PHASE
        )
        records = await stands(engine, measures.LEDGER_RECORDS)

    assert sum(counts.values()) == 2
    assert {phase for phase, _ in cast("dict[tuple[str, str], float]", counts)} == {"Synced"}
    assert (applications["Synced"], applications["Failed"]) == (1, 0)
    assert by_name == {("default/shop", "Synced"): 2}
    assert records[()] == engine.store.last_seq


@in_virtual_time
async def test_a_cluster_that_is_away_is_down_and_its_circuit_opens(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].unreachable = True
        await engine.until_circuit("one", "Open")
        up = await stands(engine, measures.CLUSTER_UP, names.CLUSTER)
        circuit = await stands(engine, measures.CLUSTER_CIRCUIT, names.CLUSTER, measures.CIRCUIT)
        contact = await stands(engine, measures.CLUSTER_CONTACT, names.CLUSTER)
        targets = await stands(engine, measures.TARGETS, measures.PHASE)
        objects = await stands(engine, measures.CLUSTER_OBJECTS, names.CLUSTER)

    assert up == {"one": 0, "two": 1}
    assert circuit["one", "Open"] == circuit["two", "Closed"] == 1
    assert circuit["one", "Closed"] == circuit["two", "Open"] == 0
    assert contact["one"] > contact["two"]
    assert targets == {"Unknown": 1, "Synced": 1}
    assert objects == {"one": 1, "two": 1}


@in_virtual_time
async def test_what_drifts_has_a_count_an_age_and_in_the_end_a_duration(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"whenDrifted": "Report"})
    told = listening(engine)
    engine.target_type.now = now
    # Much that drifts at once is another event; one of five is not much.
    revision = engine.source.commit(**config_maps(4, a="1"), shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)
        await engine.clusters["one"].change(key_of(), {"data": {"a": "9"}})
        await engine.until_phase(TargetPhase.DRIFTED)
        since = now()
        await engine.until(lambda: now() - since > timedelta(seconds=30), "half a minute")
        drifted = await stands(engine, measures.DRIFTED, measures.DRIFT)
        age = await stands(engine, measures.DRIFT_AGE)
        await engine.clusters["one"].change(key_of(), {"data": {"a": "1"}})
        await engine.until_phase(TargetPhase.SYNCED)
        after = await stands(engine, measures.DRIFT_AGE)

    assert drifted == {"edited": 1}
    assert age[()] == pytest.approx(30, abs=2)
    assert after[()] == 0
    ((lasted, _),) = told[measures.DRIFT_DURATION]
    assert lasted == pytest.approx(30, abs=2)


@in_virtual_time
async def test_only_a_commit_that_arrives_while_it_runs_has_a_lead_time(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    told = listening(engine)
    engine.source.provenance = Provenance(committed_at=now() - timedelta(days=300))
    first = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(first)
        await engine.until(lambda: engine.target("one").health == "Healthy", "one is healthy")
        before = dict(told)
        engine.source.provenance = Provenance(committed_at=now() - timedelta(seconds=20))
        revision = engine.source.commit(shop__settings=config_map(a="2"))
        await engine.until_synced(revision)
        await engine.until(lambda: len(told[measures.COMMIT_LIVE]) == 2, "both are live")

    assert measures.COMMIT_DETECTED not in before
    assert measures.COMMIT_LIVE not in before
    ((detected, _),) = told[measures.COMMIT_DETECTED]
    assert detected == pytest.approx(21, abs=1)
    assert all(detected <= live < 60 for live, _ in told[measures.COMMIT_LIVE])


@in_virtual_time
async def test_each_turn_says_how_long_it_was_waited_for(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    told = listening(engine)
    revision = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(revision)

    waits = told[measures.QUEUE_WAIT]
    assert {of[measures.QUEUE] for _, of in waits} == {
        *("fleet", "sources", "applications", "clusters", "targets")
    }
    assert all(0 <= seconds < 60 for seconds, _ in waits)


@in_virtual_time
async def test_what_cannot_be_read_or_rendered_is_counted(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("lost", source={"ref": "nowhere", "path": "lost"})
    revision = engine.source.commit(shop__settings=config_map())
    async with engine.running():
        await engine.until_synced(revision, "one")
        await engine.until(lambda: engine.application("lost").message, "lost has failed")
        applications = await stands(engine, measures.APPLICATIONS, measures.PHASE)
        sources = await stands(engine, measures.SOURCES, measures.READY)
        holds = await stands(engine, measures.HOLDS, measures.CAUSE)

    assert applications["Failed"] == 1
    assert sources == {"True": 1, "False": 0, "Unknown": 0}
    assert holds == {}


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        ("ok", "ok"),
        ("timeout", "timeout"),
        ("ClusterUnreachable", "ClusterUnreachable"),
        ("AcmeErrorOfJob4711", "raised"),
    ],
)
def test_calls_of_plugins_end_in_one_of_few_words(raised: str, outcome: str) -> None:
    told: list[tuple[Metric, Attributes]] = []
    measuring = Measuring(lambda metric, value, attributes: told.append((metric, attributes)))

    measuring.called("source", "git", "default/apps", 0.2, raised)

    assert told[0][0] is measures.PLUGIN_CALL
    assert told[0][1][measures.OUTCOME] == outcome
    assert told[1] == (
        measures.STAGE_DURATION,
        {measures.STAGE: "fetch", measures.OUTCOME: "ok" if raised == "ok" else "failed"},
    )


def test_waiting_for_something_to_see_is_no_slow_call() -> None:
    told: list[Metric] = []
    measuring = Measuring(lambda metric, value, attributes: told.append(metric))

    measuring.called("target", "sightings", "cluster one", 600, "ok")
    measuring.called("target", "sightings", "cluster one", 600, "PluginFailed")

    assert told == [measures.PLUGIN_CALL]
