"""The order of applications can fail: one that does not wait for another is found."""

from __future__ import annotations

from tests.simulation.planting import invariants_broken, planted
from tests.simulation.schedule import Event

from shoal.engine import deciding

WAITING = {"applications": ("a0", "a1"), "alerts": (), "waiting": (("a1", "a0"),)}
ILL = Event(0.0, "unhealthy", "c0", 300.0, 1)
OTHER = Event(0.0, "commit", "a1", number=6)


def test_nothing_is_found_where_nothing_is_planted() -> None:
    assert invariants_broken(OTHER, ILL, **WAITING) == set()


def test_who_does_not_wait_is_found() -> None:
    with planted(deciding, "lacking", lambda state, key: ()):
        broken = invariants_broken(OTHER, ILL, **WAITING)

    assert "what_others_wait_for_comes_first" in broken
