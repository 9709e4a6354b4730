"""Alerts over the whole engine: what is recorded arrives, once where possible, whoever fails."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.fakes import NotingSpec
from tests.engine.harness import config_map
from tests.engine.troubles import MINUTE, refuse, watched
from tests.engine.virtual_time import in_virtual_time

from shoal.errors import AccessDenied, HttpFailed, Permanent
from shoal.model.alerts import Batch, Purpose
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.planning import alerting


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
