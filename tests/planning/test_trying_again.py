"""Back-off, circuits and refused credentials."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import ForbiddenByCluster, ServerBusy
from shoal.planning.backing_off import NEVER, delay_seconds, longest_delay_seconds, retry_at
from shoal.planning.circuits import (
    FAILURES_TO_OPEN,
    SUCCESSES_TO_FORGET,
    TIMING,
    Circuit,
    CircuitState,
    Timing,
)
from shoal.planning.credentials import CredentialTrial

NOW = datetime(2026, 1, 1)
JITTER = st.floats(0, 1)
OUTCOMES = st.lists(st.sampled_from(["success", "failure", "drop"]), max_size=40)


def probed(circuit: Circuit, outcome: str, jitter: float = 0.5) -> Circuit:
    """The circuit after its next probe, at the time it asks for."""
    match outcome:
        case "success":
            return circuit.after_success(circuit.probe_at)
        case "failure":
            return circuit.after_failure(circuit.probe_at, jitter)
        case _:
            return circuit.after_drop(circuit.probe_at)


def opened() -> Circuit:
    circuit = Circuit.new(NOW)
    for _ in range(FAILURES_TO_OPEN):
        circuit = probed(circuit, "failure")
    return circuit


def waits(circuit: Circuit, outcome: str, times: int) -> list[float]:
    found = []
    for _ in range(times):
        before = circuit.probe_at
        circuit = probed(circuit, outcome)
        found.append((circuit.probe_at - before).total_seconds())
    return found


def test_the_delay_doubles_from_one_second_to_its_longest() -> None:
    delays = [delay_seconds(failures, 0.5) for failures in range(1, 11)]

    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 250, 250]


def test_a_server_that_asks_for_patience_gets_it_within_reason() -> None:
    assert retry_at(1, now=NOW, jitter=0, after_seconds=30) == NOW + timedelta(seconds=30)
    assert delay_seconds(1, 0.5, after_seconds=0.1) == 1
    assert delay_seconds(1, 0.5, after_seconds=1e9) == 3600


def test_what_a_cluster_forbids_is_tried_after_ten_minutes_at_the_latest() -> None:
    forbidden, busy = ForbiddenByCluster("the quota is used up"), ServerBusy("later")

    assert longest_delay_seconds([forbidden, forbidden]) == 600
    assert longest_delay_seconds([forbidden, busy]) == 300
    assert longest_delay_seconds([]) == 300
    latest = retry_at(30, now=NOW, jitter=1, max_seconds=longest_delay_seconds([forbidden]))
    assert latest == NOW + timedelta(seconds=600)


@given(st.integers(0, 10**9), JITTER)
def test_a_delay_is_within_its_bounds(failures: int, jitter: float) -> None:
    assert 0.8 <= delay_seconds(failures, jitter) <= 300


def test_jitter_spreads_a_delay_by_a_fifth_both_ways_and_no_further() -> None:
    assert [delay_seconds(1, jitter) for jitter in (-1, 0, 0.5, 1, 2)] == [0.8, 0.8, 1, 1.2, 1.2]
    assert delay_seconds(10**9, 1) == 300


@given(st.integers(1, 100), JITTER)
def test_a_delay_never_shrinks_with_more_failures(failures: int, jitter: float) -> None:
    assert delay_seconds(failures, jitter) <= delay_seconds(failures + 1, jitter)


@given(st.integers(1, 100), JITTER, JITTER)
def test_jitter_moves_a_delay_by_a_fifth_at_most(failures: int, one: float, two: float) -> None:
    assert delay_seconds(failures, one) <= 1.5001 * delay_seconds(failures, two)


def test_five_failures_in_a_row_open_the_circuit_and_four_do_not() -> None:
    circuit = Circuit.new(NOW)
    for _ in range(FAILURES_TO_OPEN - 1):
        circuit = probed(circuit, "failure")

    assert circuit.is_usable
    assert probed(circuit, "success").failures == 0
    assert not probed(circuit, "failure").is_usable


def test_a_healthy_cluster_is_probed_every_ten_seconds_and_a_failing_one_more_closely() -> None:
    assert waits(Circuit.new(NOW), "success", 3) == [10, 10, 10]
    assert waits(Circuit.new(NOW), "failure", 4) == [1, 2, 4, 8]


def test_an_open_circuit_is_probed_ever_more_rarely() -> None:
    assert waits(opened(), "failure", 9) == [2, 4, 8, 16, 32, 64, 128, 250, 250]


def test_two_good_probes_close_an_open_circuit_and_one_does_not() -> None:
    half = probed(opened(), "success")
    closed = probed(half, "success")

    assert half.state is CircuitState.HALF_OPEN
    assert not half.is_usable
    assert closed.is_usable
    assert closed.since > half.since


def test_a_state_is_as_old_as_its_first_probe() -> None:
    opening = opened()
    longer = probed(opening, "failure")
    half = probed(longer, "success")
    broken = half.after_break(half.probe_at, 0.5)
    again = probed(broken, "success")

    assert opening.since == longer.since < longer.probe_at
    assert half.since == longer.probe_at
    assert again.state is CircuitState.HALF_OPEN
    assert again.since == half.since
    assert probed(half, "failure").since == half.probe_at


def test_a_failure_counts_in_a_row_and_ends_a_row_of_good_probes() -> None:
    circuit = Circuit.new(NOW)
    counted = [(circuit := probed(circuit, "failure")).failures for _ in range(7)]
    good = probed(probed(Circuit.new(NOW), "success"), "success")

    assert counted == [1, 2, 3, 4, 5, 6, 7]
    assert (good.successes, good.failures) == (2, 0)
    assert probed(good, "failure").successes == 0
    assert opened().successes == 0


def test_a_broken_session_ends_a_row_of_good_probes() -> None:
    half = probed(opened(), "success")

    broken = half.after_break(half.probe_at, 0.5)

    assert (half.successes, broken.successes) == (1, 0)
    assert not probed(broken, "success").is_usable


def test_a_server_that_asks_for_patience_gets_it_from_an_open_circuit() -> None:
    closed, open_ = Circuit.new(NOW), opened()

    assert closed.after_failure(NOW, 0.5, 5).probe_at == NOW + timedelta(seconds=5)
    assert closed.after_failure(NOW, 0.5, 60).probe_at == NOW + TIMING.probe_interval
    assert open_.after_failure(NOW, 0.5, 60).probe_at == NOW + timedelta(seconds=60)


def test_the_numbers_of_a_circuit_are_those_that_are_documented() -> None:
    assert (FAILURES_TO_OPEN, SUCCESSES_TO_FORGET) == (5, 6)
    assert [state.value for state in CircuitState] == ["Closed", "Open", "HalfOpen"]
    assert (TIMING.probe_timeout, TIMING.recheck) == (timedelta(seconds=5), timedelta(seconds=1))
    assert "timing" not in repr(Circuit.new(NOW))


def test_a_flapping_cluster_keeps_its_back_off_until_it_was_steady() -> None:
    flapping = opened()
    for _ in range(3):
        flapping = probed(probed(flapping, "success"), "failure")
    back = probed(probed(flapping, "success"), "success")
    steady = back
    for _ in range(SUCCESSES_TO_FORGET):
        steady = probed(steady, "success")

    assert flapping.openings == back.openings == 4
    assert steady.openings == 0


def test_a_dropped_connection_is_probed_at_once_unless_the_circuit_is_open() -> None:
    healthy, broken = probed(Circuit.new(NOW), "success"), opened()
    soon = NOW + timedelta(seconds=3)

    assert healthy.after_drop(soon).probe_at == soon
    assert healthy.after_drop(soon).is_usable
    assert broken.after_drop(soon) is broken


def test_requests_that_fail_one_after_the_other_are_a_second_apart_for_the_probes() -> None:
    healthy = probed(Circuit.new(NOW), "success")

    at_once = healthy.after_drop(NOW)

    assert at_once.probe_at == NOW + TIMING.recheck
    assert at_once.after_drop(NOW + TIMING.recheck / 2).probe_at == NOW + TIMING.recheck


def test_a_request_without_answer_does_not_hasten_probes_that_fail_already() -> None:
    failing = probed(Circuit.new(NOW), "failure")

    assert failing.after_drop(NOW) is failing


def test_a_session_that_breaks_is_opened_ever_more_rarely_until_it_was_steady() -> None:
    circuit, found = Circuit.new(NOW), []
    for _ in range(4):
        circuit = probed(circuit, "success")
        broken = circuit.after_break(circuit.probe_at, 0.5)
        found.append((broken.probe_at - circuit.probe_at).total_seconds())
        circuit = broken
    for _ in range(SUCCESSES_TO_FORGET):
        circuit = probed(circuit, "success")

    assert found == [1, 2, 4, 8]
    assert circuit.is_usable
    assert circuit.openings == 0


def test_a_circuit_keeps_the_timing_it_was_given() -> None:
    hasty = Timing(probe_interval=timedelta(seconds=1), recheck=timedelta(milliseconds=100))
    circuit = Circuit.new(NOW, hasty)
    assert waits(circuit, "success", 2) == [1, 1]

    for _ in range(FAILURES_TO_OPEN):
        circuit = probed(circuit, "failure")

    assert waits(circuit, "success", 2) == [0.1, 1]


@given(OUTCOMES, JITTER)
def test_a_circuit_always_has_a_next_probe_within_five_minutes(
    outcomes: list[str], jitter: float
) -> None:
    circuit = Circuit.new(NOW)
    for outcome in outcomes:
        at = circuit.probe_at
        circuit = probed(circuit, outcome, jitter)
        assert timedelta(0) <= circuit.probe_at - at <= timedelta(minutes=5)
        assert circuit.since <= at


@given(OUTCOMES)
def test_a_circuit_changes_only_after_enough_probes_in_a_row(outcomes: list[str]) -> None:
    circuit, probes = Circuit.new(NOW), [each for each in outcomes if each != "drop"]
    for number, outcome in enumerate(probes):
        before, circuit = circuit, probed(circuit, outcome)
        if before.is_usable and not circuit.is_usable:
            assert probes[number - 4 : number + 1] == ["failure"] * 5
        if not before.is_usable and circuit.is_usable:
            assert probes[number - 1 : number + 1] == ["success"] * 2


@given(OUTCOMES)
def test_a_cluster_that_answers_again_is_used_again_soon(outcomes: list[str]) -> None:
    circuit = Circuit.new(NOW)
    for outcome in outcomes:
        circuit = probed(circuit, outcome)

    first = circuit.probe_at
    circuit = probed(probed(circuit, "success"), "success")

    assert circuit.is_usable
    assert circuit.probe_at - first <= 2 * TIMING.probe_interval


def test_a_refused_credential_is_tried_again_once_it_is_another_one() -> None:
    trial = CredentialTrial()

    refused = trial.after_refusal("a")

    assert trial.is_worth_trying("a")
    assert not refused.is_worth_trying("a")
    assert refused.is_worth_trying("b")
    assert not refused.after_refusal("b").is_worth_trying("b")
    assert refused.after_success().is_worth_trying("a")


@given(st.lists(st.floats(0, 2000), max_size=60))
def test_what_is_repeated_waits_for_five_minutes_at_most_and_begins_anew_after_quiet(
    pauses: list[float],
) -> None:
    now, done = datetime(2026, 1, 1, tzinfo=UTC), NEVER
    for pause in pauses:
        before, now = done, max(now, done.next_at) + timedelta(seconds=pause)
        done = before.again(now)

        assert done.wait <= timedelta(minutes=5)
        assert done.next_at > now
        if pause >= 300:
            assert done.wait == timedelta(seconds=1)
        elif before.wait and pause < before.wait.total_seconds():
            assert done.wait == min(before.wait * 2, timedelta(minutes=5))
