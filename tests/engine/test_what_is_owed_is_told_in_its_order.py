"""What could not be written is written before what happened later, whoever writes first again."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import config_map, make_engine, target_key
from tests.engine.virtual_time import START, in_virtual_time, now

from shoal.engine.owing import Debt, Owing
from shoal.engine.state import EngineState
from shoal.errors import SourceUnavailable
from shoal.model.records import Deed, Entry, Verdict
from shoal.store import Append, states


@in_virtual_time
async def test_a_trouble_does_not_end_before_it_began(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.store.is_full = True
        engine.documents.error = SourceUnavailable("the forge gives no answer")
        await engine.until(lambda: engine.state.store_trouble, "trouble")
        engine.store.is_full, engine.documents.error = False, None
        await engine.until_recorded(Deed.FLEET_RECOVERED)
        await engine.until_recorded(Deed.FLEET_INVALID)

    told = [entry.what for entry in engine.store.entries]
    assert told.index(Deed.FLEET_INVALID) < told.index(Deed.FLEET_RECOVERED)


def outcome(revision: str) -> Debt:
    """What became of a target at a revision."""
    target = target_key("dev")
    state = states.TargetState(target, "synced", START, revision)
    return Debt(target.cluster, outcome=state, entry=entry(revision))


def entry(revision: str) -> Entry:
    subject = str(target_key("dev"))
    return Entry(now(), "ann", Deed.TARGET_SYNCED, "", subject, Verdict.SUCCEEDED, revision)


@in_virtual_time
async def test_an_older_outcome_is_not_written_over_a_newer_one() -> None:
    store, state = MemoryStore(), EngineState(now)
    owing = Owing(store, state)  # type: ignore[arg-type]  # the store in memory

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(owing.run)
        store.is_full = True
        await owing.settle(outcome("1"))
        store.is_full = False
        await owing.settle(outcome("2"))
        await owing.write(Append(entry("3")))
        await anyio.sleep(60)
        tasks.cancel_scope.cancel()

    kept = await store.load()
    assert [each.revision for each in store.recorded(Deed.TARGET_SYNCED)] == ["1", "2", "3"]
    assert kept.targets[target_key("dev")].revision == "2"
    assert state.store_trouble is None
