"""While the store cannot be written nothing new happens, what is ours is healed, nobody dies."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import config_map, data_in, key_of, make_engine, target_key
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed


@in_virtual_time
async def test_drift_is_healed_although_it_cannot_be_recorded(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        await one.change(key_of(), {"data": {"color": "edited"}})
        await engine.until(lambda: data_in(one) == {"color": "blue"}, "the edit is undone")


@in_virtual_time
async def test_a_commit_waits_and_lands_once_there_is_room_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    first = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(first)
        engine.store.is_full = True
        second = engine.source.commit(
            shop__settings=config_map(color="green"), shop__more=config_map("more")
        )
        await anyio.sleep(600)
        meanwhile = data_in(one), key_of("more") in one.objects
        engine.store.is_full = False
        await engine.until_synced(second)

    assert meanwhile == ({"color": "blue"}, False)
    assert data_in(one) == {"color": "green"}
    assert [entry.revision for entry in engine.store.recorded(Deed.SOURCE_CHANGED)] == ["1", "2"]


@in_virtual_time
async def test_a_document_waits_and_counts_once_there_is_room_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    shop, web = config_map(), config_map("page")
    revision = engine.source.commit(shop__settings=shop, web__page=web)

    async with engine.running():
        await engine.until_synced(revision)
        engine.store.is_full = True
        engine.declare_application("web")
        await anyio.sleep(600)
        fleet = engine.controller.fleet()
        engine.store.is_full = False
        await engine.until(lambda: key_of("page") in engine.clusters["one"].objects, "the page")

    assert fleet.ready == "False"
    assert "the disk is full" in fleet.message


@in_virtual_time
async def test_a_removed_application_is_still_kept_for_a_person(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        del engine.documents.files["Application-shop.yaml"]
        engine.store.is_full = True
        await anyio.sleep(600)
        engine.store.is_full = False
        await engine.until(engine.controller.holds, "a hold")
        (hold,) = engine.controller.holds()

    assert hold.subject == str(target_key("one"))
    assert key_of() in engine.clusters["one"].objects


@in_virtual_time
async def test_an_application_wanted_again_is_held_no_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map())

    async with engine.running():
        await engine.until_synced(revision)
        shop = engine.documents.files.pop("Application-shop.yaml")
        await engine.until(engine.controller.holds, "a hold")
        engine.documents.files["Application-shop.yaml"] = shop
        engine.store.is_full = True
        await anyio.sleep(60)
        engine.store.is_full = False
        await engine.until_synced(revision)
        await engine.until(lambda: not engine.controller.holds(), "no hold")
