from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.telling import Sync
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import (
    Action,
    Change,
    Content,
    Desired,
    Grant,
    Owned,
    OwnedState,
    Plan,
    Result,
    ResultStatus,
)
from shoal.model.policies import SyncPolicy
from shoal.store import open_store

TARGET = TargetKey(Ref("default", "shop"), "dev")
JOB = ObjectKey("batch", "Job", "shop", "migrate")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
WRITTEN = Owned(TARGET, JOB, "uid-1", "desired", "owned", b"running", OwnedState.CONFIRMED)
FINISHED = replace(WRITTEN, baseline=b"finished")


async def test_a_sighting_between_a_result_and_its_record_is_what_is_stored(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state") as store:
        state = EngineState(lambda: NOW)
        recording = Recording(store, state)
        desired = Desired(
            TARGET, Grant(TARGET, "1", "head", NOW), "d", Content("c", ()), SyncPolicy()
        )
        plan = Plan(TARGET, (Change(JOB, Action.CREATE, None, "desired"),))
        result = Result(JOB, Action.CREATE, ResultStatus.APPLIED, owned=WRITTEN)

        recording.took(TARGET, result)
        await recording.seen(FINISHED.target.cluster, [FINISHED])
        sync = Sync(state.target(TARGET), desired, plan, [result], "Ana", "Open the shop")
        await recording.synced(sync, status="synced")
        stored = (await store.load()).inventory["dev"][JOB]

    assert state.inventory("dev")[JOB] == FINISHED
    assert stored == FINISHED
