"""Alerts over the whole engine: what is recorded arrives, once where possible, and together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.fakes import NotingSpec
from tests.engine.harness import EngineUnderTest, config_map, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.errors import AccessDenied, HttpFailed, Permanent, ServerBusy
from shoal.model.alerts import Batch, Purpose
from shoal.model.health import Health, HealthState
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.planning import alerting

MINUTE = 60.0


def watched(folder: Path, *names: str, **spec: Any) -> EngineUnderTest:
    """An engine with one Alert that says no more than where to."""
    engine = make_engine(folder, *names)
    engine.source.commit(shop__settings=config_map(color="blue"))
    engine.declare_alert(**spec)
    return engine


def refuse(engine: EngineUnderTest, *names: str) -> None:
    for name in names or engine.clusters:
        engine.clusters[name].refusals[key_of()] = ServerBusy("its name is not known")


def allow(engine: EngineUnderTest, *names: str) -> None:
    for name in names or engine.clusters:
        engine.clusters[name].refusals.clear()


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
async def test_a_destination_that_is_away_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    is_away = True
    engine.notifier.trouble = lambda spec, batch: HttpFailed("it is away") if is_away else None

    async with engine.running():
        for number in range(1, 6):
            engine.source.commit(shop__settings=config_map(number=str(number)))
            await engine.until_synced(str(number + 1))
            await anyio.sleep(10)
        (view,) = engine.controller.alerts()
        is_away = False
        await anyio.sleep(3 * MINUTE)

    assert view.ready == "False"
    assert view.message.startswith("noting: it is away (after ")
    revisions = [event.revision for batch in engine.notifier.sent for event in batch.events]
    assert revisions == ["2", "3", "4", "5", "6"]


@in_virtual_time
async def test_one_destination_waits_for_no_other(tmp_path: Path) -> None:
    both = [{"noting": {"to": "hanging"}}, {"noting": {"to": "well"}}]
    engine = watched(tmp_path, "one", to=both, events=["Synced"], groupFor="1s")

    class Hanging:
        name, spec = "noting", NotingSpec

        async def send(self, spec: NotingSpec, batch: Batch, host: Any) -> None:
            if spec.to == "hanging":
                await anyio.sleep_forever()
            await real.send(spec, batch, host)

    real = engine.notifier
    engine.notifier = Hanging()  # type: ignore[assignment]  # as much of it as is called
    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(5)
        titles = real.titles
        await anyio.sleep(2 * MINUTE)
        (view,) = engine.controller.alerts()

    assert titles == ["shop was synced on one"]
    assert [each.ready for each in view.destinations] == ["False", "True"]
    assert "did not answer for default/on-call>noting within 30 s" in view.message


@in_virtual_time
async def test_a_restart_sends_the_very_same_batch_and_loses_nothing(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")
    engine.notifier.trouble = lambda spec, batch: HttpFailed("it is away")

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until(lambda: engine.notifier.tried, "a try")
    engine.restart()
    engine.notifier.trouble = lambda spec, batch: None
    async with engine.running():
        await anyio.sleep(5 * MINUTE)

    assert len({batch.id for batch in engine.notifier.tried}) == 1
    assert engine.notifier.titles == ["shop failed on one"]


@in_virtual_time
async def test_killed_after_it_was_sent_it_is_sent_again_with_the_same_id(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")

    def arrives_and_is_not_noted(spec: NotingSpec, batch: Batch) -> None:
        engine.store.is_full = True

    engine.notifier.trouble = arrives_and_is_not_noted
    async with engine.running():
        await engine.until(lambda: engine.notifier.sent, "a batch")
    engine.notifier.trouble = lambda spec, batch: None
    engine.restart()
    async with engine.running():
        await anyio.sleep(MINUTE)

    first, again, *others = engine.notifier.sent
    assert (first.id, first.title) == (again.id, again.title)
    assert others == []


@in_virtual_time
async def test_nothing_is_sent_that_could_not_be_stored_first(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one")

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_recorded(Deed.TARGET_FAILED)
        engine.store.is_full = True
        await anyio.sleep(2 * MINUTE)
        tried = list(engine.notifier.tried)
        engine.store.is_full = False
        await anyio.sleep(2 * MINUTE)

    assert tried == []
    assert engine.notifier.titles[0] == "shop failed on one"


@in_virtual_time
async def test_what_nobody_takes_for_long_is_given_up_and_the_ledger_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "GIVEN_UP_AFTER", timedelta(minutes=5))  # instead of a day
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    engine.notifier.trouble = lambda spec, batch: AccessDenied(
        "the address is refused", next_step="see the secret slack"
    )

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(4 * MINUTE)
        before = engine.store.recorded(Deed.ALERT_GIVEN_UP)
        await anyio.sleep(5 * MINUTE)
        (view,) = engine.controller.alerts()

    assert before == []
    (entry,) = engine.store.recorded(Deed.ALERT_GIVEN_UP)
    assert (entry.subject, entry.why) == ("alert default/on-call", "the address is refused")
    assert entry.body["batch"] == engine.notifier.tried[0].id
    assert entry.body["records"] == [engine.notifier.tried[0].events[0].seq]
    assert (view.ready, view.message) == ("False", "noting: 1 batch was given up")


@in_virtual_time
async def test_a_batch_that_is_refused_stalls_itself_only(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    engine.notifier.trouble = lambda spec, batch: (
        Permanent("it is too large") if batch.events[0].revision == "1" else None
    )

    async with engine.running():
        await engine.until_synced("1")
        await engine.until_recorded(Deed.ALERT_GIVEN_UP)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_synced("2")
        await anyio.sleep(5)

    assert [batch.events[0].revision for batch in engine.notifier.sent] == ["2"]


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


@in_virtual_time
async def test_an_alert_begins_with_what_happens_from_then_on(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.declare_alert(events=["Synced"], groupFor="1s")
        await anyio.sleep(MINUTE)
        titles = engine.notifier.titles
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_synced("2")
        await anyio.sleep(5)

    assert titles == []
    assert [batch.events[0].revision for batch in engine.notifier.sent] == ["2"]


@in_virtual_time
async def test_an_alert_that_cannot_be_read_keeps_its_place_and_one_that_is_gone_does_not(
    tmp_path: Path,
) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")

    async with engine.running():
        await engine.until(lambda: engine.notifier.sent, "a batch")
    engine.restart()
    kept = engine.documents.files["Alert-on-call.yaml"]
    engine.documents.files["Alert-on-call.yaml"] = kept.replace(b"Synced", b"Sinced")
    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(MINUTE)
        while_broken = dict(engine.state.streams)
        del engine.documents.files["Alert-on-call.yaml"]
        await engine.until(lambda: not engine.state.streams, "that it is forgotten")
        stored = (await engine.store.load()).streams

    assert len(while_broken) == 1
    assert stored == {}


@in_virtual_time
async def test_a_person_can_try_it_out(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", to=[{"noting": {"to": "away"}}, {"noting": {}}])
    engine.notifier.trouble = lambda spec, batch: HttpFailed("no answer") if spec.to else None

    async with engine.running():
        await engine.until_synced("1")
        away, well = await engine.controller.test_alert(Ref("default", "on-call"), who="ana")

    assert (away.destination, away.arrived, away.message) == ("noting", False, "no answer")
    assert (well.destination, well.arrived) == ("noting-2", True)
    (batch,) = engine.notifier.sent
    assert batch.purpose is Purpose.TEST
    assert batch.title == "a test of alert default/on-call, asked for by ana"


@pytest.mark.parametrize(
    ("spec", "is_told"),
    [
        ({"applications": {"names": ["sh*"]}}, True),
        ({"applications": {"names": ["web"]}}, False),
        ({"applications": {"selector": {"matchLabels": {"tier": "gold"}}}}, True),
        ({"applications": {"selector": {"matchLabels": {"tier": "tin"}}}}, False),
        ({"clusters": {"selector": {"matchLabels": {"env": "prod"}}}}, True),
        ({"clusters": {"names": ["two"]}}, False),
        ({"when": 'application.labels.tier == "gold" && cluster.labels.env == "prod"'}, True),
        ({"when": 'event.message.contains("quota")'}, False),
        ({"when": 'cluster.labels.region == "eu"'}, False),  # it has no such label
        ({"when": "event.revision + 1 == 2"}, True),  # cannot be evaluated: rather too many
        ({"events": ["Held", "Drifted"]}, False),
    ],
)
@in_virtual_time
async def test_an_alert_is_about_what_it_selects(
    tmp_path: Path, spec: dict[str, Any], is_told: bool
) -> None:
    engine = watched(tmp_path, "one", **spec)
    engine.declare_cluster("one", env="prod")
    shop = {"source": {"ref": "apps", "path": "shop"}, "placement": {"clusterSelector": {}}}
    engine.documents.write("Application", "shop", shop, labels={"tier": "gold"})

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_recorded(Deed.TARGET_FAILED)
        await anyio.sleep(MINUTE)

    assert bool(engine.notifier.sent) is is_told


@in_virtual_time
async def test_an_alert_of_another_namespace_says_so_to_hear_of_all(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__settings=config_map(color="blue"))
    quick = {"to": [{"noting": {}}], "events": ["Synced"], "groupFor": "1s"}
    engine.documents.write("Alert", "own", quick, namespace="other")
    everyone = {**quick, "applications": {"namespaces": "All"}}
    engine.documents.write("Alert", "all", everyone, namespace="other")

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(MINUTE)

    assert [batch.alert for batch in engine.notifier.sent] == [Ref("other", "all")]
    assert engine.notifier.titles == ["default/shop was synced on one"]
