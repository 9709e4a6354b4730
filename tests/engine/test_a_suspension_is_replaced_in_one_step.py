"""Who suspends anew lets nothing through: not for a moment, by no crash, and not by what ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.model.records import Deed, Record
from shoal.store import Change, DropHold, PutHold


class SlowStore(MemoryStore):
    """Writes that a hold began or ended long before it says so; `reasons` are what each left."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.reasons: list[list[str]] = []

    async def write(self, *changes: Change) -> Sequence[Record]:
        records = await super().write(*changes)
        if any(isinstance(each, (PutHold, DropHold)) for each in changes):
            self.reasons.append(await self.standing())
            await anyio.sleep(self.seconds)
        return records

    async def standing(self) -> list[str]:
        """Why what is held is held, by what a restart would find."""
        return [hold.reason for hold in (await self.load()).holds.values()]


def slow_engine(folder: Path, *clusters: str) -> tuple[EngineUnderTest, SlowStore]:
    engine, store = make_engine(folder, *clusters), SlowStore()
    engine.store = store
    return engine, store


async def suspend(engine: EngineUnderTest, reason: str, seconds: float) -> None:
    until = now() + timedelta(seconds=seconds)
    shop = engine.ref("shop")
    await engine.controller.suspend(shop, who="ana", reason=reason, until=until)


def in_memory(engine: EngineUnderTest) -> list[str]:
    return [hold.reason for hold in engine.state.holds.values()]


@in_virtual_time
async def test_nothing_is_written_while_a_suspension_takes_the_place_of_another(
    tmp_path: Path,
) -> None:
    engine, store = slow_engine(tmp_path, "dev")
    first = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        await suspend(engine, "a storm", 600)
        engine.source.commit(shop__settings=config_map(color="red"))
        store.seconds = 60
        await suspend(engine, "a longer storm", 900)
        await anyio.sleep(300)
        seen = data_in(engine.clusters["dev"])
        released = engine.store.recorded(Deed.HOLD_RELEASED)
        placed = engine.store.recorded(Deed.HOLD_PLACED)

    assert seen == {"color": "blue"}
    assert store.reasons == [["a storm"], ["a longer storm"]]
    assert [(each.who, each.why) for each in released] == [("ana", "replaced")]
    assert [each.why for each in placed] == ["a storm", "a longer storm"]


@in_virtual_time
async def test_one_that_runs_out_does_not_take_with_it_what_was_put_in_its_place(
    tmp_path: Path,
) -> None:
    engine, store = slow_engine(tmp_path, "dev", "test")
    first = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        await suspend(engine, "a storm", 600)
        store.seconds = 60
        await engine.until_recorded(Deed.HOLD_RELEASED)  # and whoever lifts it waits for the disk
        store.seconds = 0
        await suspend(engine, "another storm", 600)
        engine.source.commit(shop__settings=config_map(color="red"))
        await anyio.sleep(300)
        left = in_memory(engine), await store.standing()
        seen = data_in(engine.clusters["dev"])

    assert left == (["another storm"], ["another storm"])
    assert seen == {"color": "blue"}


@in_virtual_time
async def test_one_that_is_being_written_while_another_runs_out_stands(tmp_path: Path) -> None:
    engine, store = slow_engine(tmp_path, "dev", "test")
    first = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        await suspend(engine, "a storm", 600)
        await anyio.sleep(570)
        store.seconds = 60
        await suspend(engine, "another storm", 600)
        await anyio.sleep(300)
        left = in_memory(engine), await store.standing()
        released = engine.store.recorded(Deed.HOLD_RELEASED)

    assert left == (["another storm"], ["another storm"])
    assert [each.why for each in released] == ["replaced"]


@in_virtual_time
async def test_what_is_resumed_while_a_target_ends_another_hold_stays_resumed(
    tmp_path: Path,
) -> None:
    engine, store = slow_engine(tmp_path, "dev")
    engine.gate.refuses = lambda proposal: "not today"
    engine.declare_application("shop", gates=[{"asking": {}}])
    engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_held("Gate")
        store.seconds = 60
        await suspend(engine, "a storm", 3600)
        await engine.until_recorded(Deed.HOLD_RELEASED)  # the gate's, whose end waits for the disk
        store.seconds = 0
        await engine.controller.resume(engine.ref("shop"), who="ana", reason="it is over")
        await anyio.sleep(300)
        left = [hold.cause for hold in engine.state.holds.values()]

    assert left == ["Gate"]
