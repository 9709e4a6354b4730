"""SIGKILL in the middle of writes: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shoal.store import open_store

WRITER = """
import asyncio, sys
from datetime import datetime, UTC
from pathlib import Path
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.records import Deed, Entry, Verdict
from shoal.store import Append, PutOwned, PutTarget, TargetState, open_store

def changes(cluster, number):
    target = TargetKey(Ref("default", "web"), cluster)
    now = datetime.now(UTC)
    rows = [
        Owned(target, ObjectKey("", "ConfigMap", "shop", str(one)), str(number), "", "", b"x" * 99,
              OwnedState.CONFIRMED)
        for one in range(50)
    ]
    entry = Entry(now, "shoal", Deed.TARGET_SYNCED, "", str(target), Verdict.SUCCEEDED,
                  revision=str(number))
    state = TargetState(target, "Synced", now, revision=str(number))
    return PutOwned(rows), PutTarget(state), Append(entry)

async def write(store, cluster):
    for number in range(1_000_000):
        (record,) = await store.write(*changes(cluster, number))
        print(record.seq, flush=True)

async def main():
    async with open_store(Path(sys.argv[1])) as store, asyncio.TaskGroup() as tasks:
        for cluster in ("dev", "staging", "prod"):
            tasks.create_task(write(store, cluster))

asyncio.run(main())
"""


async def killed_after(folder: Path, writes: int) -> int:
    """Run a writer, kill it after some acknowledged writes; the newest acknowledged number."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    acknowledged = 0
    async with asyncio.timeout(60):
        for _ in range(writes):
            acknowledged = max(acknowledged, int(await writer.stdout.readline()))
        writer.kill()
        rest = await writer.stdout.read()
        await writer.wait()
    complete = rest.decode().split("\n")[:-1]
    return max([acknowledged, *map(int, complete)])


async def test_acknowledged_writes_survive_and_none_is_half_there(tmp_path: Path) -> None:
    acknowledged = 0
    for round_number in range(2):
        acknowledged = await killed_after(tmp_path, 40 + round_number * 17)

        async with open_store(tmp_path) as store:
            state = await store.load()
            records = await store.records(limit=10_000)
            broken = await store.verify_ledger()

        assert broken is None
        assert store.last_seq >= acknowledged
        for target, outcome in state.targets.items():
            newest = next(one for one in records if one.entry.subject == str(target))
            assert newest.entry.revision == outcome.revision
            uids = {row.uid for row in state.inventory[target.cluster].values()}
            assert uids == {outcome.revision}
