"""An object whose finalizer never goes: it is named with a way out, and nothing waits for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
from tests.engine.harness import config_maps, data_in, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase

HANGING = key_of("m0")


def without_m0(color: str) -> dict[str, Any]:
    manifests = config_maps(9, color=color)
    del manifests["shop__m0"]
    return manifests


@in_virtual_time
async def test_it_is_told_while_later_commits_are_applied_and_ends_with_its_finalizer(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    cluster = engine.clusters["dev"]
    cluster.finalizers[HANGING] = "example.org/hold"
    engine.source.commit(**config_maps(9, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**without_m0("blue"))
        await engine.until(lambda: engine.target("dev").problems, "the object that hangs")
        view = engine.target("dev")
        await anyio.sleep(700)
        engine.source.commit(**without_m0("green"))
        await engine.until(lambda: data_in(cluster, "m1") == {"color": "green"}, "the new commit")
        await anyio.sleep(700)
        # At some moment between two tries, which are minutes apart by now.
        tries = len(cluster.writes)
        await cluster.remove(HANGING)
        await anyio.sleep(2)
        after = engine.target("dev")

    assert view.phase is TargetPhase.SYNCING
    assert view.message == (
        f"{HANGING}: it is being deleted and waits for its finalizer example.org/hold"
    )
    assert view.next_step == "see who should take it off"
    assert (after.phase, after.objects, after.message) == (TargetPhase.SYNCED, 8, "")
    assert len(cluster.writes) == tries
