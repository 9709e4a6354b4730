from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import config_map, make_engine
from tests.engine.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_renewed_credential_waits_for_no_back_off(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())
    engine.clusters["one"].denied = True

    async with engine.running():
        await anyio.sleep(1800)
        refused = engine.cluster("one")
        opened = len(engine.target_type.opened)
        engine.clusters["one"].denied = False
        began = anyio.current_time()
        engine.access.tokens["one"] = "another token"
        await engine.until_synced(revision)

    assert (refused.authorized, refused.circuit) == ("False", "Open")
    assert opened < 20
    assert anyio.current_time() - began < 15


@in_virtual_time
async def test_a_refused_credential_that_stays_the_same_is_left_to_the_back_off(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.clusters["one"].denied = True

    async with engine.running():
        await anyio.sleep(3600)

    assert len(engine.target_type.opened) < 30


@in_virtual_time
async def test_each_new_content_of_a_refused_credential_is_tried_once(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.clusters["one"].denied = True

    async with engine.running():
        await anyio.sleep(1800)
        before = len(engine.target_type.opened)
        for number in range(3):
            engine.access.tokens["one"] = f"wrong too {number}"
            await anyio.sleep(30)
        tried = len(engine.target_type.opened) - before

    assert 3 <= tried <= 4  # one of them may be that of the back-off


@in_virtual_time
async def test_a_refused_credential_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.clusters["one"].denied = True
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_cluster("one", lambda view: view.authorized == "False", "is refused")
        engine.access.unreadable.add("one")
        await anyio.sleep(120)
        engine.access.unreadable.clear()
        engine.clusters["one"].denied = False
        await engine.until_synced(revision)
