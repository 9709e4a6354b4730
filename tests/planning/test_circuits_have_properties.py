"""What holds of a circuit whatever an API server answers, and whenever requests to it fail.

A `Story` is what happens: probes that go well or not, at the times the circuit asks for, and
between them requests without an answer and sessions that break, whenever they like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shoal.planning.circuits import (
    FAILURES_TO_OPEN,
    SUCCESSES_TO_CLOSE,
    SUCCESSES_TO_FORGET,
    Circuit,
    CircuitState,
)

NOW = datetime(2026, 1, 1)
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["success", "failure", "drop", "break"]), st.floats(0, 1)),
    max_size=80,
)


@dataclass
class Story:
    """Plays it; `probes` are the times at which the API server was asked."""

    circuit: Circuit = field(default_factory=lambda: Circuit.new(NOW))
    now: datetime = NOW
    probes: list[datetime] = field(default_factory=list)

    def play(self, happenings: Sequence[tuple[str, float]]) -> Story:
        for what, number in happenings:
            self.happen(what, number)
        return self

    def happen(self, what: str, number: float = 0.5) -> None:
        """`number` is the jitter, and how much of the wait is over when something else happens."""
        if what in ("drop", "break"):
            self.now += max(self.circuit.probe_at - self.now, timedelta(0)) * number
            after = self.circuit.after_drop if what == "drop" else self._after_break
            self.circuit = after(self.now)
            return
        self.now = max(self.now, self.circuit.probe_at)
        self.probes.append(self.now)
        if what == "success":
            self.circuit = self.circuit.after_success(self.now)
        else:
            self.circuit = self.circuit.after_failure(self.now, number)

    def _after_break(self, now: datetime) -> Circuit:
        return self.circuit.after_break(now, 0.5)


@given(HAPPENINGS)
def test_two_probes_are_never_closer_than_most_of_a_second(
    happenings: list[tuple[str, float]],
) -> None:
    story = Story().play(happenings)

    gaps = [later - earlier for earlier, later in pairwise(story.probes)]
    assert all(gap >= timedelta(seconds=0.8) for gap in gaps)


@given(HAPPENINGS)
def test_the_next_probe_comes_within_five_minutes(happenings: list[tuple[str, float]]) -> None:
    story = Story()
    for what, number in happenings:
        story.happen(what, number)

        assert story.circuit.probe_at - story.now <= timedelta(minutes=5)


@given(HAPPENINGS, st.integers(10, 60), st.floats(0, 1))
def test_a_cluster_that_stays_away_is_asked_ever_more_rarely(
    happenings: list[tuple[str, float]], failures: int, jitter: float
) -> None:
    story = Story().play(happenings)
    story.play([("failure", jitter)] * failures)

    late = [at for at in story.probes if at > story.now - timedelta(hours=1)]
    assert len(late) <= 40
    if failures >= 20:
        assert story.circuit.probe_at - story.now >= timedelta(minutes=3)


@given(HAPPENINGS)
def test_after_five_failures_in_a_row_nothing_is_sent(happenings: list[tuple[str, float]]) -> None:
    story = Story().play(happenings)
    story.play([("failure", 0.5)] * FAILURES_TO_OPEN)

    assert not story.circuit.is_usable
    assert story.circuit.state is CircuitState.OPEN


@given(HAPPENINGS)
def test_steady_good_probes_always_end_closed_and_forget_the_past(
    happenings: list[tuple[str, float]],
) -> None:
    story = Story().play(happenings)
    story.play([("success", 0.5)] * SUCCESSES_TO_CLOSE)
    is_closed = story.circuit.is_usable
    story.play([("success", 0.5)] * SUCCESSES_TO_FORGET)

    assert is_closed
    assert (story.circuit.failures, story.circuit.openings) == (0, 0)
    assert story.circuit.probe_at - story.now == story.circuit.timing.probe_interval


@given(HAPPENINGS)
def test_only_probes_open_and_close_it(happenings: list[tuple[str, float]]) -> None:
    story = Story()
    for what, number in happenings:
        before = story.circuit
        story.happen(what, number)
        if what in ("drop", "break"):
            assert story.circuit.state is before.state
