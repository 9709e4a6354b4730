"""A schedule that fails is made small: no entry that is left can be taken away."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.schedule import Event, Scenario, scenario_of
from tests.simulation.shrinking import shrink


def numbered(count: int) -> Scenario:
    events = [Event(float(number), "commit", "a0", number=number) for number in range(count)]
    return scenario_of(1).with_events(events)


@settings(max_examples=50)
@given(count=st.integers(1, 60), needed=st.sets(st.integers(0, 59), min_size=1, max_size=4))
def test_what_is_left_is_what_is_needed(count: int, needed: set[int]) -> None:
    needed = {number % count for number in needed}

    def fails(scenario: Scenario) -> bool:
        return needed <= {event.number for event in scenario.events}

    small = shrink(numbered(count), fails, seconds=60)

    assert {event.number for event in small.events} == needed


def test_clusters_and_applications_that_are_not_needed_go() -> None:
    scenario = scenario_of(2)

    def fails(tried: Scenario) -> bool:
        return "c1" in tried.clusters

    small = shrink(scenario, fails, seconds=60)

    assert (small.clusters, len(small.applications)) == (("c1",), 1)


def test_when_time_is_over_what_was_found_so_far_counts() -> None:
    scenario = numbered(5)

    assert shrink(scenario, lambda tried: True, seconds=0) == scenario
