"""Whatever happens in whatever order: each event is told once, and each trouble has its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.planning.alert_events import event_of, spec_of

from shoal.errors import AccessDenied, HttpFailed, Permanent
from shoal.model.alerts import Event, EventKind, Outgoing, Purpose, Stage, Stream
from shoal.planning import alerting
from shoal.planning.alerting import Policy

START = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def policy_of(**written: Any) -> Policy:
    return Policy(spec_of(**written))


@dataclass
class Run:
    """One stream, what happened, and what was sent; every step goes through the disk."""

    policy: Policy
    stream: Stream = field(default_factory=lambda: Stream(0))
    now: datetime = START
    seq: int = 0
    happened: list[Event] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    muted: list[tuple[tuple[int, ...], tuple[Any, ...]]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def restart(self) -> None:
        self.stream = msgspec.json.decode(msgspec.json.encode(self.stream), type=Stream)

    def event(self, stage: Stage, name: str, said: str = "") -> None:
        self.seq += 1
        event = event_of(self.seq, self.now, stage, name, said)
        self.happened.append(event)
        self.stream = alerting.read(self.stream, [event], self.seq, self.policy, self.now)

    def step(self, *, arrives: bool = True) -> None:
        """What the engine does when it wakes: cut what is due, and try to send it."""
        self.restart()
        self.stream = alerting.settle(self.stream, self.policy, self.now)
        cut = alerting.cut(self.stream, self.policy, self.now, "alert")
        self.stream = cut.stream
        if cut.muted_news or cut.muted_endings:
            self.muted.append((cut.muted_news, cut.muted_endings))
        if self.stream.outgoing is None:
            return
        self.restart()
        self.ids.append(self.stream.outgoing.id)
        if not arrives:
            self.stream = alerting.failed(self.stream, HttpFailed("away"), self.now, 0.5)
            return
        self.sent.append(self.stream.outgoing)
        self.stream = alerting.delivered(self.stream, "", self.now)

    def take(self, steps: list[Any]) -> None:
        """Steps as they are drawn below."""
        for name, *given_ in steps:
            match name:
                case "wait":
                    self.now += given_[0] * SECOND
                case "step":
                    self.step(arrives=given_[0])
                case _:
                    self.event(Stage(name), *given_)

    def drain(self) -> None:
        """Let time pass until nothing is left to do."""
        for _ in range(2000):
            self.step()
            at = alerting.wake_at(self.stream, self.policy)
            if at is None:
                return
            self.now = max(self.now, at)
        raise AssertionError(f"it never ends: {self.stream}")

    @property
    def news(self) -> list[int]:
        return [seq for batch in self.sent for seq in batch.news]

    @property
    def endings(self) -> list[int]:
        return [each.seq for batch in self.sent for each in batch.endings]


def is_news(happened: list[Event]) -> list[int]:
    """What is to be told once: all that happens, and each beginning that says something else."""
    going_on: dict[str, str] = {}
    told = []
    for event in happened:
        if event.stage is Stage.ENDED:
            going_on.pop(event.trouble, None)
        elif event.stage is Stage.HAPPENED or going_on.get(event.trouble) != event.message:
            told.append(event.seq)
            if event.stage is Stage.BEGAN:
                going_on[event.trouble] = event.message
    return told


def is_end(happened: list[Event]) -> list[int]:
    """Endings of what had begun."""
    going_on: set[str] = set()
    told = []
    for event in happened:
        if event.stage is Stage.BEGAN:
            going_on.add(event.trouble)
        elif event.stage is Stage.ENDED and event.trouble in going_on:
            going_on.discard(event.trouble)
            told.append(event.seq)
    return told


steps = st.lists(
    st.one_of(
        st.tuples(st.just("began"), st.sampled_from("abc"), st.sampled_from(["x", "y"])),
        st.tuples(st.just("ended"), st.sampled_from("abc")),
        st.tuples(st.just("happened"), st.sampled_from("abc")),
        st.tuples(st.just("wait"), st.integers(0, 900)),
        st.tuples(st.just("step"), st.booleans()),
    ),
    max_size=60,
)
groupings = st.sampled_from([[], ["Event"], ["Event", "Application"]])


def carried_out(taken: list[Any], policy: Policy) -> Run:
    run = Run(policy)
    run.take(taken)
    run.drain()
    return run


@given(steps, groupings, st.integers(0, 60))
@settings(max_examples=150)
def test_each_event_is_told_in_exactly_one_batch(
    taken: list[Any], group_by: list[str], wait: int
) -> None:
    events = [EventKind.FAILED, EventKind.SYNCED]
    run = carried_out(taken, policy_of(group_by=group_by, group_for=wait * SECOND, events=events))

    assert sorted(run.news) == is_news(run.happened)
    assert sorted(run.endings) == is_end(run.happened)
    assert len(set(run.ids)) == len(run.sent)  # a repeat carries the same id, a new batch another


@given(steps)
@settings(max_examples=60)
def test_endings_are_not_told_where_nobody_wants_them(taken: list[Any]) -> None:
    run = carried_out(taken, policy_of(when_recovered="Ignore"))

    assert run.endings == []
    assert sorted(run.news) == is_news(run.happened)


@given(steps)
@settings(max_examples=60)
def test_what_is_muted_is_said_to_be_so_and_what_goes_on_is_told_afterwards(
    taken: list[Any],
) -> None:
    quiet = policy_of()
    run = Run(replace(quiet, muted_until=START + timedelta(days=365)))
    run.take(taken)
    for _ in range(10):
        run.now += alerting.ENDINGS_WAIT
        run.step()
    assert run.sent == []
    muted = Counter(seq for news, _ in run.muted for seq in news)
    assert sorted(muted) == is_news(run.happened)
    assert set(muted.values()) <= {1}

    going_on = {
        name: each.seq
        for group in run.stream.groups.values()
        for name, each in group.troubles.items()
    }
    run.policy = quiet
    run.drain()
    assert sorted(run.news) == sorted(going_on.values())
    assert run.endings == []


def test_the_end_of_what_was_told_is_left_out_by_a_mute_though_it_said_something_else_since() -> (
    None
):
    run = Run(policy_of())
    run.event(Stage.BEGAN, "a", "x")
    run.now += 30 * SECOND
    run.step()
    run.policy = replace(run.policy, muted_until=START + timedelta(days=1))
    run.event(Stage.BEGAN, "a", "y")
    run.now += 30 * SECOND
    run.step()
    run.event(Stage.ENDED, "a")
    run.now += alerting.ENDINGS_WAIT
    run.step()

    assert run.news == [1]
    assert [(news, [each.seq for each in over]) for news, over in run.muted] == [
        ((2,), []),
        ((), [3]),
    ]


def test_a_blip_on_fifty_targets_is_one_message_and_one_recovery() -> None:
    run = Run(policy_of())
    for number in range(50):
        run.event(Stage.BEGAN, f"web@{number}", "its name is not known")
        run.now += SECOND / 10
    run.now += 30 * SECOND
    run.step()
    for number in range(50):
        run.event(Stage.ENDED, f"web@{number}")
        run.now += 6 * SECOND  # they are tried again within five minutes, each when it is its turn
        run.step()
    run.drain()

    assert [(len(each.news), len(each.endings)) for each in run.sent] == [(50, 0), (0, 50)]


def test_the_end_of_some_is_told_after_a_while_although_others_go_on() -> None:
    run = Run(policy_of())
    for name in ("a", "b"):
        run.event(Stage.BEGAN, name, "x")
    run.now += 30 * SECOND
    run.step()
    run.event(Stage.ENDED, "a")
    run.now += alerting.ENDINGS_WAIT - SECOND
    run.step()
    assert len(run.sent) == 1
    run.now += SECOND
    run.step()

    assert run.endings == [3]
    assert run.sent[-1].open_troubles == 1


def test_a_trouble_that_goes_on_is_told_again_when_that_is_wanted() -> None:
    run = Run(policy_of(repeat_after=timedelta(hours=4)))
    run.event(Stage.BEGAN, "a", "x")
    run.now += 30 * SECOND
    run.step()
    for _ in range(2):
        run.now += timedelta(hours=4)
        run.step()
    run.event(Stage.ENDED, "a")
    run.drain()

    purposes = [each.purpose for each in run.sent]
    assert purposes == [Purpose.NEWS, Purpose.REMINDER, Purpose.REMINDER, Purpose.NEWS]
    assert [each.news for each in run.sent[:3]] == [(1,)] * 3


def test_what_is_not_found_again_after_a_start_is_over() -> None:
    run = Run(policy_of())
    for name in ("a", "b"):
        run.event(Stage.BEGAN, name, "x")
    run.now += 30 * SECOND
    run.step()
    run.seq += 1
    run.stream = alerting.started(run.stream, run.seq, run.now)
    run.event(Stage.BEGAN, "a", "x")
    run.now += alerting.DOUBT
    run.step()
    run.now += alerting.ENDINGS_WAIT
    run.step()

    assert [(each.news, [end.trouble for end in each.endings]) for each in run.sent] == [
        ((1, 2), []),
        ((), ["Failed b"]),
    ]


def test_what_is_held_back_by_a_destination_that_is_away_stays_in_the_ledger() -> None:
    run = Run(policy_of(events=["Synced"]))
    while alerting.has_room(run.stream):
        run.event(Stage.HAPPENED, "a")
        run.now += SECOND
        run.step(arrives=False)

    assert alerting.waiting(run.stream) == alerting.MOST_WAITING
    assert len(TypeAdapter(Stream).dump_json(run.stream)) < 20_000
    assert len(set(run.ids)) == 1


def test_a_batch_is_given_up_after_a_day_or_when_it_will_never_be_taken() -> None:
    outgoing = Outgoing("batch-1", START)
    nearly, day = START + timedelta(hours=23, minutes=59), START + timedelta(hours=24)

    assert not alerting.is_hopeless(outgoing, HttpFailed("away"), nearly)
    assert alerting.is_hopeless(outgoing, HttpFailed("away"), day)
    assert not alerting.is_hopeless(outgoing, AccessDenied("no such token"), nearly)
    assert alerting.is_hopeless(outgoing, Permanent("too large"), START)


def test_documents_that_want_less_are_told_nothing_more_of_the_rest() -> None:
    run = Run(policy_of())
    run.event(Stage.BEGAN, "a", "x")
    run.now += 30 * SECOND
    run.step()
    run.policy = policy_of(events=["Held"])
    run.drain()

    assert run.stream.groups == {}
