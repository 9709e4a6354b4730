"""`shoal sync --rerun` reaches the session of every cluster that it is for, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.harness import config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.identity import Ref
from shoal.model.plans import Desired, Plan
from shoal.model.records import Deed
from shoal.testing.fake_target import FakeSession

SHOP = Ref("default", "shop")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Cluster, and whether what has ended was to run again, for each plan that was made."""
    seen: list[tuple[str, bool]] = []
    plan = FakeSession.plan

    async def noting(
        self: FakeSession, desired: Desired, *, rerun: bool = False, **rest: Any
    ) -> Plan:
        seen.append((desired.target.cluster, rerun))
        return await plan(self, desired, rerun=rerun, **rest)

    monkeypatch.setattr(FakeSession, "plan", noting)
    return seen


def test_only_what_was_asked_for_runs_again(
    tmp_path: Path, planned: list[tuple[str, bool]]
) -> None:
    @in_virtual_time
    async def fleet() -> None:
        engine = make_engine(tmp_path, "one", "two")
        revision = engine.source.commit(shop__settings=config_map(a="1"))
        async with engine.running():
            await engine.until_synced(revision)
            planned.clear()

            await engine.controller.sync(SHOP, who="ana", clusters=frozenset({"one"}), rerun=True)
            await anyio.sleep(60)
            assert ("one", True) in planned
            assert ("two", True) not in planned

            planned.clear()
            await engine.controller.sync(SHOP, who="ana")
            await anyio.sleep(60)
            assert planned
            assert not any(rerun for _, rerun in planned)
        asked, again = engine.store.recorded(Deed.SYNC_REQUESTED)
        assert (asked.why, again.why) == ("to run again what has ended", "")

    fleet()
