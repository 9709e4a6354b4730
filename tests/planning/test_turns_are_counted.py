"""How often a cluster turns is counted over all, and told by the last hour."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shoal.planning.flapping import LATELY, OFTEN, Turns

NOW = datetime(2026, 1, 1)


@given(st.lists(st.integers(0, 7200), max_size=300))
def test_the_last_hour_counts_what_happened_in_it_and_keeps_no_more(pauses: list[int]) -> None:
    turns, at, times = Turns(), NOW, []
    for pause in pauses:
        at += timedelta(seconds=pause)
        times.append(at)
        turns = turns.turned(at)

    within = sum(at - each < LATELY for each in times)
    assert turns.count == len(pauses)
    assert turns.lately(at) == min(within, 100)
    assert len(turns.recent) <= 100
    assert turns.is_flapping(at) == (within >= OFTEN)
    assert not turns.is_flapping(at + LATELY)
