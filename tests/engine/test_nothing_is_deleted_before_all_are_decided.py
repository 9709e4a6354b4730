"""A deletion waits until every application of its cluster was decided, and no longer than that."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import anyio
from tests.engine.fakes import FakeGate, NoSpec, SlowRenderer
from tests.engine.harness import EngineUnderTest, config_map, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.hooks.gates import Proposal
from shoal.hooks.host import Host
from shoal.model.records import Deed

OTHERS = tuple(f"other-{number}" for number in range(3))


@dataclass
class DecidingGate(FakeGate):
    """Takes a while to answer, in which everything that was slow to render is decided."""

    renderer: SlowRenderer = field(default_factory=SlowRenderer)

    async def evaluate(self, spec: NoSpec, proposal: Proposal, host: Host) -> str | None:
        self.renderer.gate.set()
        await anyio.sleep(5)
        return await super().evaluate(spec, proposal, host)


def two_applications(folder: Path) -> tuple[EngineUnderTest, SlowRenderer]:
    engine = make_engine(folder, "dev")
    engine.declare_application("other")
    engine.renderer = renderer = SlowRenderer()
    engine.source.commit(
        shop__kept=config_map("kept"), shop__moved=config_map("moved"), other__own=config_map("own")
    )
    return engine, renderer


def deletions(engine: EngineUnderTest) -> list[str]:
    return [key.name for verb, key in engine.clusters["dev"].writes if verb == "delete"]


@in_virtual_time
async def test_a_deletion_waits_for_an_application_that_is_slow_to_render(tmp_path: Path) -> None:
    engine, renderer = two_applications(tmp_path)
    cluster = engine.clusters["dev"]
    async with engine.running():
        await engine.until_synced("1", "dev")
        await engine.until(lambda: key_of("own") in cluster.objects, "the other is there")
        uid = cluster.objects[key_of("moved")].uid
        revision = engine.source.commit(
            shop__kept=config_map("kept", a="2"),
            other__own=config_map("own"),
            other__moved=config_map("moved"),
            other__slow=config_map("slow"),
        )
        await engine.until(lambda: data_in(cluster, "kept") == {"a": "2"}, "what is sure is done")
        await anyio.sleep(30)
        still_there = key_of("moved") in cluster.objects
        renderer.gate.set()
        await engine.until(
            lambda: (
                engine.target("dev", "other").revision == revision
                and engine.target("dev", "other").phase is TargetPhase.SYNCED
            ),
            "the other is synced",
        )
        moved = cluster.objects[key_of("moved")]

    assert still_there
    assert deletions(engine) == []
    assert moved.uid == uid
    assert moved.owner is not None
    assert moved.owner.application.name == "other"


@in_virtual_time
async def test_a_deletion_goes_on_at_once_when_the_last_of_them_is_decided(tmp_path: Path) -> None:
    engine, renderer = two_applications(tmp_path)
    cluster = engine.clusters["dev"]
    async with engine.running():
        await engine.until_synced("1", "dev")
        await engine.until(lambda: key_of("own") in cluster.objects, "the other is there")
        engine.source.commit(
            shop__kept=config_map("kept", a="2"),
            other__own=config_map("own"),
            other__slow=config_map("slow"),
        )
        await engine.until(lambda: data_in(cluster, "kept") == {"a": "2"}, "what is sure is done")
        await anyio.sleep(30)
        before = anyio.current_time()
        renderer.gate.set()
        await engine.until(lambda: key_of("moved") not in cluster.objects, "it is deleted")
        seconds = anyio.current_time() - before

    assert seconds < 1


@in_virtual_time
async def test_an_application_that_fails_stops_no_deletion_of_another(tmp_path: Path) -> None:
    engine, _ = two_applications(tmp_path)
    cluster = engine.clusters["dev"]
    async with engine.running():
        await engine.until_synced("1", "dev")
        await engine.until(lambda: key_of("own") in cluster.objects, "the other is there")
        engine.source.commit(
            shop__kept=config_map("kept"),
            other__own=config_map("own"),
            other__broken=config_map("broken"),
        )
        await engine.until(lambda: key_of("moved") not in cluster.objects, "it is deleted")

    assert deletions(engine) == ["moved"]
    assert key_of("own") in cluster.objects


@in_virtual_time
async def test_what_a_failing_application_has_is_not_taken_from_it(
    tmp_path: Path,
) -> None:
    engine, _ = two_applications(tmp_path)
    cluster = engine.clusters["dev"]
    async with engine.running():
        await engine.until_synced("1", "dev")
        await engine.until(lambda: key_of("own") in cluster.objects, "the other is there")
        engine.source.commit(
            shop__kept=config_map("kept"),
            shop__moved=config_map("moved"),
            shop__own=config_map("own"),
            other__broken=config_map("broken"),
        )
        await engine.until(lambda: bool(engine.target("dev").message), "the shop cannot have it")
        owner = cluster.objects[key_of("own")].owner

    assert owner is not None
    assert owner.application.name == "other"


@in_virtual_time
async def test_a_removal_goes_on_after_a_decision_that_is_about_other_clusters(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev", *OTHERS)
    engine.renderer = renderer = SlowRenderer()
    engine.let_grace_last("1m")
    engine.declare_application("shop", placement={"clusterSelector": {"matchLabels": {"a": "b"}}})
    for name in ("dev", *OTHERS):
        engine.declare_cluster(name, a="b")
    engine.source.commit(shop__kept=config_map("kept"))
    async with engine.running():
        await engine.until(lambda: key_of("kept") in engine.clusters["dev"].objects, "it is there")
        engine.declare_cluster("dev", a="c")
        await engine.until(engine.controller.holds, "its removal is announced")
    engine.source.commit(shop__kept=config_map("kept"), shop__slow=config_map("slow"))
    engine.restart()
    await anyio.sleep(120)
    async with engine.running():
        await anyio.sleep(20)
        before = len(engine.clusters["dev"].objects)
        renderer.gate.set()
        await engine.until(lambda: not engine.clusters["dev"].objects, "it is deleted")

    assert before == 1


@in_virtual_time
async def test_a_pass_that_left_something_out_is_not_whole_because_all_is_decided_meanwhile(
    tmp_path: Path,
) -> None:
    engine, renderer = two_applications(tmp_path)
    engine.gate = DecidingGate(renderer=renderer)
    engine.declare_application("shop", gates=[{"asking": {}}])
    kept = {f"shop__kept-{number}": config_map(f"kept-{number}") for number in range(3)}
    gone = {f"shop__gone-{number}": config_map(f"gone-{number}") for number in range(2)}
    first = engine.source.commit(**kept, **gone, other__own=config_map("own"))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        renderer.gate = anyio.Event()
        shop, slow = {**kept, "shop__new": config_map("new")}, config_map("slow")
        revision = engine.source.commit(**shop, other__own=config_map("own"), other__slow=slow)
        (hold,) = await engine.until_held("PruneBudget")
        held_at = engine.target("dev").revision
        await engine.controller.approve(hold.id, who="Ana", reason="they are not needed")
        await engine.until_synced(revision)

    assert held_at == first
    assert sorted(deletions(engine)) == ["gone-0", "gone-1"]


@in_virtual_time
async def test_what_others_may_take_over_is_no_large_prune_while_one_of_them_is_slow(
    tmp_path: Path,
) -> None:
    engine, renderer = two_applications(tmp_path)
    cluster = engine.clusters["dev"]
    engine.declare_application("web")
    kept = {f"shop__kept-{number}": config_map(f"kept-{number}") for number in range(3)}
    moved = {f"moved-{number}": config_map(f"moved-{number}") for number in range(2)}
    in_shop = {f"shop__{name}": body for name, body in moved.items()}
    in_other = {f"other__{name}": body for name, body in moved.items()}
    own = {"other__own": config_map("own")}
    engine.source.commit(**kept, **in_shop, **own, web__page=config_map("page"))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        await engine.until_phase(TargetPhase.SYNCED, application="web")
        engine.source.commit(
            **kept,
            **in_other,
            **own,
            web__page=config_map("page", a="2"),
            other__slow=config_map("slow"),
        )
        await anyio.sleep(30)
        renderer.gate.set()
        await engine.until(lambda: key_of("slow") in cluster.objects, "the other is there")
        await engine.until_phase(TargetPhase.SYNCED)

    assert deletions(engine) == []
    assert engine.store.recorded(Deed.HOLD_PLACED) == []
