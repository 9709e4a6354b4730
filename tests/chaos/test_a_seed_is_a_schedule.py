"""The schedule of a chaos run: the same for the same seed, whole, and never twice at one place."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.chaos.faults import KINDS, Place
from tests.chaos.schedule import make_schedule

CLUSTERS = ("one", "two", "three")
seeds = st.integers(0, 10_000)


@given(seeds)
def test_the_same_seed_is_the_same_schedule(seed: int) -> None:
    assert make_schedule(seed, 120, CLUSTERS) == make_schedule(seed, 120, CLUSTERS)


@given(seeds)
def test_faults_of_one_place_follow_one_another_and_end_in_time(seed: int) -> None:
    schedule = make_schedule(seed, 120, CLUSTERS)

    for track in schedule.tracks:
        assert len({strike.where for strike in track}) <= 1
        assert all(first.at + first.seconds < then.at for first, then in pairwise(track))
        assert all(strike.at + strike.seconds <= 120 for strike in track)


@given(seeds)
def test_a_run_of_three_minutes_meets_every_kind_of_fault_at_its_place(seed: int) -> None:
    strikes = make_schedule(seed, 180, ("one", "two", "three", "four")).strikes

    assert len({strike.kind for strike in strikes}) >= len(KINDS) - 3
    assert all(
        (strike.where in {"one", "two", "three", "four"})
        == (KINDS[strike.kind].place is Place.CLUSTER)
        for strike in strikes
    )


def test_it_is_narrowed_to_the_kinds_that_were_asked_for() -> None:
    schedule = make_schedule(1, 60, CLUSTERS, ["latency", "git-down"])

    assert {strike.kind for strike in schedule.strikes} == {"latency", "git-down"}


def test_ten_minutes_ask_for_thousands_of_writes() -> None:
    schedule = make_schedule(1, 600, ("one", "two", "three", "four"))

    # Two objects at least per commit, on each of four clusters.
    assert len(schedule.commits) * 2 * 4 + len(schedule.nuisances) / 2 > 2_000
