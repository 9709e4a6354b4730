"""validation and failure: a bad update fails before any of it is written, at little cost."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    data_in,
    key_of,
    make_engine,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.errors import ForbiddenByCluster, InvalidObject
from shoal.model.records import Deed

NAMES = ("a", "b", "c")
INVALID = InvalidObject("data.color: is no color", next_step="correct it in Git")


def dry_runs(engine: EngineUnderTest) -> dict[str, int]:
    return {name: len(engine.clusters[name].dry_runs) for name in engine.clusters}


def colors(engine: EngineUnderTest, name: str = "m0") -> dict[str, str]:
    return {each: data_in(engine.clusters[each], name)["color"] for each in engine.clusters}


def refuse(engine: EngineUnderTest, *clusters: str, error: Exception = INVALID) -> None:
    for name in clusters:
        engine.clusters[name].refusals[key_of("m1")] = error  # type: ignore[assignment]


@in_virtual_time
async def test_a_first_sync_and_a_single_object_are_not_tried_out(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, *NAMES)
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(
            **config_maps(3, color="blue") | {"shop__m0": config_map("m0", color="green")}
        )
        await engine.until_synced("2")

    assert dry_runs(engine) == dict.fromkeys(NAMES, 0)


@in_virtual_time
async def test_what_changes_is_tried_out_on_one_cluster_of_a_version(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, *NAMES, "old")
    engine.clusters["old"].version = "v1.30.1"
    engine.source.commit(**config_maps(5, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        unchanged = {
            f"shop__m{number}": config_map(f"m{number}", color="blue") for number in (3, 4)
        }
        engine.source.commit(**config_maps(3, color="green"), **unchanged)
        await engine.until_synced("2")

    counts = dry_runs(engine)
    assert counts.pop("old") == 3
    assert sorted(counts.values()) == [0, 0, 3]


@in_virtual_time
async def test_a_refusal_fails_every_cluster_of_the_version_before_anything_is_written(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, *NAMES, "old")
    engine.clusters["old"].version = "v1.30.1"
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine, *NAMES)
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until_synced("2", "old")
        await engine.until_phase(TargetPhase.FAILED, *NAMES)
        await anyio.sleep(900)
        counts = dry_runs(engine)
        (tried,) = (name for name in NAMES if counts[name])
        views = {name: engine.target(name) for name in NAMES}
        seen = colors(engine)

    assert seen == {**dict.fromkeys(NAMES, "blue"), "old": "green"}
    assert sum(counts[name] for name in NAMES) == 3
    for name, view in views.items():
        why = (
            ""
            if name == tried
            else (f"nothing was written, for cluster {tried} of the same version refuses it: ")
        )
        assert view.message == f"ConfigMap default/m1: {why}data.color: is no color"
        assert view.next_step == "correct it in Git"


@in_virtual_time
async def test_what_concerns_one_cluster_only_fails_only_there(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, *NAMES)
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine, "a", error=ForbiddenByCluster("quota exceeded"))
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until_synced("2", "b", "c")
        await engine.until_phase(TargetPhase.FAILED, "a")
        seen = colors(engine), colors(engine, "m1")

    assert seen[0] == dict.fromkeys(NAMES, "green")
    assert seen[1] == {"a": "blue", "b": "green", "c": "green"}


@in_virtual_time
async def test_who_does_not_answer_hands_the_trial_on_and_nobody_waits_in_a_slot(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, *NAMES)
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(5)
        engine.clusters["a"].gate = anyio.Event()
        engine.source.commit(**config_maps(3, color="green"))
        started = anyio.current_time()
        await engine.until_synced("2", "b", "c")
        seconds = anyio.current_time() - started
        engine.clusters["a"].gate.set()
        engine.clusters["a"].gate = None
        await engine.until_synced("2")

    assert seconds < 7


@in_virtual_time
async def test_a_newer_revision_is_written_and_not_the_one_that_was_tried_out(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "a")
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.clusters["a"].gate = anyio.Event()
        engine.source.commit(**config_maps(3, color="red"))
        await engine.until(lambda: engine.state.clusters["a"].queue.active, "it is tried out")
        engine.source.commit(**config_maps(3, color="green"))
        granted = next(iter(engine.state.targets))
        await engine.until(lambda: engine.state.grants[granted].revision == "3", "granted")
        writes = len(engine.clusters["a"].writes)
        engine.clusters["a"].gate.set()
        engine.clusters["a"].gate = None
        await engine.until_synced("3")

    assert len(engine.clusters["a"].writes) == writes + 3
    assert colors(engine) == {"a": "green"}


@in_virtual_time
async def test_a_person_who_syncs_lets_it_be_tried_out_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, *NAMES)
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine, *NAMES)
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until_phase(TargetPhase.FAILED)
        for cluster in engine.clusters.values():
            cluster.refusals.clear()
        await engine.controller.sync(engine.ref("shop"), who="Ana")
        await engine.until_synced("2")

    assert colors(engine) == dict.fromkeys(NAMES, "green")


@pytest.mark.parametrize(("validation", "expected"), [("Always", 3), ("Never", 0)])
@in_virtual_time
async def test_every_cluster_may_try_it_out_by_itself_or_none(
    tmp_path: Path, validation: str, expected: int
) -> None:
    engine = make_engine(tmp_path, *NAMES)
    engine.declare_application("shop", sync={"validation": validation})
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until_synced("2")

    assert dry_runs(engine) == dict.fromkeys(NAMES, expected)


@in_virtual_time
async def test_all_or_nothing_writes_nothing_when_anything_is_refused(tmp_path: Path) -> None:
    """The first sync included; quota counts too, for it is the very cluster that is asked."""
    engine = make_engine(tmp_path, "a", "b")
    engine.declare_application("shop", sync={"failure": "AllOrNothing"})
    refuse(engine, "a", error=ForbiddenByCluster("quota exceeded"))
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_synced("1", "b")
        await engine.until_phase(TargetPhase.FAILED, "a")
        await anyio.sleep(60)
        before = dict(engine.clusters["a"].objects)
        engine.clusters["a"].refusals.clear()
        await engine.until_synced("1")

    assert before == {}
    assert engine.clusters["a"].writes == [("apply", key_of(f"m{n}")) for n in range(3)]


@in_virtual_time
async def test_best_effort_tries_all_and_tells_all(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "a")
    engine.clusters["a"].refusals = {key_of("m0"): INVALID, key_of("m2"): INVALID}
    engine.source.commit(**config_maps(3, color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.FAILED)
        view = engine.target("a")
        (record,) = engine.store.recorded(Deed.TARGET_FAILED)

    assert set(engine.clusters["a"].objects) == {key_of("m1")}
    assert [each.object for each in view.problems if each.reason == "InvalidObject"] == [
        "ConfigMap default/m0",
        "ConfigMap default/m2",
    ]
    assert record.body["counts"] == {"failed": 2, "applied": 1}
