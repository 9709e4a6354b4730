"""A removal goes on after a restart where it was, as long as the documents still say so."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_map, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import HoldView

MINUTE = 60.0


def open_the_shop(engine: EngineUnderTest) -> str:
    return engine.source.commit(shop__a=config_map("a"), shop__b=config_map("b"))


async def until_removing(engine: EngineUnderTest) -> HoldView:
    (hold,) = await engine.until_held("Removing", "one")
    return hold


async def until_gone(engine: EngineUnderTest) -> None:
    key = target_key("one")
    await engine.until(lambda: engine.state.catalog is not None, "the fleet is read")
    await engine.until(lambda: key not in engine.state.targets, f"{key} is gone")


async def begin_a_removal(engine: EngineUnderTest) -> HoldView:
    """Let the engine run for three minutes, in which the shop is removed."""
    revision = open_the_shop(engine)
    async with engine.running():
        await engine.until_synced(revision)
        engine.remove_application("shop")
        hold = await until_removing(engine)
        await anyio.sleep(3 * MINUTE)
    engine.restart()
    return hold


@in_virtual_time
async def test_a_grace_period_is_neither_begun_anew_nor_cut_short_by_a_restart(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    before = await begin_a_removal(engine)

    async with engine.running():
        after = await until_removing(engine)
        await anyio.sleep(6 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        await until_gone(engine)
        ended = now()

    assert after == before
    assert len(kept) == 2
    assert before.until is not None
    assert 0 <= (ended - before.until).total_seconds() < 5
    assert not engine.clusters["one"].objects


@in_virtual_time
async def test_a_controller_that_was_down_until_after_the_end_looks_at_the_documents_first(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    await begin_a_removal(engine)
    await anyio.sleep(60 * MINUTE)
    documents, engine.documents.files = engine.documents.files, {}

    async with engine.running():
        await anyio.sleep(5 * MINUTE)
        unread = dict(engine.clusters["one"].objects)
        engine.documents.files = documents
        await until_gone(engine)

    assert len(unread) == 2
    assert not engine.clusters["one"].objects


@in_virtual_time
async def test_what_was_put_back_while_nobody_looked_stays(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    await begin_a_removal(engine)
    await anyio.sleep(60 * MINUTE)
    engine.declare_application("shop")
    written = list(engine.clusters["one"].writes)

    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        await anyio.sleep(15 * MINUTE)
        holds = engine.controller.holds()

    assert not holds
    assert engine.clusters["one"].writes == written


@in_virtual_time
async def test_what_was_removed_while_nobody_looked_has_its_whole_grace_period(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = open_the_shop(engine)
    async with engine.running():
        await engine.until_synced(revision)
    engine.restart()
    engine.remove_application("shop")

    async with engine.running():
        hold = await until_removing(engine)
        await anyio.sleep(9 * MINUTE)
        kept = dict(engine.clusters["one"].objects)
        await until_gone(engine)

    assert hold.until is not None
    assert (hold.until - hold.since).total_seconds() == 10 * MINUTE
    assert len(kept) == 2
    assert not engine.clusters["one"].objects
