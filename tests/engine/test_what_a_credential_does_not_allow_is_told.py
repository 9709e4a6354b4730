from __future__ import annotations

from pathlib import Path

from tests.engine.harness import config_map, make_engine
from tests.engine.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_cluster_says_what_may_not_be_watched_until_it_may(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())
    limit = "secrets may not be watched; they are read every 5 minutes instead"
    engine.clusters["one"].limits = (limit,)

    async with engine.running():
        await engine.until_synced(revision)
        narrowed = engine.cluster("one")
        engine.clusters["one"].limits = ()
        await engine.until_cluster("one", lambda view: not view.message, "may watch everything")

    assert narrowed.reachable == narrowed.authorized == "True"
    assert narrowed.message == limit
