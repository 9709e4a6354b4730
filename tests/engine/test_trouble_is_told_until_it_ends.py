"""Alerts over the whole engine: troubles are told together, each once, and once more when over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
from tests.engine.harness import config_map, key_of
from tests.engine.troubles import MINUTE, allow, refuse, watched
from tests.engine.virtual_time import in_virtual_time, now

from shoal.model.health import Health, HealthState
from shoal.model.identity import Ref
from shoal.model.records import Deed


@in_virtual_time
async def test_a_blip_on_fifty_targets_is_one_message_and_one_recovery(tmp_path: Path) -> None:
    engine = watched(tmp_path, *(f"c{number}" for number in range(50)))

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await anyio.sleep(MINUTE)
        allow(engine)
        await engine.until_synced("2")
        await anyio.sleep(5)

    first, second = engine.notifier.sent
    assert first.title == "shop failed on 50 clusters"
    assert first.topics[0].message == "ConfigMap default/settings: its name is not known"
    assert second.title == "shop recovered on 50 clusters"
    assert second.is_recovery


@in_virtual_time
async def test_clusters_that_do_not_answer_are_one_message_and_one_recovery(tmp_path: Path) -> None:
    engine = watched(tmp_path, *(f"c{number}" for number in range(9)))

    async with engine.running():
        await engine.until_synced("1")
        for cluster in engine.clusters.values():
            cluster.unreachable = True
        await anyio.sleep(4 * MINUTE)
        for cluster in engine.clusters.values():
            cluster.unreachable = False
        await anyio.sleep(15 * MINUTE)

    assert engine.notifier.titles == ["9 clusters do not answer", "9 clusters answer again"]


@in_virtual_time
async def test_a_correction_that_failed_has_recovered_when_it_succeeds(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        await engine.clusters["one"].change(key_of(), {"data": {"color": "red"}})
        await engine.until(lambda: engine.notifier.titles, "that it failed")
        allow(engine)
        await engine.until_recorded(Deed.TARGET_RECOVERED)
        await anyio.sleep(MINUTE)

    assert engine.notifier.titles == ["shop failed on one", "shop recovered on one"]


@in_virtual_time
async def test_a_target_says_since_when_it_fails(tmp_path: Path) -> None:
    """It is not the time of its last sync, and trying again does not move it."""
    engine = watched(tmp_path, "one")

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(MINUTE)
        refuse(engine)
        began = now()
        engine.source.commit(shop__settings=config_map(color="green"))
        await anyio.sleep(10 * MINUTE)
        failing = engine.target("one")
        allow(engine)
        await engine.until_synced("2")
        mended = engine.target("one")

    assert failing.since is not None
    assert timedelta() < failing.since - began < timedelta(seconds=5)
    assert mended.since == mended.synced_at


@in_virtual_time
async def test_what_waits_for_a_person_is_told_with_the_command_that_ends_it(
    tmp_path: Path,
) -> None:
    engine = watched(tmp_path, "one")

    async with engine.running():
        await engine.until_synced("1")
        until = now() + timedelta(hours=1)
        shop = Ref("default", "shop")
        await engine.controller.suspend(shop, who="ana", reason="a freeze", until=until)
        await anyio.sleep(MINUTE)
        await engine.controller.resume(shop, who="ana", reason="it is over")
        await anyio.sleep(MINUTE)

    held, released = engine.notifier.sent
    assert held.title == "shop is held"
    assert held.topics[0].message == "Suspended: a freeze"
    assert held.topics[0].next_step == "shoal resume default/shop"
    assert released.title == "shop is held no more"
    assert (released.topics[0].change, released.topics[0].who) == ("it is over", "ana")


@in_virtual_time
async def test_drift_that_is_reported_is_told_until_it_ends(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")
    engine.declare_application("shop", sync={"whenDrifted": "Report"})

    async with engine.running():
        await engine.until_synced("1")
        await engine.clusters["one"].change(key_of(), {"data": {"color": "red"}})
        await anyio.sleep(20 * MINUTE)
        await engine.clusters["one"].change(key_of(), {"data": {"color": "blue"}})
        await anyio.sleep(MINUTE)

    assert engine.notifier.titles == [
        "shop was changed by hand on one",
        "shop is equal to Git again on one",
    ]


@in_virtual_time
async def test_what_does_badly_is_told_once_until_it_is_healthy_again(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", "two")
    ill, slow = Health(HealthState.DEGRADED, "it restarts"), Health(HealthState.PROGRESSING)

    async with engine.running():
        await engine.until_synced("1")
        for cluster in engine.clusters.values():
            for health in (ill, slow, ill):
                cluster.set_health(key_of(), health)
                await anyio.sleep(1)
        await anyio.sleep(MINUTE)
        for cluster in engine.clusters.values():
            cluster.set_health(key_of(), Health(HealthState.HEALTHY))
        await anyio.sleep(5)

    assert engine.notifier.titles == [
        "shop is not healthy on one and two",
        "shop is healthy again on one and two",
    ]
    assert engine.notifier.sent[0].topics[0].message == "ConfigMap default/settings: it restarts"
    assert len(engine.store.recorded(Deed.TARGET_DEGRADED)) == 2


@in_virtual_time
async def test_documents_that_cannot_be_read_are_told_until_they_can(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")

    async with engine.running():
        await engine.until_synced("1")
        kept = engine.documents.files["Application-shop.yaml"]
        engine.documents.files["Application-shop.yaml"] = (
            b"apiVersion: shoal.dev/v1alpha1\nkind: Aplication"
        )
        await anyio.sleep(MINUTE)
        engine.documents.files["Application-shop.yaml"] = kept
        await anyio.sleep(MINUTE)

    assert engine.notifier.titles == [
        "the fleet cannot be read in full",
        "the fleet can be read in full again",
    ]


@in_virtual_time
async def test_what_is_muted_is_recorded_and_told_afterwards_if_it_goes_on(tmp_path: Path) -> None:
    until = (now() + timedelta(minutes=10)).isoformat()
    engine = watched(tmp_path, "one", mute=[{"until": until, "reason": "a freeze"}])

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        (entry,) = await engine.until_recorded(Deed.ALERT_MUTED)
        (view,) = engine.controller.alerts()
        await anyio.sleep(8 * MINUTE)
        titles = engine.notifier.titles
        await anyio.sleep(2 * MINUTE)

    (failed,) = engine.store.recorded(Deed.TARGET_FAILED)
    assert (entry.why, len(entry.body["records"])) == ("a freeze", 1)
    assert view.message == "muted until 2026-01-01 00:10 UTC: a freeze"
    assert titles == []
    assert engine.notifier.titles == ["shop failed on one"]
    assert failed
