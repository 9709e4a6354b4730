"""Whatever a document says and whatever happens, an Alert is not busy while nothing happens.

A turn of the engine ends, and the time that it asks to be woken at is later than now: otherwise it
would be woken again and again, and the loop would do nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planning.alert_events import event_of, spec_of

from shoal.errors import AccessDenied, HttpFailed, Permanent, ShoalError
from shoal.model.alert_policies import AlertSpec
from shoal.model.alerts import Outgoing, Purpose, Stage, Stream
from shoal.planning import alerting
from shoal.planning.alerting import Policy

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SPRING = datetime(2026, 3, 28, 22, tzinfo=UTC)
"""Three hours before clocks are put forward in Europe."""
AUTUMN = datetime(2026, 10, 24, 22, tzinfo=UTC)
"""Three hours before they are put back."""


@dataclass
class Destination:
    """One stream, and what the engine does with it; `answer` is what each try comes to."""

    spec: AlertSpec
    now: datetime = SPRING
    answer: ShoalError | None = None
    stream: Stream = field(default_factory=lambda: Stream(0))
    seq: int = 0
    turns: int = 0
    sent: list[Outgoing] = field(default_factory=list)
    records: int = 0
    wake: datetime | None = None

    def happens(self, stage: Stage, name: str, said: str = "") -> None:
        self.seq += 1
        event = event_of(self.seq, self.now, stage, name, said)
        self.stream = alerting.read(self.stream, [event], self.seq, self.policy, self.now)
        self.turn()

    def restarts(self) -> None:
        self.seq += 1
        self.stream = alerting.started(self.stream, self.seq, self.now)
        self.turn()

    @property
    def policy(self) -> Policy:
        muted = self.spec.muted_until(self.now)
        return Policy(self.spec, muted[0] if muted else None)

    def turn(self) -> None:
        """As `Alerting` does: cut and send until nothing is due, then sleep."""
        self.turns += 1
        for _ in range(1000):
            settled = alerting.settle(self.stream, self.policy, self.now)
            cut = alerting.cut(settled, self.policy, self.now, "alert")
            self.stream = cut.stream
            if cut.muted_news or cut.muted_endings:
                self.records += 1
                continue
            outgoing = self.stream.outgoing
            if outgoing is None or (outgoing.next_try and outgoing.next_try > self.now):
                self.wake = alerting.wake_at(self.stream, self.policy)
                assert self.wake is None or self.wake > self.now
                return
            self._send(outgoing)
        raise AssertionError("a turn without end")

    def _send(self, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)
        if self.answer is None:
            self.stream = alerting.delivered(self.stream, "", self.now)
            return
        self.stream = alerting.failed(self.stream, self.answer, self.now, 0.5)
        if alerting.is_hopeless(outgoing, self.answer, self.now):
            self.records += 1
            self.stream = alerting.given_up(self.stream)

    def passes(self, span: timedelta) -> None:
        """Nothing happens for so long."""
        end = self.now + span
        while self.wake is not None and self.wake <= end:
            self.now = self.wake
            self.turn()
        self.now = end


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("began"), st.sampled_from("ab"), st.sampled_from("xy")),
        st.tuples(st.just("ended"), st.sampled_from("ab")),
        st.tuples(st.just("happened"), st.sampled_from("ab")),
        st.tuples(st.just("restart")),
        st.tuples(st.just("passes"), st.integers(0, 240)),
    ),
    max_size=20,
)
windows = st.fixed_dictionaries(
    {
        "cron": st.sampled_from(["0 1 * * *", "30 23 * * *", "*/7 * * * *", "0 */2 * * Sun"]),
        "duration": st.sampled_from(["1s", "7m", "1h", "3h", "168h"]),
        "timeZone": st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    }
)
mutes = st.one_of(
    windows, st.builds(lambda hour: {"until": SPRING + hour * HOUR}, st.integers(0, 9))
)
specs = st.fixed_dictionaries(
    {
        "events": st.sampled_from([["Failed"], ["Failed", "Synced"]]),
        "groupBy": st.sampled_from([[], ["Event"], ["Event", "Application", "Cluster"]]),
        "groupFor": st.sampled_from(["0s", "0.000001s", "30s", "1h"]),
        "whenRecovered": st.sampled_from(["Tell", "Ignore"]),
        "mute": st.lists(mutes, max_size=2),
    },
    optional={"repeatAfter": st.sampled_from(["10m", "87600h"])},
)
answers = st.sampled_from(
    [
        None,
        HttpFailed("away"),
        HttpFailed("at once", after_seconds=0.0),
        AccessDenied("no"),
        Permanent("never"),
    ]
)


@given(specs, happenings, answers, st.sampled_from([SPRING, AUTUMN]))
@settings(max_examples=300)
def test_an_alert_sleeps_while_nothing_happens(
    written: Any, happened: list[Any], answer: ShoalError | None, start: datetime
) -> None:
    one = Destination(spec_of(**written), start, answer)
    for name, *given_ in happened:
        match name:
            case "restart":
                one.restarts()
            case "passes":
                one.passes(given_[0] * MINUTE)
            case _:
                one.happens(Stage(name), *given_)

    before, sent = one.turns, len(one.sent)
    one.passes(3 * HOUR)

    # At most every five minutes what does not arrive, at most each ten minutes what is told again
    # of two groups, and what else was waiting for a mute, for others or for a doubt.
    assert one.turns - before <= 2 * (36 + 2 * 18 + 2 * 26 + 10)
    assert len(one.sent) - sent <= 2 * (36 + 2 * 18 + 10)


def test_what_goes_on_is_told_again_after_a_mute_although_nothing_happens() -> None:
    mute = [{"until": SPRING + 2 * HOUR}]
    one = Destination(spec_of(repeatAfter="1h", mute=[]))
    one.happens(Stage.BEGAN, "a", "x")
    one.passes(MINUTE)
    one.spec = spec_of(repeatAfter="1h", mute=mute)
    one.turn()

    one.passes(2 * HOUR)

    assert [each.purpose for each in one.sent] == [Purpose.NEWS, Purpose.REMINDER]
    assert one.sent[1].at == SPRING + 2 * HOUR


def test_what_is_over_since_a_start_comes_in_batches_of_a_size_that_receivers_take() -> None:
    one = Destination(spec_of())
    for number in range(450):
        one.happens(Stage.BEGAN, f"web@c{number}", "x")
    one.passes(MINUTE)
    one.restarts()

    one.passes(alerting.DOUBT)

    assert sum(len(each.endings) for each in one.sent) == 450
    assert max(len(each.news) + len(each.endings) for each in one.sent) <= alerting.MOST_EVENTS


def test_what_never_arrives_is_recorded_once_for_each_batch() -> None:
    one = Destination(spec_of(repeatAfter="1h"), answer=Permanent("too large"))
    one.happens(Stage.BEGAN, "a", "x")

    one.passes(24 * HOUR)

    assert one.records == len(one.sent) <= 25


def test_what_is_muted_for_good_is_recorded_once() -> None:
    one = Destination(spec_of(repeatAfter="1m", mute=[{"until": SPRING + 999 * HOUR}]))
    one.happens(Stage.BEGAN, "a", "x")

    one.passes(48 * HOUR)

    assert (one.records, one.sent) == (1, [])
    assert one.turns <= 3
