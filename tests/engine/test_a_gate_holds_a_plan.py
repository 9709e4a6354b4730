"""Gates are asked before anything is written, and hold what they refuse."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import anyio
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    data_in,
    key_of,
    make_engine,
    target_key,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import HoldView
from shoal.hooks.gates import Proposal
from shoal.model.plans import Action
from shoal.model.records import Deed

GATES = [{"asking": {}}]


def gated(folder: Path, *clusters: str) -> EngineUnderTest:
    engine = make_engine(folder, *(clusters or ("one",)))
    engine.declare_application("shop", gates=GATES)
    return engine


async def until_held(engine: EngineUnderTest, cluster: str = "one") -> HoldView:
    def holds() -> HoldView | None:
        subject = str(target_key(cluster))
        return next((each for each in engine.controller.holds() if each.subject == subject), None)

    found = await engine.until(holds, f"a hold of {cluster}")
    assert found is not None
    return found


@in_virtual_time
async def test_a_gate_that_agrees_is_asked_once_and_the_plan_is_carried_out(tmp_path: Path) -> None:
    engine = gated(tmp_path)
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)

    (proposal,) = engine.gate.asked
    assert [(change.key, change.action) for change in proposal.plan.changes] == [
        (key_of(), Action.CREATE)
    ]
    assert (proposal.revision, proposal.cluster.name) == (revision, "one")


@in_virtual_time
async def test_what_a_gate_refuses_is_held_with_its_reason_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    engine = gated(tmp_path)
    engine.gate.refuses = lambda proposal: "it is Friday"
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        hold = await until_held(engine)
        view = engine.target("one")

    assert hold.reason == (
        "1 change of default/shop on cluster one waits, because spec.gates[0] (asking) says: "
        "it is Friday"
    )
    assert (hold.cause, hold.release) == ("Gate", f"shoal approve {hold.id} --reason …")
    assert (view.phase, data_in(engine.clusters["one"])) == (TargetPhase.HELD, {})
    assert engine.clusters["one"].writes == []


@in_virtual_time
async def test_a_gate_that_refuses_is_asked_again_and_its_hold_ends_by_itself(
    tmp_path: Path,
) -> None:
    engine = gated(tmp_path)
    refusing = [True, True, True]
    engine.gate.refuses = lambda proposal: "not yet" if refusing and refusing.pop() else None
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        holds = engine.controller.holds()

    times = sorted({proposal.now for proposal in engine.gate.asked})
    assert holds == []
    assert len(engine.store.recorded(Deed.HOLD_PLACED)) == 1
    assert len(times) == 4
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(times))


@in_virtual_time
async def test_an_approval_lets_exactly_this_plan_pass(tmp_path: Path) -> None:
    engine = gated(tmp_path)
    engine.gate.refuses = lambda proposal: "no"
    first = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        hold = await until_held(engine)
        await engine.controller.approve(hold.id, who="Ana", reason="seen")
        await engine.until_synced(first)
        engine.source.commit(shop__settings=config_map(a="2"))
        another = await until_held(engine)

    assert another.id != hold.id
    assert data_in(engine.clusters["one"]) == {"a": "1"}


@in_virtual_time
async def test_an_approval_does_not_speak_for_a_gate_that_refuses_later(tmp_path: Path) -> None:
    engine = gated(tmp_path)
    engine.declare_application("shop", gates=[*GATES, *GATES])
    answers = ["no", None]
    engine.gate.refuses = lambda proposal: answers[(len(engine.gate.asked) - 1) % 2]
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        hold = await until_held(engine)
        answers[1] = "no as well"
        await engine.controller.approve(hold.id, who="Ana", reason="seen")
        another = await until_held(engine)

    assert another.id != hold.id
    assert "spec.gates[1] (asking) says: no as well" in another.reason
    assert engine.clusters["one"].writes == []


@in_virtual_time
async def test_a_gate_that_breaks_refuses(tmp_path: Path) -> None:
    engine = gated(tmp_path)

    def broken(proposal: Proposal) -> str | None:
        raise ZeroDivisionError

    engine.gate.refuses = broken
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        hold = await until_held(engine)

    assert "it could not be asked, so nothing is written: gate asking failed" in hold.reason
    assert engine.clusters["one"].writes == []


@in_virtual_time
async def test_one_cluster_may_be_refused_alone(tmp_path: Path) -> None:
    engine = gated(tmp_path, "one", "two")
    engine.gate.refuses = lambda proposal: "no" if proposal.cluster.name == "one" else None
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await until_held(engine, "one")
        await engine.until_synced(revision, "two")

    assert data_in(engine.clusters["two"]) == {"a": "1"}


@in_virtual_time
async def test_drift_is_undone_without_asking_and_while_a_newer_plan_is_held(
    tmp_path: Path,
) -> None:
    engine = gated(tmp_path)
    first = engine.source.commit(shop__a=config_map("a", x="1"), shop__b=config_map("b", x="1"))
    cluster = engine.clusters["one"]

    async with engine.running():
        await engine.until_synced(first)
        engine.gate.refuses = lambda proposal: "no"
        await cluster.change(key_of("a"), {"data": {"x": "by hand"}})
        await engine.until(lambda: data_in(cluster, "a") == {"x": "1"}, "a is restored")
        asked_for_drift = engine.gate.asked[1:]
        engine.source.commit(shop__a=config_map("a", x="1"), shop__b=config_map("b", x="2"))
        hold = await until_held(engine)
        await cluster.change(key_of("a"), {"data": {"x": "again"}})
        await engine.until(lambda: data_in(cluster, "a") == {"x": "1"}, "a is restored again")
        await anyio.sleep(5 * 60)
        still = await until_held(engine)

    assert asked_for_drift == []
    assert still.id == hold.id
    assert data_in(cluster, "b") == {"x": "1"}


@in_virtual_time
async def test_a_gate_sees_what_an_update_would_change_and_no_secret(tmp_path: Path) -> None:
    engine = gated(tmp_path)
    engine.clusters["one"].served |= {key_of().group_kind}
    secret = {**config_map("token", a="MQ=="), "kind": "Secret"}
    first = engine.source.commit(shop__settings=config_map(a="1"), shop__token=secret)

    async with engine.running():
        await engine.until_synced(first)
        changed = {**secret, "data": {"a": "Mg=="}}
        second = engine.source.commit(shop__settings=config_map(a="2"), shop__token=changed)
        await engine.until_synced(second)

    created, updated = engine.gate.asked
    patches = {
        change.key.kind: list(updated.patch_of(change.key) or ()) for change in updated.plan.changes
    }
    assert patches == {
        "ConfigMap": [{"op": "replace", "path": "/data/a", "value": "2"}],
        "Secret": [{"op": "replace", "path": "/data/a", "value": "***"}],
    }
    assert created.patch_of(key_of()) is None
