"""Each invariant of a state that is lost or old can fail: what is planted is found by its name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.simulation.git import Git
from tests.simulation.planting import invariants_broken, planted
from tests.simulation.schedule import Event

from shoal.engine.orphaning import Orphaning
from shoal.model.artifacts import Artifact
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree

LOST = Event(300.0, "database lost", number=1)
# By this number it is marked that it is old.
PUT_BACK = Event(100.0, "database put back", seconds=200.0, number=1)
# By this number nobody can tell that it is old, and it was made before anything was written.
BELIEVED = Event(0.0, "database put back", seconds=300.0, number=2)
# By this number one of six objects goes, in the moment in which nobody remembers it.
ONE_GOES = Event(300.0, "commit", "a0", number=19)


@pytest.mark.parametrize("loss", [LOST, PUT_BACK, BELIEVED])
def test_nothing_is_found_where_nothing_is_planted(loss: Event) -> None:
    assert invariants_broken(loss, ONE_GOES) == set()


@pytest.mark.parametrize("loss", [LOST, PUT_BACK, BELIEVED])
def test_what_nobody_remembers_goes_without_being_asked_for(loss: Event) -> None:
    with planted(Orphaning, "_is_orphan", lambda self, target, change: False):
        broken = invariants_broken(loss, ONE_GOES)

    assert "nothing_goes_for_memory_was_lost" in broken


def test_what_was_out_before_the_loss_is_granted_anew() -> None:
    async def stale(self: Git, source: Ref, *_: Any) -> Artifact:
        files = self.histories[source.name].revisions[1]
        tree = MemoryTree({f"app/{name}": orjson.dumps(body) for name, body in files.items()})
        return Artifact(source, f"{source.name}-1", tree.digest, tree)

    before = Event(200.0, "commit", "a0", number=19)

    with planted(Git, "fetch", stale):
        assert "a_grant_is_of_what_was_out" in invariants_broken(before, LOST)
