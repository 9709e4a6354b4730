"""Whoever looks at many targets lets others have the loop, and is told of each that stays once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from shoal.engine.looking import PORTION, look_at_fleet, look_at_many
from shoal.engine.state import EngineState
from shoal.engine.viewing import everything, view_applications, view_targets
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import Ref, TargetKey

AT = datetime(2026, 3, 1, tzinfo=UTC)
CLUSTERS, APPLICATIONS = 3 * PORTION, 4


def fleet() -> EngineState:
    state = EngineState(lambda: AT)
    for application in range(APPLICATIONS):
        for cluster in range(CLUSTERS):
            state.target(TargetKey(Ref("default", f"a{application}"), f"c{cluster:04}"))
    return state


class Others:
    """Counts how often others have the loop, and does something the first time."""

    def __init__(self, first: Any = lambda: None) -> None:
        self.turns = 0
        self._first = first

    async def run(self) -> None:
        while True:
            await anyio.lowlevel.checkpoint()
            self.turns += 1
            if self.turns == 1:
                self._first()


async def beside(others: Others, work: Any) -> Any:
    found = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others.run)
        found = await work
        tasks.cancel_scope.cancel()
    return found


@pytest.mark.parametrize(
    ("path", "count", "least"),
    [
        ("targets", CLUSTERS * APPLICATIONS, CLUSTERS * APPLICATIONS // PORTION - 1),
        ("applications", APPLICATIONS, APPLICATIONS - 1),
    ],
)
async def test_others_have_the_loop_in_between(path: str, count: int, least: int) -> None:
    others = Others()

    found = await beside(others, look_at_many(fleet(), path, everything))

    assert found is not None
    assert len(found) == count
    assert others.turns >= least


async def test_the_fleet_is_counted_in_portions() -> None:
    others = Others()
    state = fleet()

    view = await beside(others, look_at_fleet(state, location="memory", version="1", started_at=AT))

    assert (view.targets, view.phases) == (1200, {"Unknown": 1200})
    assert others.turns >= 1200 // PORTION - 1


async def test_what_goes_meanwhile_harms_nobody_and_what_stays_is_seen_once() -> None:
    state = fleet()

    def lose_one() -> None:
        for cluster in range(CLUSTERS):
            state.forget_target(TargetKey(Ref("default", "a2"), f"c{cluster:04}"))
        state.target(TargetKey(Ref("default", "a9"), "c0000"))

    found = await beside(Others(lose_one), look_at_many(state, "targets", everything))

    assert found is not None
    seen = [(each.application, each.cluster) for each in found if each.application != "a2"]
    stays = [f"a{number}" for number in range(APPLICATIONS) if number != 2]
    assert seen == [(name, f"c{at:04}") for name in stays for at in range(CLUSTERS)]


def test_only_those_that_are_meant_are_made() -> None:
    state = fleet()

    meant = list(view_targets(state, lambda ref: ref.name == "a1"))

    assert [each.application for each in meant] == ["a1"] * CLUSTERS


def test_the_holds_of_an_application_are_its_own_and_those_of_its_targets() -> None:
    state = fleet()
    subjects = ("default/a1", "default/a1@c0001", "default/a10", "cluster c0001")
    for subject in subjects:
        hold = Hold(subject, HoldCause.SUSPENDED, "storm", "ana", AT)
        state.holds[hold.id] = hold

    views = {each.name: each for each in view_applications(state)}

    assert (len(views["a1"].holds), views["a1"].suspended) == (2, True)
    assert (len(views["a2"].holds), views["a2"].suspended) == (0, False)
