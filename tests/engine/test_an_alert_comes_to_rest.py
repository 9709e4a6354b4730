"""Whatever an Alert says, the engine is woken for it seldom, and the ledger hardly grows by it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.harness import SOURCE, EngineUnderTest, config_map, key_of, make_engine
from tests.engine.virtual_time import START, in_virtual_time, now

from shoal.engine.alerting import Alerting
from shoal.engine.queueing import Request
from shoal.engine.state import EngineState
from shoal.errors import HttpFailed, Permanent, ServerBusy
from shoal.model.alerts import StreamKey
from shoal.model.records import Deed

HOUR = 3600.0
MOST_TURNS = 500


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts how often a destination is woken; one that never rests fails instead of hanging."""
    counted: Counter[str] = Counter()
    work = Alerting.work

    async def counting(self: Alerting, key: StreamKey, request: Request) -> None:
        counted[key.alert.name] += 1
        assert counted[key.alert.name] < MOST_TURNS, "it is woken again and again"
        await work(self, key, request)

    monkeypatch.setattr(Alerting, "work", counting)
    return counted


def watched(folder: Path, **alerts: Any) -> EngineUnderTest:
    """An engine with these Alerts, which looks for changes only now and then."""
    engine = make_engine(folder, "one")
    engine.documents.write("Source", SOURCE.name, {"memory": {}, "interval": "5m"})
    engine.interval = timedelta(minutes=5)
    engine.source.commit(shop__settings=config_map(color="blue"))
    for name, spec in alerts.items():
        engine.declare_alert(name, **spec)
    return engine


async def fails_for_hours(engine: EngineUnderTest, hours: float) -> None:
    """Its target fails from now on, and nobody mends it."""
    await engine.until_synced("1")
    engine.clusters["one"].refusals[key_of()] = ServerBusy("no room")
    engine.source.commit(shop__settings=config_map(color="green"))
    await anyio.sleep(hours * HOUR)


def recorded(engine: EngineUnderTest) -> Counter[str]:
    """What the ledger says of alerts, by the name of the Alert."""
    of_alerts = (Deed.ALERT_MUTED, Deed.ALERT_GIVEN_UP)
    entries = (entry for deed in of_alerts for entry in engine.store.recorded(deed))
    return Counter(entry.subject.rpartition("/")[2] for entry in entries)


DOCUMENTS: dict[str, tuple[dict[str, Any], int, int]] = {
    "plain": ({}, 1, 0),
    "at-once": ({"groupFor": "0s", "groupBy": []}, 1, 0),
    "twice": ({"groupFor": "0s", "groupBy": ["Cluster", "Event", "Event"]}, 1, 0),
    "short": ({"groupFor": "0.000001s", "when": "event.kind + 1 == 2"}, 1, 0),
    "each-minute": ({"groupFor": "0s", "repeatAfter": "1m"}, 1 + 120, 0),
    "each-half-hour": ({"repeatAfter": "30m", "groupBy": ["Cluster"]}, 1 + 4, 0),
    "muted": ({"mute": [{"until": "2027-01-01T00:00:00Z"}], "repeatAfter": "1m"}, 0, 1),
    "muted-by-seconds": (
        {"mute": [{"cron": "* * * * *", "duration": "1s"}], "groupFor": "0s"},
        1,
        1,
    ),
    "muted-by-minutes": ({"mute": [{"cron": "*/2 * * * *", "duration": "1m"}]}, 1, 1),
    "muted-by-weeks": (
        {"mute": [{"cron": "* * * * *", "duration": "168h"}], "repeatAfter": "1m"},
        0,
        1,
    ),
}
"""What a document says, and how many batches and records two hours of the same trouble may be."""


@in_virtual_time
async def test_what_goes_on_for_hours_is_told_as_often_as_the_document_says(
    tmp_path: Path, turns: Counter[str]
) -> None:
    engine = watched(tmp_path, **{name: spec for name, (spec, _, _) in DOCUMENTS.items()})

    async with engine.running():
        await fails_for_hours(engine, 2)

    sent, written = Counter(each.alert.name for each in engine.notifier.sent), recorded(engine)
    for name, (_, most_sent, most_written) in DOCUMENTS.items():
        assert sent[name] <= most_sent, name
        assert bool(sent[name]) is bool(most_sent), name
        assert written[name] <= most_written, name


ANSWERS: dict[str, tuple[Exception, int, int]] = {
    "away": (HttpFailed("away"), 40, 0),
    "at-once": (HttpFailed("come at once", after_seconds=0.0), 40, 0),
    "tomorrow": (HttpFailed("come tomorrow", after_seconds=1e9), 3, 0),
    "never": (Permanent("too large"), 1, 1),
}
"""What a destination answers, and how many tries and records two hours of that may be."""


@in_virtual_time
async def test_a_destination_that_does_not_take_it_is_not_pressed(
    tmp_path: Path, turns: Counter[str]
) -> None:
    alerts = {name: {"to": [{"noting": {"to": name}}], "groupFor": "0s"} for name in ANSWERS}
    engine = watched(tmp_path, **alerts)
    engine.notifier.trouble = lambda spec, batch: ANSWERS[spec.to][0]

    async with engine.running():
        await fails_for_hours(engine, 2)

    tried, written = Counter(each.alert.name for each in engine.notifier.tried), recorded(engine)
    for name, (_, most_tried, most_written) in ANSWERS.items():
        assert 1 <= tried[name] <= most_tried, name
        assert written[name] == most_written, name


@in_virtual_time
async def test_the_night_in_which_the_clock_is_changed_passes_quietly(
    tmp_path: Path, turns: Counter[str]
) -> None:
    night = {"cron": "0 1 * * *", "duration": "3h", "timeZone": "Europe/Berlin"}
    engine = watched(tmp_path, night={"mute": [night]})
    later = datetime(2026, 3, 29, tzinfo=UTC) - START  # an hour before
    engine.state = EngineState(lambda: now() + later)

    async with engine.running():
        await fails_for_hours(engine, 2.9)
        quiet, while_muted = list(engine.notifier.sent), turns["night"]
        await anyio.sleep(0.5 * HOUR)

    assert quiet == []
    assert while_muted < 300
    assert engine.notifier.titles == ["shop failed on one"]
