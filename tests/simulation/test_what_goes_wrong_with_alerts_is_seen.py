"""Each invariant of Alerts can fail: a fault that is planted in the engine is found by its name."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

from tests.simulation.planting import invariants_broken, planted
from tests.simulation.receiver import FAULTS
from tests.simulation.schedule import Event

from shoal.engine import alerting as engine
from shoal.engine.alerting import Alerting
from shoal.engine.delivering import Delivering
from shoal.engine.recording import Recording
from shoal.model.alert_policies import AlertSpec
from shoal.model.alerts import Batch, Stage
from shoal.planning import alerting

# Of this seed the Alert is not about clusters that are away, but about three other sorts of events.
FEW = 7
AWAY = Event(300.0, "unreachable", "c0", 300.0)
KILLED = Event(500.0, "killed")


def fails(fault: str, at: float, seconds: float) -> Event:
    """The one place of the Alert has this fault."""
    number = next(each for each in itertools.count() if _drawn(each) == fault)
    return Event(at, "receiver fails", "al0", seconds, number)


def _drawn(number: int) -> str:
    draw = random.Random(number)
    draw.choice(("the place",))
    return draw.choice(FAULTS)


def test_nothing_is_found_where_nothing_is_planted() -> None:
    muted = Event(290.0, "alert muted", "al0", 200.0, 7)
    events = (fails("away", 250, 200), AWAY, KILLED, muted)

    assert invariants_broken(*events) == set()


def test_what_an_alert_is_not_about() -> None:
    with planted(engine, "concerns", lambda alert, event, fleet: True):
        assert "nothing_is_told_that_is_not_selected" in invariants_broken(AWAY, seed=FEW)


def test_what_is_muted() -> None:
    muted = Event(290.0, "alert muted", "al0", 600.0, 7)

    with planted(AlertSpec, "muted_until", lambda spec, now: None):
        assert "nothing_is_told_while_it_is_muted" in invariants_broken(AWAY, muted)


def test_what_is_lost_when_nobody_answers() -> None:
    async def forget(self: Alerting, way: Any, stream: Any, outgoing: Any, error: Any) -> None:
        await self._keep(way.key, alerting.delivered(stream, "", self.state.now()))

    with planted(Alerting, "_failed", forget):
        broken = invariants_broken(fails("away", 250, 300), AWAY)

    assert "what_an_alert_selects_is_told" in broken


def test_what_is_told_again_under_another_name() -> None:
    real, numbers = Delivering.batch, itertools.count()

    async def named_anew(self: Delivering, *asked: Any) -> Batch:
        batch = await real(self, *asked)
        return replace(batch, id=f"batch-{next(numbers)}")

    with planted(Delivering, "batch", named_anew):
        broken = invariants_broken(fails("loses answers", 250, 600), AWAY)

    assert "each_event_is_told_in_one_batch" in broken


def test_what_is_told_again_in_other_words() -> None:
    real, numbers = Delivering.batch, itertools.count()

    async def worded_anew(self: Delivering, *asked: Any) -> Batch:
        batch = await real(self, *asked)
        return replace(batch, title=f"something {next(numbers)}")

    with planted(Delivering, "batch", worded_anew):
        broken = invariants_broken(fails("loses answers", 250, 600), AWAY)

    assert "a_repeat_is_the_same_batch" in broken


def test_an_end_that_nobody_is_told_of() -> None:
    def silent(group: Any, over: Any, policy: Any, now: Any) -> Any:
        left = {name: each for name, each in group.troubles.items() if name not in over}
        return replace(group, troubles=left)

    with planted(alerting, "_without", silent):
        assert "what_was_told_and_is_over_is_told" in invariants_broken(AWAY)


def test_an_end_that_is_never_seen() -> None:
    real = alerting.read

    def deaf(stream: Any, events: Any, *rest: Any) -> Any:
        return real(stream, [each for each in events if each.stage is not Stage.ENDED], *rest)

    with planted(alerting, "read", deaf):
        assert "at_rest_no_trouble_goes_on" in invariants_broken(AWAY)


def test_an_alert_that_is_forgotten_for_its_document_cannot_be_read() -> None:
    broken_document = Event(400.0, "document broken", "al0", 300.0)

    with planted(Alerting, "_is_gone", lambda self, key: True):
        broken = invariants_broken(broken_document, KILLED)

    assert "a_stream_ends_only_with_its_document" in broken


def test_what_is_never_stored() -> None:
    async def forget(self: Recording, key: Any, stream: Any) -> None:
        return None

    with planted(Recording, "told", forget):
        assert "what_an_alert_selects_is_told" in invariants_broken(AWAY)
