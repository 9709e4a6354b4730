"""A prune after a failed apply can be found: a target that takes refusals for success is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.simulation.planting import invariants_broken, planted
from tests.simulation.schedule import Event
from tests.simulation.session import SimulatedSession

from shoal.model.plans import Result, ResultStatus

BUSY = Event(290.0, "busy", "c0", 300.0, 1)
# By this number one of the objects goes, and others come in its place.
REPLACED = Event(300.0, "commit", "a0", number=78)
INVARIANT = "nothing_is_pruned_after_a_failed_apply"


def test_nothing_is_found_where_nothing_is_planted() -> None:
    assert invariants_broken(BUSY, REPLACED) == set()


def test_what_is_refused_and_taken_for_written() -> None:
    real = SimulatedSession._carried_out

    def deaf(self: SimulatedSession, *args: Any, **options: Any) -> Result:
        result = real(self, *args, **options)
        if result.status is not ResultStatus.FAILED:
            return result
        return replace(result, status=ResultStatus.UNCHANGED, error=None)

    with planted(SimulatedSession, "_carried_out", deaf):
        assert INVARIANT in invariants_broken(BUSY, REPLACED)
