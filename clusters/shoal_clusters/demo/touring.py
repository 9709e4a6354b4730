"""Plays the steps one after the other, times them, and stops at the first that does not hold.

`shoal run` is watched all the while: when it ends, the step that was being played has failed, at
once and with the end of its log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import anyio

from shoal_clusters.demo.looking import NotSeen, opened_eyes
from shoal_clusters.demo.staging import Stage
from shoal_clusters.demo.steps import STEPS, Scene, Step


@dataclass(frozen=True, slots=True)
class Played:
    """How one step went: what was seen, or what was expected instead."""

    step: Step
    seconds: float
    seen: str
    expected: str = ""

    @property
    def holds(self) -> bool:
        """Whether all its facts were seen."""
        return not self.expected


async def play_steps(stage: Stage, tell: Callable[[Step | Played], None]) -> list[Played]:
    """Play until the end or until one fails; `tell` hears of each step as it begins and ends."""
    played: list[Played] = []
    async with opened_eyes(stage.clusters) as eyes:
        scene = Scene(stage, eyes)
        for step in STEPS:
            tell(step)
            played.append(await _play(step, scene))
            tell(played[-1])
            if not played[-1].holds:
                break
    return played


async def _play(step: Step, scene: Scene) -> Played:
    began = monotonic()
    try:
        seen = await _play_while_running(step, scene)
    except Exception as errors:  # the border of a step: whatever went wrong, the step is named
        found = list(leaves_of(errors))
        unseen = next((error for error in found if isinstance(error, NotSeen)), None)
        if unseen is None:
            first = found[0]
            unseen = NotSeen("the step to be carried out", f"{type(first).__name__}: {first}")
        return Played(step, monotonic() - began, unseen.seen, unseen.expected)
    return Played(step, monotonic() - began, seen)


async def _play_while_running(step: Step, scene: Scene) -> str:
    async def watch() -> None:
        raise NotSeen("`shoal run` to go on", str(await scene.stage.controller_ended()))

    seen = ""
    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        seen = await step.play(scene)
        group.cancel_scope.cancel()
    return seen


def leaves_of(error: BaseException) -> Iterator[BaseException]:
    """The errors inside the groups that task groups raise."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves_of(inner)
    else:
        yield error
