"""A receiver that was away for too long gets what it missed when a person asks: the very same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.engine.fakes import NotingSpec
from tests.engine.harness import EngineUnderTest, config_map
from tests.engine.troubles import allow, refuse, watched
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.alerts import ResentView
from shoal.errors import HttpFailed, Permanent, ShoalError, UnknownName
from shoal.model.alerts import Batch
from shoal.model.identity import Ref
from shoal.model.records import Deed, Verdict
from shoal.planning import alerting

ON_CALL = Ref("default", "on-call")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "GIVEN_UP_AFTER", timedelta(seconds=1))  # instead of a day


def away(spec: NotingSpec, batch: Batch) -> ShoalError | None:
    return HttpFailed("it is away", next_step="look at the receiver")


async def given_up(engine: EngineUnderTest, count: int = 1) -> None:
    def are_given_up() -> bool:
        return len(engine.store.recorded(Deed.ALERT_GIVEN_UP)) == count

    await engine.until(are_given_up, f"{count} batches given up")


async def resend(engine: EngineUnderTest, *batches: str) -> list[ResentView]:
    return [*await engine.controller.resend_alert(ON_CALL, who="ana", batches=batches)]


@in_virtual_time
async def test_it_is_the_very_same_with_its_id_and_who_asked_is_recorded(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Failed"], groupFor="1s")

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_recorded(Deed.TARGET_FAILED)
        await anyio.sleep(5)
        engine.notifier.trouble = away
        allow(engine)
        await engine.until_synced("2")
        await given_up(engine)
    lost = engine.notifier.tried[-1]
    engine.restart()  # the ledger knows it, and nothing else does
    engine.notifier.trouble = lambda spec, batch: None
    async with engine.running():
        await engine.until_synced("2")
        (view,) = await resend(engine)
        await engine.until(lambda: engine.controller.alerts()[0].ready == "True", "that it is well")
        (well,) = engine.controller.alerts()[0].destinations
        again = await resend(engine)

    assert (well.delivered_title, well.given_up) == (lost.title, 0)
    assert lost.is_recovery
    assert engine.notifier.sent[-1] == lost
    assert (view.batch, view.title, view.arrived) == (lost.id, lost.title, True)
    (entry,) = engine.store.recorded(Deed.ALERT_RESENT)
    assert (entry.who, entry.subject) == ("ana", "alert default/on-call")
    assert (entry.body["batch"], entry.verdict) == (lost.id, Verdict.SUCCEEDED)
    assert again == []


@in_virtual_time
async def test_one_that_still_does_not_answer_is_asked_once_and_can_be_asked_again(
    tmp_path: Path,
) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    engine.notifier.trouble = away

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(5)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_synced("2")
        await given_up(engine, 2)
        (waiting,) = engine.controller.alerts()
        tried = len(engine.notifier.tried)
        first, second = await resend(engine)
        asked = len(engine.notifier.tried) - tried
        engine.notifier.trouble = lambda spec, batch: None
        views = await resend(engine)

    assert waiting.next_step == "once it takes them: shoal alert resend on-call"
    assert (first.arrived, first.message, first.next_step) == (
        False,
        "it is away",
        "look at the receiver",
    )
    assert (second.arrived, asked) == (False, 1)
    assert second.message == "not tried, for the one before it did not arrive"
    assert [each.arrived for each in views] == [True, True]
    assert [batch.events[0].revision for batch in engine.notifier.sent] == ["1", "2"]


@in_virtual_time
async def test_a_batch_that_is_refused_is_in_the_way_of_no_other(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    engine.notifier.trouble = lambda spec, batch: Permanent("it is malformed")

    async with engine.running():
        await engine.until_synced("1")
        await given_up(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_synced("2")
        await given_up(engine, 2)
        engine.notifier.trouble = lambda spec, batch: (
            Permanent("it is malformed") if batch.events[0].revision == "1" else None
        )
        views = await resend(engine)
        with pytest.raises(UnknownName, match=f"has not given up {views[1].batch}, or it has arr"):
            await resend(engine, views[1].batch)
        (named,) = await resend(engine, views[0].batch)

    assert [(each.arrived, each.message) for each in views] == [
        (False, "it is malformed"),
        (True, ""),
    ]
    assert named.batch == views[0].batch
    verdicts = [each.verdict for each in engine.store.recorded(Deed.ALERT_RESENT)]
    assert verdicts == [Verdict.FAILED, Verdict.SUCCEEDED, Verdict.FAILED]


@in_virtual_time
async def test_a_destination_that_was_taken_out_is_told_nothing(tmp_path: Path) -> None:
    both = [{"noting": {"to": "a"}}, {"noting": {"to": "b"}}]
    engine = watched(tmp_path, "one", to=both, events=["Synced"], groupFor="1s")
    engine.notifier.trouble = away

    async with engine.running():
        await engine.until_synced("1")
        await given_up(engine, 2)
        engine.declare_alert(to=both[:1], events=["Synced"], groupFor="1s")
        await engine.until(lambda: len(engine.state.streams) == 1, "that it is gone")
        engine.notifier.trouble = lambda spec, batch: None
        views = {each.destination: each for each in await resend(engine)}

    assert views["noting"].arrived
    assert views["noting-2"].message == "the Alert does not name this destination any more"


@in_virtual_time
async def test_one_that_takes_long_does_not_keep_a_person_waiting(tmp_path: Path) -> None:
    engine = watched(tmp_path, "one", events=["Synced"], groupFor="1s")
    engine.notifier.trouble = lambda spec, batch: Permanent("it is malformed")

    async with engine.running():
        for number in range(1, 5):
            engine.source.commit(shop__settings=config_map(number=str(number)))
            await given_up(engine, number)
        engine.notifier.trouble = lambda spec, batch: None
        engine.notifier.seconds = 20.0
        views = await resend(engine)

    assert [each.arrived for each in views] == [True, True, False, False]
    assert views[2].message == "not tried, for those before it took long: do it again"
